"""Calls that are to be made, as rows: which are due, who has one in hand, when it is tried again.

Claim, commit, call, record: a holder has an errand for the length of a lease, which outlasts every call.
A host that hangs is called by few at once, so that it cannot hold all workers up.
"""

from __future__ import annotations

import logging
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Model, Q, QuerySet, Window
from django.db.models.functions import Now, RowNumber

from dispatcher import queue
from dispatcher.feeds.models_hub import Errand, HubPing, HubRequest, HubSubscription

log = logging.getLogger(__name__)

PER_HOST = 2  # calls to one host at the same time
AT_A_TIME = 20  # that one job claims; it makes the calls one after the other
CALL_SECONDS = 8.0  # the longest that one takes
LEASE = timedelta(seconds=20)
BUDGET = 5.0  # seconds after which a job lets others go first
# Between attempts: a day in all. After the last, what has changed is told no more; the next change is.
PAUSES = tuple(
    timedelta(seconds=each) for each in (10, 60, 300, 900, 3_600, 10_800, 21_600, 43_200)
)
SOON = timedelta(minutes=1)  # what is due by then is posted again at once; the sweep finds the rest
AT_ONCE = 1_000  # nudges of one announcement or sweep
_LOCK = 0x6875_6201  # "hub", of hosts

E = TypeVar("E", bound=Errand)


def behind() -> QuerySet[HubSubscription]:
    """The subscriptions that a push is due to, and that nobody has in hand. By the clock of PostgreSQL."""
    return live().filter(_free(), told__lt=F("topic__event"))


def live() -> QuerySet[HubSubscription]:
    return HubSubscription.objects.filter(ended_at=None, expires_at__gt=Now())


def untold() -> QuerySet[HubPing]:
    """The foreign hubs that are to be told of a feed, and whom nobody is just telling."""
    return HubPing.objects.filter(_free(), told__lt=F("topic__event"), hub__in=settings.FEED_HUBS)


def asked() -> QuerySet[HubRequest]:
    """The requests whose callbacks are to be asked."""
    return HubRequest.objects.filter(_free())


def _free() -> Q:
    return Q(due_at__lte=Now()) & (Q(lease_until=None) | Q(lease_until__lt=Now()))


@transaction.atomic
def claim(rows: QuerySet[E], *, host: str, most: int = 1) -> list[E]:
    """Take those of a host that are due first, so that they are held once this is committed.

    None when none is due, or others have enough of that host in hand. Every claim is an attempt.
    """
    wait_for_turn(host)
    if host in full_hosts():
        return []
    ordered = rows.filter(host=host).select_related("topic").order_by("due_at", "pk")
    errands = list(ordered.select_for_update(skip_locked=True, of=("self",))[:most])
    holder = uuid.uuid4().hex
    for errand in errands:
        errand.holder = holder
        errand.attempts += 1
    if errands:
        _those(errands).update(holder=holder, attempts=F("attempts") + 1, lease_until=Now() + LEASE)
    return errands


def give_back(errands: Sequence[Errand]) -> None:
    """Let go of what was not even begun, which is no attempt."""
    if errands:
        held = _those(errands).filter(holder=errands[0].holder)
        held.update(holder="", lease_until=None, attempts=F("attempts") - 1)


def settle(errand: Errand, **values: Any) -> bool:
    """Write how it went and let go; whether it was still held. Only its holder may."""
    held = _those([errand]).filter(holder=errand.holder)
    if held.update(holder="", lease_until=None, **values):
        return True
    log.info("%s was taken over; its outcome is left to the other", errand)
    return False


def told(errand: HubSubscription | HubPing) -> None:
    """It went well, for the event of the moment when it was claimed."""
    settle(errand, told=errand.topic.event, told_at=Now(), attempts=0, said="", due_at=Now())


def put_off(
    errand: HubSubscription | HubPing, said: str, *, asked: timedelta = queue.AT_ONCE
) -> timedelta | None:
    """It went badly, as `said`; in what time it is tried again, None when it is given up.

    Not before so long as the other side `asked` for.
    """
    if errand.attempts > len(PAUSES):
        settle(errand, told=errand.topic.event, attempts=0, said=said[:300], due_at=Now())
        return None
    pause = pause_after(errand, asked)
    settle(errand, said=said[:300], due_at=Now() + pause)
    return pause


def pause_after(errand: Errand, asked: timedelta) -> timedelta:
    """Ours, or what the other side asked for if that is longer, as far as our longest."""
    return max(PAUSES[errand.attempts - 1], min(asked, PAUSES[-1]))


@transaction.atomic
def leave_alone(host: str) -> None:
    """A host that does not answer: what else is due to it waits, so that others go first."""
    rows = behind().filter(host=host).select_for_update(skip_locked=True, of=("self",))
    keys = list(rows.values_list("pk", flat=True))
    HubSubscription.objects.filter(pk__in=keys).update(due_at=Now() + PAUSES[0])


def post_pushes(rows: QuerySet[HubSubscription]) -> int:
    """Nudge for these once this transaction commits: a few of each host, whose jobs see to the others.

    Hosts that answered the last time go first.
    """
    return _post(rows, queue.push)


def post_pings(rows: QuerySet[HubPing], *, after: timedelta = queue.AT_ONCE) -> int:
    """The same for foreign hubs, after so long."""
    return _post(rows, partial(queue.ping, after=after))


def _post(rows: QuerySet[E], nudge: Callable[[int], None]) -> int:
    number = Window(RowNumber(), partition_by="host", order_by=("due_at", "pk"))
    few = rows.annotate(n=number).filter(n__lte=PER_HOST).order_by("attempts", "due_at")
    keys = list(few.values_list("pk", flat=True)[:AT_ONCE])
    rows.model._default_manager.filter(pk__in=keys).update(posted_at=Now())
    for key in keys:
        nudge(key)
    return len(keys)


def full_hosts() -> list[str]:
    """The hosts that as many call as may."""
    callers: Counter[str] = Counter()
    for model in (HubSubscription, HubRequest, HubPing):
        held = model._default_manager.filter(lease_until__gt=Now())
        callers.update(host for host, _ in held.values_list("host", "holder").distinct())
    return [host for host, number in callers.items() if number >= PER_HOST]


def wait_for_turn(name: str) -> None:
    """Who claims for the same host, or without a name a request, waits until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [_LOCK, name])


def _those(errands: Sequence[Errand]) -> QuerySet[Any]:
    """The rows of these, which are of one kind."""
    model: type[Model] = type(errands[0])
    return model._default_manager.filter(pk__in=[errand.pk for errand in errands])
