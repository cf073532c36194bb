"""Which feeds have rows of their own: the standing ones always, combinations while they are asked for.

A feed without a row is rendered each time and kept nowhere, so that no number of made-up combinations
fills the database. Nor do hubs learn of its changes, so whoever is pushed a feed keeps its row.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from dispatcher.briefs.models import Topic
from dispatcher.feeds import channels, learning
from dispatcher.feeds.building import Format
from dispatcher.feeds.channels import Channel
from dispatcher.feeds.hub import errands
from dispatcher.feeds.models import FeedChannel
from dispatcher.feeds.models_hub import HubRequest, HubTopic

MOST = 5_000  # combinations
ASKED = timedelta(days=45)  # for longer than a hub's lease
FRESHLY = timedelta(days=1)
LATELY = timedelta(days=7)  # a combination asked for since then is rendered before it is asked for
AT_ONCE = 500

# Standing feeds that have changed and are not rendered in every format, as a lost worker leaves them.
SQL_STANDING_BEHIND = """
SELECT c.id FROM dispatcher_feedchannel c
WHERE c.is_standing
  AND (SELECT count(*) FROM dispatcher_feeddocument d
       WHERE d.channel_id = c.id AND d.month = '' AND d.version >= c.version) < %(formats)s
ORDER BY c.id LIMIT %(at_once)s
"""

# Combinations that have changed since; only in the formats that somebody asked for.
SQL_COMBINATIONS_BEHIND = """
SELECT c.id FROM dispatcher_feedchannel c
WHERE NOT c.is_standing AND c.asked_at > %(lately)s
  AND EXISTS (SELECT FROM dispatcher_feeddocument d
              WHERE d.channel_id = c.id AND d.month = '' AND d.version < c.version)
ORDER BY c.id LIMIT %(at_once)s
"""


def keep(channels: Iterable[Channel]) -> None:
    """Make rows for these channels where there are none, in a publisher's turn."""
    now = timezone.now()
    FeedChannel.objects.bulk_create([_row(one, now) for one in channels], ignore_conflicts=True)


def kept(channel: Channel) -> FeedChannel | None:
    """The row of a channel that somebody asks for, made if there is room; None for one without."""
    if channel.token:
        return None
    row = FeedChannel.objects.filter(key=channel.key).first()
    if row is None:
        if not channel.is_standing and not _has_room():
            return None
        return _made(channel)
    return asked(row)


def asked(row: FeedChannel) -> FeedChannel:
    """The same row, noted as asked for today."""
    now = timezone.now()
    if row.asked_at < now - FRESHLY:
        FeedChannel.objects.filter(pk=row.pk).update(asked_at=now)
    return row


def is_kept(url: str) -> bool:
    """Whether the feed at one of our addresses has a row, so that hubs learn of its changes."""
    return FeedChannel.objects.filter(key=channels.key_at(url)).exists()


def channel_of(row: FeedChannel, by_id: Mapping[int, Topic]) -> Channel | None:
    """The channel of a row; None when one of its topics was merged or retired since."""
    channel = _as_it_was(row, by_id)
    named = (*channel.topics, *channel.excepted)
    return None if any(one.retired_at or one.merged_into_id for one in named) else channel


def channel_now(row: FeedChannel) -> Channel | None:
    """The channel of a row, by what its topics are at this moment."""
    return channel_of(row, Topic.objects.in_bulk([*row.topics, *row.except_topics]))


def asked_for(channel_ids: Collection[int]) -> QuerySet[FeedChannel]:
    """Those of these rows that somebody will ask for soon: standing ones first, then the latest."""
    rows = FeedChannel.objects.filter(pk__in=channel_ids)
    lately = Q(is_standing=True) | Q(asked_at__gt=timezone.now() - LATELY)
    return rows.filter(lately).order_by("-is_standing", "-asked_at")


def left_behind(*, is_standing: bool) -> list[int]:
    """Rows of feeds that changed and were not rendered, standing ones or combinations; at most 500."""
    asked: dict[str, Any] = {
        "lately": timezone.now() - LATELY,
        "formats": len(Format),
        "at_once": AT_ONCE,
    }
    with connection.cursor() as cursor:
        cursor.execute(SQL_STANDING_BEHIND if is_standing else SQL_COMBINATIONS_BEHIND, asked)
        return [row[0] for row in cursor.fetchall()]


def forget() -> int:
    """Drop the combinations that nobody asked for in a while; returns how many."""
    return _dropped(_idle(for_longer_than=ASKED))


def forget_ended(by_id: Mapping[int, Topic]) -> list[Channel]:
    """Drop the feeds of topics that were merged or retired; returns them as they were."""
    ended = [row for row in FeedChannel.objects.all() if channel_of(row, by_id) is None]
    _dropped(FeedChannel.objects.filter(pk__in=[row.pk for row in ended]))
    return [_as_it_was(row, by_id) for row in ended]


def _as_it_was(row: FeedChannel, by_id: Mapping[int, Topic]) -> Channel:
    topics, excepted = (
        tuple(sorted((by_id[pk] for pk in ids), key=lambda one: one.slug))
        for ids in (row.topics, row.except_topics)
    )
    return Channel(topics, row.match, excepted, row.kind, row.kind_name, row.urgent)


def _made(channel: Channel) -> FeedChannel | None:
    """Its row; None while somebody publishes, and when one of its topics was merged or retired since.

    A publisher that does not see the row yet would not raise its version. So none is at work until all
    see it, and what the channel holds is to be read afterwards. Nobody waits for a long one: who asks is
    served without a row, and the next one makes it.
    """
    row = _row(channel, timezone.now())
    with transaction.atomic():
        if not learning.is_nobodys_turn() or channel_now(row) is None:
            return None
        FeedChannel.objects.bulk_create([row], ignore_conflicts=True)
    return FeedChannel.objects.filter(key=channel.key).first()


def _has_room() -> bool:
    if _combinations().count() < MOST:
        return True
    idle = _idle(for_longer_than=FRESHLY).order_by("asked_at")
    longest = list(idle.values_list("pk", flat=True)[:1])
    return bool(_dropped(FeedChannel.objects.filter(pk__in=longest)))


def _idle(*, for_longer_than: timedelta) -> QuerySet[FeedChannel]:
    """The combinations that nobody asked for since then, and that nobody has pushed or wants to."""
    idle = _combinations().filter(asked_at__lt=timezone.now() - for_longer_than)
    return idle.exclude(key__in=_pushed()) if idle.exists() else idle


def _pushed() -> set[str]:
    """The keys of feeds with a live hub subscription, or a request for one that is not answered yet."""
    pending = HubRequest.objects.filter(mode=HubRequest.Mode.SUBSCRIBE)
    wanted = Q(pk__in=errands.live().values("topic")) | Q(pk__in=pending.values("topic"))
    return set(map(channels.key_at, HubTopic.objects.filter(wanted).values_list("url", flat=True)))


def _dropped(rows: QuerySet[FeedChannel]) -> int:
    return rows.delete()[1].get("dispatcher.FeedChannel", 0)


def _combinations() -> QuerySet[FeedChannel]:
    return FeedChannel.objects.filter(is_standing=False)


def _row(channel: Channel, now: datetime) -> FeedChannel:
    rule = channel.rule
    return FeedChannel(
        key=channel.key,
        match=rule.match,
        topics=sorted(rule.topics),
        except_topics=sorted(rule.except_topics),
        kind=channel.kind,
        kind_name=channel.kind_name,
        urgent=channel.is_urgent,
        is_standing=channel.is_standing,
        asked_at=now,
    )
