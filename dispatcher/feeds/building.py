"""Feeds as bytes: values in, one document out, the same bytes for the same values.

A format is one module with a media type, `render`, `piece` and `assemble`, and one line in `_RECIPES`
here. An entry's bytes are kept, so that a brief in a thousand feeds is rendered once. Which feeds
exist, storing, serving and the dates are the caller's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from dispatcher.feeds import atom, json_feed, rss
from dispatcher.feeds.cleaning import cleaned_entry, framed
from dispatcher.feeds.entries import Feed, FeedEntry, FeedTopic, Withdrawal
from dispatcher.feeds.kept import Kept

__all__ = ["Feed", "FeedEntry", "FeedTopic", "Format", "Withdrawal", "build", "etag"]


KEPT = Kept(limit=64 * 2**20)  # a thousand briefs of 8 KB in all formats


class Format(StrEnum):
    """A format that feeds come in; its value is also the extension of its URLs and files."""

    ATOM = "atom"
    RSS = "rss"
    JSON = "json"

    @property
    def extension(self) -> str:
        return self.value

    @property
    def media_type(self) -> str:
        """For `type` in links and autodiscovery."""
        return _RECIPES[self].media_type

    @property
    def content_type(self) -> str:
        """For the HTTP header."""
        return f"{self.media_type}; charset=utf-8"


def build(feed: Feed, into: Format) -> bytes:
    """The feed's document in UTF-8.

    Content never fails; ValueError means a broken contract: a naive date, an id or URL that is not
    absolute, an id that occurs twice.
    """
    frame = framed(feed)
    pieces = [_piece(entry, frame, into) for entry in feed.entries]
    return _RECIPES[into].assemble(frame, pieces)


def etag(document: bytes) -> str:
    """A strong entity-tag for these bytes, with its quotation marks (RFC 9110 §8.8.3)."""
    return f'"{hashlib.sha256(document).hexdigest()[:32]}"'


def _piece(entry: FeedEntry, frame: Feed, into: Format) -> bytes:
    """The entry's bytes; what they depend on is the key that they are kept under."""
    # Dates of one zone compare by its clock, which shows an hour twice in autumn.
    offsets = (entry.published.utcoffset(), entry.updated.utcoffset())
    told = (getattr(frame, name) for name in _TOLD_TO_ENTRIES)
    return KEPT.get(
        (into, entry, *offsets, *told),
        lambda: _RECIPES[into].piece(_alone(cleaned_entry(entry, frame), frame)),
    )


def _alone(entry: FeedEntry, frame: Feed) -> Feed:
    """The least feed that holds the entry: of the frame only what the entry's bytes show."""
    return replace(
        frame,
        entries=(entry,),
        hub_urls=(),
        withdrawals=(),
        is_archive=False,
    )


_TOLD_TO_ENTRIES = ("language", "publisher", "topic_scheme", "kind_scheme", "urgent_scheme")


@dataclass(frozen=True, slots=True)
class _Recipe:
    media_type: str
    piece: Callable[[Feed], bytes]
    assemble: Callable[[Feed, Iterable[bytes]], bytes]


_RECIPES = {
    Format.ATOM: _Recipe(atom.MEDIA_TYPE, atom.piece, atom.assemble),
    Format.RSS: _Recipe(rss.MEDIA_TYPE, rss.piece, rss.assemble),
    Format.JSON: _Recipe(json_feed.MEDIA_TYPE, json_feed.piece, json_feed.assemble),
}
