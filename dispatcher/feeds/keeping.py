"""Which feeds have rows of their own: the standing ones always, combinations while they are asked for.

A feed without a row is rendered each time and kept nowhere, so that no number of made-up combinations
fills the database.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.utils import timezone

from dispatcher.feeds.channels import Channel
from dispatcher.feeds.models import FeedChannel

MOST = 5_000  # combinations
ASKED = timedelta(days=30)  # a combination nobody asked for so long has no row; a hub's lease is no longer
FRESHLY = timedelta(days=1)


def keep(channels: Iterable[Channel]) -> None:
    """Make rows for these channels where there are none."""
    now = timezone.now()
    FeedChannel.objects.bulk_create([_row(one, now) for one in channels], ignore_conflicts=True)


def kept(channel: Channel) -> FeedChannel | None:
    """The row of a channel that somebody asks for, made if there is room; None for one without."""
    if channel.token:
        return None
    now = timezone.now()
    row = FeedChannel.objects.filter(key=channel.key).first()
    if row is not None:
        if row.asked_at < now - FRESHLY:
            FeedChannel.objects.filter(pk=row.pk).update(asked_at=now)
        return row
    if not channel.is_standing and not _has_room():
        return None
    keep([channel])
    return FeedChannel.objects.filter(key=channel.key).first()


def forget() -> int:
    """Drop the combinations that nobody asked for in thirty days; returns how many."""
    dropped, _ = _combinations().filter(asked_at__lt=timezone.now() - ASKED).delete()
    return dropped


def _has_room() -> bool:
    if _combinations().count() < MOST:
        return True
    idle = _combinations().filter(asked_at__lt=timezone.now() - FRESHLY).order_by("asked_at")
    dropped, _ = FeedChannel.objects.filter(pk__in=list(idle.values_list("pk", flat=True)[:1])).delete()
    return bool(dropped)


def _combinations():
    return FeedChannel.objects.filter(key__regex=r"^(any|each|not)/")


def _row(channel: Channel, now) -> FeedChannel:
    rule = channel.rule
    return FeedChannel(
        key=channel.key,
        match=rule.match,
        topics=sorted(rule.topics),
        except_topics=sorted(rule.except_topics),
        kind=channel.kind,
        urgent=channel.is_urgent,
        asked_at=now,
    )
