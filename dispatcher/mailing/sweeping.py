"""The sweep: every row that stands still is nudged again, every step that should have come is taken.

Queue messages are lost with the queue and jobs with their worker; rows are not. Two sweeps at once do
no harm, and the second finds nothing to do.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db import connection
from django.db.models import Q
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from dispatcher import queue
from dispatcher.mailing import carrying, dispatching, ledger
from dispatcher.mailing.models import Batch, Dispatch

log = logging.getLogger(__name__)

NUDGE_AFTER = timedelta(seconds=15)  # when the lane's queue is empty: the nudge was lost
NUDGE_ANYWAY = timedelta(minutes=10)
AT_ONCE = 1_000  # nudges of one sweep to a lane; an urgent batch waits while it gives them
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
    started = 0
    for dispatch in due:
        try:
            started += dispatching.start(dispatch)
        except Exception:  # one that cannot start must not keep all others from being swept
            log.exception("dispatch %s could not be started", dispatch.pk)
    return started


def _match_again() -> int:
    still = Dispatch.objects.filter(
        state=Dispatch.State.MATCHING, released_at__lt=timezone.now() - NUDGE_AFTER
    )
    nudges = 0
    for dispatch_id, lane in still.values_list("pk", "lane"):
        # A lane may be busy with another dispatch for hours, and the nudge lost with its worker.
        if queue.is_empty(lane) or queue.is_first("match", dispatch_id, within=NUDGE_ANYWAY):
            queue.match(dispatch_id, lane=lane)
            nudges += 1
    return nudges


def _carry_again() -> int:
    # Where the queue is not empty, the nudge may still be in it; one from before the batch fell due, or
    # from before its lost holder's lease ended, has been taken out.
    needs_one = Q(posted_at__lt=Now() - NUDGE_ANYWAY) | Q(
        posted_at__lt=Coalesce("lease_until", "due_at")
    )
    still = Batch.objects.filter(carrying.may_be_claimed(), posted_at__lt=Now() - NUDGE_AFTER)
    nudges = 0
    for lane in Dispatch.Lane.values:
        in_lane = still.filter(dispatch__lane=lane)
        if not queue.is_empty(lane):
            in_lane = in_lane.filter(needs_one)
        batches = list(in_lane.order_by("due_at").values_list("pk", flat=True)[:AT_ONCE])
        Batch.objects.filter(pk__in=batches).update(posted_at=Now())
        for batch_id in batches:
            queue.carry(batch_id, lane=lane)
        nudges += len(batches)
    return nudges


def _close_done() -> int:
    sending = Dispatch.objects.filter(state=Dispatch.State.SENDING).values_list("pk", flat=True)
    return sum(ledger.close(dispatch_id) for dispatch_id in sending)
