"""The sweep: every row that stands still is nudged again, every step that should have come is taken.

Queue messages are lost with the queue and jobs with their worker; rows are not. Two sweeps at once do
no harm, and the second finds nothing to do.
"""

from __future__ import annotations

from datetime import timedelta

from django.db import connection
from django.db.models import Q
from django.utils import timezone

from dispatcher import queue
from dispatcher.mailing import dispatching, ledger
from dispatcher.mailing.models import Batch, Dispatch

NUDGE_AFTER = timedelta(seconds=15)  # when the lane's queue is empty: the nudge was lost
NUDGE_ANYWAY = timedelta(minutes=10)
ADVISORY_LOCK = 0x6469_7370  # "disp"


def sweep() -> int:
    """Look once over all open dispatches; returns how many nudges were given."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [ADVISORY_LOCK])
        if not cursor.fetchone()[0]:
            return 0
    try:
        return _start_due() + _match_again() + _carry_again() + _close_done()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [ADVISORY_LOCK])


def _start_due() -> int:
    due = Dispatch.objects.defer("letter").filter(
        state=Dispatch.State.SCHEDULED, scheduled_for__lte=timezone.now()
    )
    return sum(dispatching.start(dispatch) for dispatch in due)


def _match_again() -> int:
    still = Dispatch.objects.filter(
        state=Dispatch.State.MATCHING, released_at__lt=timezone.now() - NUDGE_AFTER
    )
    nudges = 0
    for dispatch_id, lane in still.values_list("pk", "lane"):
        if queue.is_empty(lane):
            queue.match(dispatch_id, lane=lane)
            nudges += 1
    return nudges


def _carry_again() -> int:
    now = timezone.now()
    still = Batch.objects.filter(
        Q(state=Batch.State.WAITING, due_at__lte=now)
        | Q(state=Batch.State.CARRYING, lease_until__lt=now),
        posted_at__lt=now - NUDGE_AFTER,
        dispatch__state__in=[Dispatch.State.MATCHING, Dispatch.State.SENDING],
    )
    nudges = 0
    for lane in Dispatch.Lane.values:
        in_lane = still.filter(dispatch__lane=lane)
        if not queue.is_empty(lane):
            in_lane = in_lane.filter(posted_at__lt=now - NUDGE_ANYWAY)
        for batch_id in in_lane.order_by("due_at").values_list("pk", flat=True)[:5_000]:
            # The condition again: of two sweeps, one gives the nudge.
            nudged = Batch.objects.filter(pk=batch_id, posted_at__lt=now - NUDGE_AFTER)
            if nudged.update(posted_at=now):
                queue.carry(batch_id, lane=lane)
                nudges += 1
    return nudges


def _close_done() -> int:
    sending = Dispatch.objects.filter(state=Dispatch.State.SENDING).values_list("pk", flat=True)
    return sum(ledger.close(dispatch_id) for dispatch_id in sending)
