"""The outcome of every delivery in its row, and the sums over the rows: what a dispatch has come to.

Rows are written by the hundreds when a batch ends; until then the `journal` knows. Every outcome is
about one attempt, so writing it again changes nothing.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from dispatcher.audience import hashing
from dispatcher.mailing.addressing import OWN_WORDS
from dispatcher.mailing.journal import Line
from dispatcher.mailing.leases import Lease, LeaseLost
from dispatcher.mailing.models import Batch, Dispatch
from dispatcher.relays.outcomes import Outcome, Result

# A batch that breaks down must not do so all day: the first of RETRY_PAUSES, doubled by each fault.
MOST_FAULTS = 6
GIVE_UP_AFTER = 24  # faults in a row, which take most of a day
NO_PAUSE = timedelta()

# Write outcomes to their rows. Each is about the attempt that it names, so a repeat changes nothing; only
# the holder may, so that a worker that was overtaken puts nothing off that another is sending. `+ 0`
# keeps the planner on the key of each row: it takes a batch to have one letter in hand, and would
# compare each with each (500 of them: 83 ms, with it 5 ms). A relay's words often name the address, so
# nothing is written of them about a reader who was erased while the letter was under way.
SQL_RECORD = """
WITH held AS (
    SELECT id FROM dispatcher_batch WHERE id = %(batch)s AND holder = %(holder)s FOR UPDATE
)
UPDATE dispatcher_delivery d
SET state = o.state, relay = o.relay, code = o.code, attempts = o.attempts_now,
    next_attempt_at = now() + o.pause * interval '1 second', settled_at = to_timestamp(o.settled_at),
    text = CASE WHEN o.text <> '' AND o.text NOT LIKE %(own_words)s AND EXISTS (
                    SELECT FROM dispatcher_subscriber r
                    WHERE r.id = d.subscriber_id AND r.address LIKE %(erased)s)
                THEN '' ELSE o.text END
FROM held, unnest(%(id)s::bigint[], %(attempts)s::int[], %(attempts_now)s::int[], %(state)s::text[],
            %(relay)s::text[], %(code)s::text[], %(text)s::text[], %(pause)s::float8[],
            %(settled_at)s::float8[])
            AS o(id, attempts, attempts_now, state, relay, code, text, pause, settled_at)
WHERE d.id = o.id AND d.batch_id + 0 = held.id AND d.attempts = o.attempts
"""

# Close a batch or give it back. It is due again when its first open delivery is. What was begun and
# has no outcome waits again; after many faults what is open fails, and staff may send it again. Only the
# holder does this, so a repeat changes nothing.
SQL_SETTLE = """
WITH held AS (
    SELECT id, %(fault)s <> '' AND faults + 1 >= %(give_up_after)s AS is_given_up FROM dispatcher_batch
    WHERE id = %(batch)s AND holder = %(holder)s FOR UPDATE
), given_back AS (
    UPDATE dispatcher_delivery SET state = 'waiting'
    WHERE batch_id IN (SELECT id FROM held WHERE NOT is_given_up) AND state = 'carrying'
), given_up AS (
    UPDATE dispatcher_delivery SET state = 'failed', settled_at = now(), relay = '', code = '',
        text = left('given up after ' || %(give_up_after)s || ' breakdowns of its batch: ' || %(fault)s, 300)
    WHERE batch_id IN (SELECT id FROM held WHERE is_given_up) AND state IN ('waiting', 'carrying', 'deferred')
), open AS (
    SELECT count(*) AS n, min(coalesce(next_attempt_at, now())) AS due_at FROM dispatcher_delivery
    WHERE batch_id IN (SELECT id FROM held WHERE NOT is_given_up)
      AND state IN ('waiting', 'carrying', 'deferred')
)
UPDATE dispatcher_batch b
SET state = CASE WHEN open.n = 0 THEN 'done' ELSE 'waiting' END, lease_until = NULL, holder = '',
    due_at = greatest(open.due_at, now() + %(pause)s, CASE WHEN %(fault)s <> '' THEN
                      now() + %(after_a_fault)s * 2 ^ least(b.faults, %(most_faults)s) END),
    faults = CASE WHEN %(fault)s = '' THEN 0 ELSE least(b.faults + 1, 32767) END, fault = %(fault)s
