"""The look for calls that stand still because their nudge or their worker was lost; leases that have ended."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from dispatcher import queue
from dispatcher.feeds import websub
from dispatcher.feeds.hub import errands, turns
from dispatcher.feeds.models_hub import HubRequest, HubSubscription

NUDGE_AFTER = timedelta(seconds=15)  # when the queue is empty: the nudge was lost
NUDGE_ANYWAY = timedelta(minutes=2)
KEPT = timedelta(days=30)  # an ended subscription, so that who asks can be told why


def sweep() -> int:
    """Nudge whatever stands still, end what has expired; returns how many were nudged."""
    _end_expired()
    after = NUDGE_AFTER if queue.is_empty(queue.OUTBOUND) else NUDGE_ANYWAY
    with transaction.atomic():
        nudged = _nudge_requests(after)
        nudged += errands.post_pings(errands.untold().filter(posted_at__lt=Now() - after))
        if websub.has_own_hub():
            nudged += errands.post_pushes(errands.behind().filter(posted_at__lt=Now() - after))
    return nudged


def _nudge_requests(after: timedelta) -> int:
    """As many as may be asked at once, however many stand still: each has the next one asked."""
    still = errands.asked().filter(posted_at__lt=Now() - after)
    rows = still.select_for_update(skip_locked=True).order_by("posted_at")
    found = list(rows.values_list("pk", flat=True)[: errands.AT_ONCE])
    HubRequest.objects.filter(pk__in=found).update(posted_at=Now())
    few = found[: turns.PLACES]
    for _ in few:
        queue.verify()
    return len(few)


def _end_expired() -> None:
    expired = HubSubscription.objects.filter(ended_at=None, expires_at__lte=Now())
    _skipping(expired).update(ended_at=Now(), ended_reason=HubSubscription.Reason.EXPIRED)
    _skipping(HubSubscription.objects.filter(ended_at__lt=Now() - KEPT)).delete()


def _skipping(rows: QuerySet[HubSubscription]) -> QuerySet[HubSubscription]:
    """A few at a time, by key; what changes meanwhile is left to the next look."""
    return HubSubscription.objects.filter(pk__in=list(rows.values_list("pk", flat=True)[:1_000]))
