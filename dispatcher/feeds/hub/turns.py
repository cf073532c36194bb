"""Whose request is seen to next: anybody may name callbacks that hang, so few are asked at the same time.

One of a visitor and one of a host at once, so that neither fills all places. Those go first whose callbacks
failed least: hundreds that hang hold others up for as long as the calls under way.
"""

from __future__ import annotations

from django.db import transaction
from django.db.models import Count, Min, QuerySet
from django.db.models.functions import Now

from dispatcher import queue
from dispatcher.feeds.hub import errands
from dispatcher.feeds.models_hub import HubRequest

PLACES = 2  # callbacks that are asked at once: fewer than the worker has threads
OURS = ""  # the visitor of what the hub itself has to tell, which waits for whatever somebody asked


@transaction.atomic
def claim() -> HubRequest | None:
    """Take the request whose turn it is, so that it is held once this is committed.

    None when no place is free, or nobody waits who may have it. Every claim is an attempt.
    """
    errands.wait_for_turn("")
    held = list(HubRequest.objects.filter(lease_until__gt=Now()).values_list("visitor", "host"))
    if len(held) >= PLACES:
        return None
    waiting = errands.asked().exclude(visitor__in=[visitor for visitor, _ in held])
    waiting = waiting.exclude(host__in=[*(host for _, host in held), *errands.full_hosts()])
    visitor = _first(waiting)
    if visitor is None:
        return None
    own = waiting.filter(visitor=visitor).order_by("attempts", "due_at", "pk")
    pk, host = own.values_list("pk", "host")[0]
    claimed = errands.claim(errands.asked().filter(pk=pk), host=host)
    return claimed[0] if claimed else None


def leave(request: HubRequest) -> None:
    """It has been seen to: its place is for the next.

    A request that was replaced meanwhile kept the place until now, so that nobody gains a second one by
    asking again.
    """
    HubRequest.objects.filter(pk=request.pk, holder="").update(lease_until=None)
    nudge(errands.asked())


def nudge(waiting: QuerySet[HubRequest]) -> None:
    """Have whoever is next seen to, if any of these waits."""
    if waiting.exists():
        queue.verify()


def _first(waiting: QuerySet[HubRequest]) -> str | None:
    """The visitor whose callbacks failed least, among equals the one who waits for least, then longest."""
    failed = dict(
        HubRequest.objects.filter(attempts__gt=0).values_list("visitor").annotate(Count("pk"))
    )
    waits = waiting.values_list("visitor").annotate(Count("pk"), Min("due_at"))
    ranks = [
        (visitor == OURS, failed.get(visitor, 0), count, since, visitor)
        for visitor, count, since in waits
    ]
    return min(ranks)[-1] if ranks else None
