"""How push stands, for people: who gets our feeds pushed, and which foreign hubs do not take our word."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from dispatcher.feeds import websub
from dispatcher.feeds.hub import errands
from dispatcher.feeds.models_hub import HubPing, HubSubscription


@dataclass(frozen=True, slots=True)
class Counts:
    """Live subscriptions, those whose last push failed, and foreign hubs whose last ping failed."""

    subscriptions: int
    failing: int
    hubs_failing: int


@dataclass(frozen=True, slots=True)
class Standing:
    """A live subscription. `feed` and `callback` are told without what nobody else should know."""

    feed: str
    callback: str
    is_signed: bool
    since: datetime
    until: datetime
    pushed_at: datetime | None
    trouble: str


def counts() -> Counts:
    """For a line at the desk; three counts over indexes."""
    live = errands.live()
    failing = HubPing.objects.exclude(said="").values("hub").distinct().count()
    return Counts(live.count(), live.exclude(said="").count(), failing)


def subscribers() -> Iterator[Standing]:
    """Every live subscription, by feed and then by age. Nobody's own feed is named."""
    rows = errands.live().select_related("topic").order_by("topic__url", "started_at", "pk")
    for each in rows.iterator():
        yield _standing(each)


def _standing(subscription: HubSubscription) -> Standing:
    callback = urlsplit(subscription.callback)
    return Standing(
        feed=_named(subscription.topic.url),
        callback=f"{callback.scheme}://{callback.netloc}{callback.path}",
        is_signed=bool(subscription.secret),
        since=subscription.started_at,
        until=subscription.expires_at,
        pushed_at=subscription.told_at,
        trouble=subscription.said,
    )


def _named(url: str) -> str:
    """A reader's own feed is opened by its address alone, so that is not told."""
    return "a reader's own feed" if websub.is_private(url) else urlsplit(url).path
