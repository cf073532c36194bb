"""The outcome of every delivery, first in the journal, then in its row; and the sums over them.

The journal (Valkey) is written letter by letter while a batch is carried; the rows by the hundreds
when it ends. Whoever takes over an expired lease reads the journal first, so that what was accepted
is never sent again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from redis import Redis

from dispatcher.mailing.models import Batch, Dispatch
from dispatcher.relays.outcomes import Outcome, Result

JOURNAL_SECONDS = 7 * 24 * 3600
# A refusal for now is tried again after these pauses, then given up (RFC 5321 §4.5.4.1 asks for days;
# an alert that is a day old is no alert).
PAUSES = tuple(timedelta(minutes=m) for m in (1, 5, 15, 60, 240, 480, 640))

# Write outcomes to their rows. Only rows still being carried change, so a repeat changes nothing; only
# the holder may, so that a worker that was overtaken puts nothing off that another is sending.
SQL_RECORD = """
WITH held AS (
    SELECT id FROM dispatcher_batch WHERE id = %(batch)s AND holder = %(holder)s FOR UPDATE
)
UPDATE dispatcher_delivery d
SET state = o.state, relay = o.relay, code = o.code, text = o.text, attempts = d.attempts + 1,
    next_attempt_at = o.next_attempt_at,
    settled_at = CASE WHEN o.state = 'deferred' THEN NULL ELSE now() END
FROM held, unnest(%(id)s::bigint[], %(state)s::text[], %(relay)s::text[], %(code)s::text[], %(text)s::text[],
            %(next)s::timestamptz[]) AS o(id, state, relay, code, text, next_attempt_at)
WHERE d.id = o.id AND d.batch_id = held.id AND d.state = 'carrying'
"""

# Close a batch or give it back. It is due again when its first open delivery is. What was begun and
# has no outcome waits again. Only the holder does this, so a repeat changes nothing.
SQL_SETTLE = """
WITH held AS (
    SELECT id FROM dispatcher_batch WHERE id = %(batch)s AND holder = %(holder)s FOR UPDATE
), given_back AS (
    UPDATE dispatcher_delivery SET state = 'waiting'
    WHERE batch_id IN (SELECT id FROM held) AND state = 'carrying'
), open AS (
    SELECT count(*) AS n, min(coalesce(next_attempt_at, now())) AS due_at FROM dispatcher_delivery
    WHERE batch_id IN (SELECT id FROM held) AND state IN ('waiting', 'carrying', 'deferred')
)
UPDATE dispatcher_batch b
SET state = CASE WHEN open.n = 0 THEN 'done' ELSE 'waiting' END,
    due_at = greatest(open.due_at, now() + %(pause)s), lease_until = NULL, holder = ''
