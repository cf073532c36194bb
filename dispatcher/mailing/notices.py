"""Letters about a reader's own affairs: written down where they arise, sent once, soon, by any worker.

A notice is claimed, sent and recorded like a delivery, but alone and in no ledger: it is about what its
reader just did and waits for no batch. What it says is `noticing`'s and the templates'.
"""

from __future__ import annotations

import json
import logging
import math
import uuid
from collections.abc import Mapping
from datetime import timedelta
from time import monotonic
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from dispatcher import queue
from dispatcher.audience import consent
from dispatcher.audience.addresses import normalise
from dispatcher.errors import RelayUnreachable
from dispatcher.letters.slots import UnsafeValue
from dispatcher.mailing import noticing, renewing
from dispatcher.mailing.models import Notice
from dispatcher.relays import pool
from dispatcher.relays.outcomes import Outcome, Parcel, Result

log = logging.getLogger(__name__)

Kind, State = Notice.Kind, Notice.State
NUDGE_AFTER = timedelta(seconds=15)  # when the lane is empty: the nudge was lost
NUDGE_ANYWAY = timedelta(minutes=1)
SOON = timedelta(minutes=1)  # what is due by then is posted again at once; the sweep finds the rest
AT_ONCE = 500  # nudges of one sweep
NOW = timedelta()

# By hand, since every one-click that ends the last rule writes one. Who was not nudged is posted so long
# ago that the next sweep does it.
SQL_POST = """
INSERT INTO dispatcher_notice (kind, address, language, reader_id, link, facts, by, state, attempts,
    next_attempt_at, posted_at, holder, relay, code, text, created_at)
VALUES (%(kind)s, %(address)s, %(language)s, %(reader)s, %(link)s, %(facts)s, %(by)s, 'waiting', 0,
    now(), now() - %(nudged)s, '', '', '', '', now())
RETURNING id
"""

_NO_FACTS: Mapping[str, str] = {}
_nudged_at = -math.inf


@transaction.atomic(savepoint=False)
def post(
    kind: Notice.Kind,
    *,
    to: str,
    language: str = "en",
    reader_id: int | None = None,
    link: str = "",
    facts: Mapping[str, str] = _NO_FACTS,
    by: str = "",
    may_wait: bool = False,
) -> None:
    """Write a notice down, to be sent once this transaction commits. Every call is one more letter.

    Of those that `may_wait` this process nudges one a second; the others are the next sweep's.

    `link` is what the letter is about: to confirm, to look, to undo. The `facts` that templates know are
    `rules`, a rule in words on each line, `days`, `paused`, until when in words, and `done`, said by any
    value. `by` is who has it sent, where that is not the reader. Raises BadAddress.
    """
    is_nudged = not may_wait or _is_quiet()
    parameters: dict[str, Any] = {
        "kind": str(kind),
        "address": normalise(to),
        "language": language,
        "reader": reader_id,
        "link": link,
        "by": by[:80],
        "facts": json.dumps(dict(facts)),
        "nudged": NOW if is_nudged else NUDGE_ANYWAY,
    }
    with connection.cursor() as cursor:
        cursor.execute(SQL_POST, parameters)
        (notice_id,) = cursor.fetchone()
    if is_nudged:
        queue.notify(notice_id)


def _is_quiet() -> bool:
    """Whether this process has nudged none that may wait within a second; from now on it has."""
    global _nudged_at  # noqa: PLW0603  of this process
    now = monotonic()
    if now - _nudged_at < 1:
        return False
    _nudged_at = now
    return True


def notify(notice_id: int) -> None:
    """Send it and record what the relay said. Does nothing if it is held, settled or not due."""
    notice = _claim(notice_id)
    if notice is None:
        return
    # However long the relay takes over it (RFC 5321 §4.5.3.2.6).
    with renewing.renewed(_held(notice)):
        outcome = _refused(notice) or _sent(notice)
    due_in = _record(notice, outcome)
    if due_in is not None and due_in < SOON:
        queue.notify(notice_id, after=due_in)


def sweep() -> int:
    """Nudge whatever stands still; returns how many."""
    after = NUDGE_AFTER if queue.is_empty(queue.URGENT) else NUDGE_ANYWAY
    with transaction.atomic():
        still = Notice.objects.filter(_may_be_sent(), posted_at__lt=Now() - after)
        rows = still.select_for_update(skip_locked=True).order_by("posted_at")
        found = list(rows.values_list("pk", flat=True)[:AT_ONCE])
        Notice.objects.filter(pk__in=found).update(posted_at=Now())
        for notice_id in found:
            queue.notify(notice_id)
    return len(found)


