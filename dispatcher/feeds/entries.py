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
    `kind` is a slug and `kind_name` what people call it; `note` says in plain text what the last
    correction changed, and stands at the head of the content.
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
    kind: str = ""
    kind_name: str = ""
    urgent: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A brief that was taken back: the id its entry had, since when, and why in plain text."""

    id: str
    when: datetime
    note: str = ""


@dataclass(frozen=True, slots=True)
class Feed:
    """One feed at one address, entries newest first.

    `self_url` is the exact URL served, so it differs from format to format; `topic_scheme` and
    `kind_scheme` are the URLs in front of a topic's and a kind's slug, `urgent_scheme` that of the
    mark of urgent briefs; without one, entries do not carry what it is for. `updated` is the newest
    entry's or withdrawal's date, or a fixed one for a feed that never had any: never the time of
    building.

    The archive of a month sets `is_archive`, names the live feed as `current_url` and its neighbours
    in time (RFC 5005 §4); a live feed names the newest archive as `prev_archive_url`.
    `icon_url` is a square picture, `logo_url` one twice as wide as high.
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
    hub_urls: tuple[str, ...] = ()
    logo_url: str = ""
    ttl_minutes: int = 5
    withdrawals: tuple[Withdrawal, ...] = ()
    is_archive: bool = False
    current_url: str = ""
    prev_archive_url: str = ""
    next_archive_url: str = ""
    icon_url: str = ""
    kind_scheme: str = ""
    urgent_scheme: str = ""