FROM held, open WHERE b.id = held.id
RETURNING b.state = 'done'
"""


class Journal:
    """The outcomes of one batch as they happen, a line each, oldest first."""

    def __init__(self, batch_id: int) -> None:
        self._key = f"dispatcher:journal:{batch_id}"
        self._valkey = _valkey(settings.REDIS_URL)

    def write(self, outcome: Outcome) -> None:
        """Note what a relay said, and wait until it is noted. An absent Valkey raises RedisError."""
        line = json.dumps([outcome.key, outcome.result, outcome.relay, outcome.code, outcome.text])
        pipe = self._valkey.pipeline(transaction=False)
        pipe.rpush(self._key, line)
        pipe.expire(self._key, JOURNAL_SECONDS)
        pipe.execute()

    def read(self) -> list[Outcome]:
        lines: Iterable[bytes] = self._valkey.lrange(self._key, 0, -1)  # type: ignore[assignment]
        rows = [json.loads(line) for line in lines]
        return [Outcome(key, Result(result), *rest) for key, result, *rest in rows]

    def clear(self) -> None:
        self._valkey.delete(self._key)


@lru_cache(maxsize=1)
def _valkey(url: str) -> Redis:
    return Redis.from_url(url, socket_connect_timeout=3, socket_timeout=10)


def record(batch: Batch, outcomes: Sequence[Outcome], attempts: Mapping[int, int]) -> None:
    """Write the outcomes of a carried batch; `attempts` are those before this one, by delivery.

    One statement. Repeats change nothing, nor does a worker that no longer holds the batch.
    """
    now = timezone.now()
    rows = [_row(outcome, attempts.get(outcome.key, 0), now) for outcome in outcomes]
    with connection.cursor() as cursor:
        cursor.execute(
            SQL_RECORD,
            {
                "batch": batch.pk,
                "holder": batch.holder,
                "id": [row[0] for row in rows],
                "state": [row[1] for row in rows],
                "relay": [row[2] for row in rows],
                "code": [row[3] for row in rows],
                "text": [row[4] for row in rows],
                "next": [row[5] for row in rows],
            },
        )


def settle(batch: Batch, *, pause: timedelta) -> bool:
    """Give the lease back: the batch is done, or due again when its first open delivery is.

    It is not due before the pause is over. Returns whether it is done now. Repeats change nothing.
    """
    parameters: dict[str, Any] = {"batch": batch.pk, "holder": batch.holder, "pause": pause}
    with connection.cursor() as cursor:
        cursor.execute(SQL_SETTLE, parameters)
        settled = cursor.fetchone()
    return bool(settled and settled[0])


def _row(
    outcome: Outcome, attempts: int, now: datetime
) -> tuple[int, str, str, str, str, datetime | None]:
    state, text, next_attempt_at = str(outcome.result), outcome.text, None
    if outcome.result is Result.UNKNOWN and settings.UNKNOWN == "resend":
        state = Result.DEFERRED  # the same Message-ID goes out again
    if state == Result.DEFERRED:
        if attempts < len(PAUSES):
            next_attempt_at = now + PAUSES[attempts]
        else:
            state, text = Result.FAILED, f"given up after {attempts + 1} attempts: {text}"
    clean = text.replace("\0", "")[:300]
    return outcome.key, state, outcome.relay[:120], outcome.code[:12], clean, next_attempt_at


@dataclass(frozen=True, slots=True)
class Tally:
    """The sums over a dispatch's deliveries, counted from the rows."""

    audience: int
    waiting: int = 0
    carrying: int = 0
    accepted: int = 0
    deferred: int = 0
    failed: int = 0
    unknown: int = 0

    @property
    def counted(self) -> int:
        return sum(
            (self.waiting, self.carrying, self.accepted, self.deferred, self.failed, self.unknown)
        )

    @property
    def balances(self) -> bool:
        return self.audience == self.counted

    @property
    def open(self) -> int:
        return self.waiting + self.carrying + self.deferred


# The audience that matching counted and the rows counted now, in one snapshot: that they agree is
# what a balanced ledger means.
SQL_TALLY = """
SELECT d.audience, (SELECT jsonb_object_agg(state, n) FROM (
    SELECT state, count(*) AS n FROM dispatcher_delivery WHERE dispatch_id = d.id GROUP BY state) AS s)
FROM dispatcher_dispatch d WHERE d.id = %s
"""


def tally(dispatch_id: int) -> Tally:
    """The ledger's sums of a dispatch, counted from its rows."""
    with connection.cursor() as cursor:
        cursor.execute(SQL_TALLY, [dispatch_id])
        audience, states = cursor.fetchone()
    return Tally(audience=audience, **(json.loads(states) if states else {}))


@transaction.atomic
def close(dispatch_id: int) -> bool:
    """Mark a dispatch done once it is matched and its ledger balances with nothing open.

    Returns whether it is done now. Repeats change nothing.
    """
    dispatch = (
        Dispatch.objects.select_for_update(of=("self",))
        .defer("letter")
        .filter(pk=dispatch_id, state=Dispatch.State.SENDING)
        .first()
    )
    if dispatch is None or dispatch.batches.exclude(state=Batch.State.DONE).exists():
        return False
    sums = tally(dispatch_id)
    if sums.open or not sums.balances:
        return False
    dispatch.state = Dispatch.State.DONE
    dispatch.finished_at = timezone.now()
    dispatch.save(update_fields=["state", "finished_at"])
    return True
