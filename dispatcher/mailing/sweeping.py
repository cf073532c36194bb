"""The sweep: every row that stands still is nudged again, every step that should have come is taken.

Queue messages are lost with the queue and jobs with their worker; rows are not. Every step claims its
rows as it takes them, in a transaction of its own, so of two sweeps at once each row has one.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from dispatcher import queue
from dispatcher.mailing import dispatching, leases, ledger
from dispatcher.mailing.models import Batch, Dispatch

log = logging.getLogger(__name__)

NUDGE_AFTER = timedelta(seconds=15)  # when the lane's queue is empty: the nudge was lost
# When it is not, the nudge may still be in it; a second one costs a look at the row.
NUDGE_ANYWAY: dict[str, timedelta] = {
    Dispatch.Lane.URGENT: timedelta(minutes=1),
    Dispatch.Lane.ROUTINE: timedelta(minutes=10),
}
AT_ONCE = 500  # nudges of one sweep to a lane: 0.25 s here, which an urgent batch may have to wait

# A dispatch that is being sent and has letters to go, but no batch that would carry them: open the
# batches of these letters again. A repeat finds them open.
SQL_REOPEN = """
UPDATE dispatcher_batch b SET state = 'waiting', due_at = now(), posted_at = now(), lease_until = NULL
FROM dispatcher_dispatch d
WHERE d.state = 'sending' AND b.dispatch_id = d.id AND b.state = 'done'
  AND NOT EXISTS (SELECT FROM dispatcher_batch o WHERE o.dispatch_id = d.id AND o.state <> 'done')
  AND EXISTS (SELECT FROM dispatcher_delivery v
              WHERE v.batch_id = b.id AND v.state IN ('waiting', 'carrying', 'deferred'))
RETURNING b.id, d.lane
"""


def sweep() -> int:
    """Look once over all open dispatches; returns how many nudges were given and steps taken.

    What needs no queue comes first, and the urgent lane before the other.
    """
    return (
        _start_due()
        + _reopen()
        + _close_done()
        + _match_again()
        + sum(_carry_again(lane) for lane in NUDGE_ANYWAY)
    )


def _start_due() -> int:
    due = Dispatch.objects.defer("letter").filter(
        state=Dispatch.State.SCHEDULED, scheduled_for__lte=timezone.now()
    )
    started = 0
    for dispatch in due.order_by("-lane", "scheduled_for"):
        try:
            started += dispatching.start(dispatch)
        except Exception:  # one that cannot start must not keep all others from being swept
            log.exception("dispatch %s could not be started", dispatch.pk)
    return started


@transaction.atomic
def _reopen() -> int:
    with connection.cursor() as cursor:
        cursor.execute(SQL_REOPEN)
        reopened = cursor.fetchall()
    for batch_id, lane in reopened:
        log.error("batch %s was done and has letters to go; it is open again", batch_id)
        queue.carry(batch_id, lane=lane)
    return len(reopened)


def _close_done() -> int:
    open_ = Batch.objects.filter(dispatch=OuterRef("pk")).exclude(state=Batch.State.DONE)
    sending = Dispatch.objects.filter(~Exists(open_), state=Dispatch.State.SENDING)
    return sum(ledger.close(dispatch_id) for dispatch_id in sending.values_list("pk", flat=True))


def _match_again() -> int:
    still = Dispatch.objects.filter(
        state=Dispatch.State.MATCHING, released_at__lt=timezone.now() - NUDGE_AFTER
    )
    nudges = 0
    for dispatch_id, lane in still.order_by("-lane", "pk").values_list("pk", "lane"):
        # A lane may be busy with another dispatch for hours, and the nudge lost with its worker.
        is_due = queue.is_first("match anyway", dispatch_id, within=NUDGE_ANYWAY[lane]) or (
            queue.is_empty(lane) and queue.is_first("match", dispatch_id, within=NUDGE_AFTER)
        )
        if is_due:
            queue.match(dispatch_id, lane=lane)
            nudges += 1
    return nudges


@transaction.atomic
def _carry_again(lane: str) -> int:
    still = Batch.objects.filter(
        leases.may_be_claimed(), dispatch__lane=lane, posted_at__lt=Now() - NUDGE_AFTER
    )
    if not queue.is_empty(lane):
        # What was posted before the batch fell due, or before its lost holder's lease ended, has been
        # taken out of the queue by now.
        still = still.filter(
            Q(posted_at__lt=Now() - NUDGE_ANYWAY[lane])
            | Q(posted_at__lt=Coalesce("lease_until", "due_at"))
        )
    claimed = still.select_for_update(of=("self",), skip_locked=True).order_by("due_at")
    batches = list(claimed.values_list("pk", flat=True)[:AT_ONCE])
    Batch.objects.filter(pk__in=batches).update(posted_at=Now())
    for batch_id in batches:
        queue.carry(batch_id, lane=lane)
    return len(batches)
