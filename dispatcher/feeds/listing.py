"""The feeds that are kept, for those who run them: what each holds, when it changed and was asked for,
and what is behind.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection

from dispatcher.briefs.topics import Vocabulary
from dispatcher.feeds import describing, keeping
from dispatcher.feeds.channels import Channel
from dispatcher.feeds.holding import NEWEST
from dispatcher.feeds.learning import AT_ONCE, SQL_MISSED, sql_holds
from dispatcher.feeds.models import FeedChannel

LATE = 120  # seconds; many sweeps

# Of each kept feed how many entries it shows, counted up to where it is full, and when it changed.
SQL_KEPT = f"""
SELECT s.id,
       (SELECT count(*) FROM (
            SELECT FROM dispatcher_publication p
            WHERE p.withdrawn_at IS NULL AND {sql_holds("p.reach", "p.kind", "p.urgent")}
            LIMIT %(newest)s) AS shown),
       (SELECT max(d.last_modified) FROM dispatcher_feeddocument d
        WHERE d.channel_id = s.id AND d.month = '')
FROM dispatcher_feedchannel s
"""  # noqa: S608  expressions of ours

# Briefs that the feeds do not know as they are, though they have had the time to learn of them.
SQL_LATE = f"""
SELECT count(*) FROM dispatcher_brief b
WHERE b.id IN ({SQL_MISSED})
  AND greatest(b.released_at, b.amended_at, b.withdrawn_at) < now() - make_interval(secs => %(late)s)
"""  # noqa: S608  a query of ours

SQL_QUIET = "SELECT coalesce(max(told_at) < now() - make_interval(secs => %(late)s), true) FROM dispatcher_publication"


@dataclass(frozen=True, slots=True)
class Listed:
    """A kept feed. `entries` are those that it shows; `changed` is its own date, None while it never
    held anything; `asked` is the day on which somebody did, or on which it was made.
    """

    feed: str
    address: str
    entries: int
    changed: datetime | None
    asked: date


def kept() -> list[Listed]:
    """Every kept feed, the standing ones first, by address. Those of topics that ended are left out."""
    with connection.cursor() as cursor:
        cursor.execute(SQL_KEPT, {"newest": NEWEST})
        never = describing.founded()
        held = {pk: (n, None if at == never else at) for pk, n, at in cursor.fetchall()}
    empty = (0, None)
    return [
        Listed(_named(channel), channel.url(), *held.get(row.pk, empty), row.asked_at.date())
        for row, channel in _channels()
    ]


def by_key() -> dict[str, tuple[str, Channel]]:
    """Name and channel of every kept feed, by its key."""
    return {row.key: (_named(channel), channel) for row, channel in _channels()}


def late_briefs() -> int:
    """How many briefs the feeds have missed for longer than sweeps take; 500 at most."""
    with connection.cursor() as cursor:
        cursor.execute(SQL_LATE, {"at_once": AT_ONCE, "late": LATE})
        return int(cursor.fetchone()[0])


def late_feeds() -> int:
    """How many standing feeds changed and were not rendered for that long; 500 at most."""
    with connection.cursor() as cursor:
        cursor.execute(SQL_QUIET, {"late": LATE})
        is_quiet = bool(cursor.fetchone()[0])
    return len(keeping.left_behind(is_standing=True)) if is_quiet else 0


def _channels() -> list[tuple[FeedChannel, Channel]]:
    words = Vocabulary()
    rows = FeedChannel.objects.order_by("-is_standing", "key")
    found = ((row, keeping.channel_of(row, words.by_id)) for row in rows)
    return [(row, channel) for row, channel in found if channel is not None]


def _named(channel: Channel) -> str:
    return channel.words[:1].upper() + channel.words[1:]
