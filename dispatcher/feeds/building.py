"""Feeds as bytes: values in, one document out, the same bytes for the same values.

A format is one module with a media type and a `render`, and one line in `_RECIPES` here. Which
feeds exist, storing, serving and the dates are the caller's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from dispatcher.feeds import atom, json_feed, rss
from dispatcher.feeds.cleaning import cleaned
from dispatcher.feeds.entries import Feed, FeedEntry, FeedTopic, Withdrawal

__all__ = ["Feed", "FeedEntry", "FeedTopic", "Format", "Withdrawal", "build", "etag"]


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
    return _RECIPES[into].render(cleaned(feed))


def etag(document: bytes) -> str:
    """A strong entity-tag for these bytes, with its quotation marks (RFC 9110 §8.8.3)."""
    return f'"{hashlib.sha256(document).hexdigest()[:32]}"'


@dataclass(frozen=True, slots=True)
class _Recipe:
    media_type: str
    render: Callable[[Feed], bytes]


_RECIPES = {
    Format.ATOM: _Recipe(atom.MEDIA_TYPE, atom.render),
    Format.RSS: _Recipe(rss.MEDIA_TYPE, rss.render),
    Format.JSON: _Recipe(json_feed.MEDIA_TYPE, json_feed.render),
}