def _may_be_sent() -> Q:
    """Waiting and due, or left behind by a worker that was lost. By the clock of PostgreSQL."""
    return Q(state__in=(State.WAITING, State.DEFERRED), next_attempt_at__lte=Now()) | Q(
        state=State.SENDING, lease_until__lt=Now()
    )


@transaction.atomic
def _claim(notice_id: int) -> Notice | None:
    """Take it, so that it is held once this is committed; None if it is not to be had.

    Every claim counts as an attempt. What a lost worker had in hand is in doubt, as a delivery is.
    """
    rows = Notice.objects.filter(_may_be_sent(), pk=notice_id)
    notice = rows.select_for_update(skip_locked=True).first()
    if notice is None:
        return None
    was_lost = notice.state == State.SENDING
    notice.holder = uuid.uuid4().hex
    notice.attempts += 1
    Notice.objects.filter(pk=notice_id).update(
        state=State.SENDING,
        holder=notice.holder,
        attempts=notice.attempts,
        lease_until=Now() + renewing.lease(),
    )
    if was_lost and settings.UNKNOWN == "hold":
        _settle(notice, State.UNKNOWN, text="its worker was lost before the relay's answer")
        return None
    if notice.attempts > len(settings.RETRY_PAUSES) + 1:
        _settle(notice, State.FAILED, text=f"given up after {notice.attempts - 1} attempts")
        return None
    return notice


def _held(notice: Notice) -> QuerySet[Notice]:
    return Notice.objects.filter(pk=notice.pk, holder=notice.holder, state=State.SENDING)


def _refused(notice: Notice) -> Outcome | None:
    reason = consent.suppressed(notice.address)
    if reason and not (reason == consent.ERASED and notice.kind == Kind.CONFIRM):
        return Outcome(notice.pk, Result.FAILED, "", "", "suppressed before it was handed over")
    return None


def _sent(notice: Notice) -> Outcome:
    """What became of one attempt; never raises, so that each has an outcome."""
    try:
        data = noticing.letter(notice)
        parcel = Parcel(notice.pk, noticing.return_path(notice), notice.address, data)
        outcomes = list(pool.of_this_process().hand_over([parcel], is_urgent=True))
    except RelayUnreachable as away:
        return Outcome(notice.pk, Result.DEFERRED, "", "", str(away))
    except UnsafeValue as refusal:
        return Outcome(notice.pk, Result.FAILED, "", "", str(refusal))
    except Exception:
        log.exception("notice %s could not be sent", notice.pk)
        words = "it could not be written or handed over; the worker's log says why"
        return Outcome(notice.pk, Result.DEFERRED, "", "", words)
    return outcomes[0]


def _record(notice: Notice, outcome: Outcome) -> timedelta | None:
    """Write the outcome; in what time it is due again, None if it is settled."""
    said = {"relay": outcome.relay[:120], "code": outcome.code[:12]}
    if outcome.result is Result.HELD_BACK:  # which is no attempt
        wait = timedelta(seconds=max(outcome.wait, 1.0))
        return _put_off(notice, wait, attempts=notice.attempts - 1, text=outcome.text, **said)
    is_open = outcome.result is Result.DEFERRED or (
        outcome.result is Result.UNKNOWN and settings.UNKNOWN == "resend"
    )
    if is_open and notice.attempts <= len(settings.RETRY_PAUSES):
        pause = timedelta(seconds=settings.RETRY_PAUSES[notice.attempts - 1])
        return _put_off(notice, pause, attempts=notice.attempts, text=outcome.text, **said)
    if is_open:
        text = f"given up after {notice.attempts} attempts: {outcome.text}"
        _settle(notice, State.FAILED, text=text, **said)
    else:
        _settle(notice, State(outcome.result), text=outcome.text, **said)
    return None


def _put_off(
    notice: Notice, pause: timedelta, *, attempts: int, text: str, **said: str
) -> timedelta:
    due = Now() + pause
    _write(notice, State.DEFERRED, text, next_attempt_at=due, attempts=attempts, **said)
    return pause


def _settle(notice: Notice, state: str, *, text: str, **said: str) -> None:
    _write(notice, state, text, settled_at=timezone.now(), **said)


def _write(notice: Notice, state: str, text: str, **values: Any) -> None:
    """Only its holder may, so that a worker that was overtaken undoes nothing."""
    held = Notice.objects.filter(pk=notice.pk, holder=notice.holder)
    text = text.replace("\0", "")[:300]
    if not held.update(state=state, text=text, lease_until=None, holder="", **values):
        log.warning("notice %s was taken over; its outcome is left to the other", notice.pk)