FROM held, open WHERE b.id = held.id
RETURNING CASE WHEN open.n > 0 THEN b.due_at - now() END
"""


class _Row(NamedTuple):
    id: int
    attempts: int
    attempts_now: int
    state: str
    relay: str
    code: str
    text: str
    pause: float | None  # in seconds
    settled_at: float | None


def record(lease: Lease, lines: Sequence[Line]) -> None:
    """Write the outcomes of a carried batch, in one statement.

    Repeats change nothing, nor does a worker that no longer holds the batch.
    """
    rows = [_row(line.outcome, line.attempts) for line in lines]
    columns = zip(*rows, strict=True) if rows else ([] for _ in _Row._fields)
    parameters: dict[str, Any] = dict(zip(_Row._fields, map(_array, columns), strict=True))
    with connection.cursor() as cursor:
        cursor.execute(
            SQL_RECORD,
            parameters
            | {
                "batch": lease.batch_id,
                "holder": lease.holder,
                "own_words": f"%{OWN_WORDS}",
                "erased": f"%@{hashing.DOMAIN}",
            },
        )


def settle(lease: Lease, *, pause: timedelta = NO_PAUSE, fault: str = "") -> timedelta | None:
    """Give the lease back: the batch is done, or due again when its first open delivery is.

    It is not due before the pause is over, and with a fault not before a pause that doubles with every
    one; after GIVE_UP_AFTER of them in a row its letters fail. Returns how long until it is due, None
    when it is done. Raises LeaseLost when another has it, or it was given back before.
    """
    parameters: dict[str, Any] = {
        "batch": lease.batch_id,
        "holder": lease.holder,
        "pause": pause,
        "fault": fault[:300],
        "after_a_fault": timedelta(seconds=settings.RETRY_PAUSES[0]),
        "most_faults": MOST_FAULTS,
        "give_up_after": GIVE_UP_AFTER,
    }
    with connection.cursor() as cursor:
        cursor.execute(SQL_SETTLE, parameters)
        settled = cursor.fetchone()
    if settled is None:
        raise LeaseLost
    due_in: timedelta | None = settled[0]
    return due_in


@transaction.atomic
def give_back(
    lease: Lease, lines: Sequence[Line], *, pause: timedelta = NO_PAUSE, fault: str = ""
) -> timedelta | None:
    """`record` and `settle` as one: who carries a batch has told all and lets it go."""
    record(lease, lines)
    return settle(lease, pause=pause, fault=fault)


def _row(outcome: Outcome, attempts: int) -> _Row:
    state, text = str(outcome.result), outcome.text
    pause: float | None = None
    attempts_now, settled_at = attempts + 1, outcome.at or time.time()
    if outcome.result is Result.UNKNOWN and settings.UNKNOWN == "resend":
        state = Result.DEFERRED  # the same Message-ID goes out again
    if outcome.result is Result.HELD_BACK:
        state, pause, attempts_now = Result.DEFERRED, outcome.wait, attempts
    elif state == Result.DEFERRED:
        if attempts < len(settings.RETRY_PAUSES):
            # Without a relay nobody refused anything: a worker was lost, and the letter waits for nothing.
            was_lost = outcome.result is Result.UNKNOWN and not outcome.relay
            pause = 0 if was_lost else settings.RETRY_PAUSES[attempts]
        else:
            state, text = Result.FAILED, f"given up after {attempts + 1} attempts: {text}"
    return _Row(
        id=outcome.key,
        attempts=attempts,
        attempts_now=attempts_now,
        state=state,
        relay=outcome.relay[:120],
        code=outcome.code[:12],
        text=text.replace("\0", "")[:300],
        pause=pause,
        settled_at=None if state == Result.DEFERRED else settled_at,
    )


def _array(column: Iterable[int | float | str | None]) -> str:
    """A column as PostgreSQL writes an array; psycopg would take ten times as long over each element."""
    return "{" + ",".join([_element(value) for value in column]) + "}"


def _element(value: int | float | str | None) -> str:
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return "NULL" if value is None else repr(value)


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
