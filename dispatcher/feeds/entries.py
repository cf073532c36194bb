"""What a feed says, as values: the one shape from which every format is built.

It holds no markup of any format and decides nothing; who belongs into which feed, and at which
address, is the caller's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class FeedTopic:
    slug: str
    name: str


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """A brief as feed readers see it.

    `id` is an absolute IRI that never changes (`tag:`, `urn:`, `https:`); `title` and `summary` are
    plain text, `html` a fragment whose URLs are absolute; `published` never moves, `updated` moves
    with a significant correction, both aware. Without an `author` the feed's publisher stands.
    """

    id: str
    url: str
    title: str
    summary: str
    html: str
    published: datetime
    updated: datetime
    language: str
    topics: tuple[FeedTopic, ...] = ()
    author: str = ""


@dataclass(frozen=True, slots=True)
class Feed:
    """One feed at one address, entries newest first.

    `self_url` is the exact URL served, so it differs from format to format; `topic_scheme` is the
    URL in front of a topic's slug; `updated` is the newest entry's or deletion's date, or a fixed
    one for a feed that never had any: never the time of building.
    """

    id: str
    title: str
    subtitle: str
    self_url: str
    page_url: str
    language: str
    publisher: str
    topic_scheme: str
    updated: datetime
    entries: tuple[FeedEntry, ...] = ()
    hub_url: str = ""
    logo_url: str = ""
    ttl_minutes: int = 5
