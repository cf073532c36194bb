"""A cleaned feed as JSON Feed 1.1 (jsonfeed.org/version/1.1), without escapes that UTF-8 needs not.

The format has no word for a brief that was taken back, nor for its kind and urgency: the one is not
there, the others stand under a name of our own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from dispatcher.feeds.cleaning import rfc3339
from dispatcher.feeds.entries import Feed, FeedEntry

MEDIA_TYPE = "application/feed+json"
VERSION = "https://jsonfeed.org/version/1.1"


def render(feed: Feed) -> bytes:
    """The document; frame and entries have been through `cleaning`."""
    return _written({**_head(feed), "items": [_item(entry) for entry in feed.entries]})


def piece(feed: Feed) -> bytes:
    """The bytes that the only entry of this feed has in any document."""
    (entry,) = feed.entries
    return _written(_item(entry))


def assemble(frame: Feed, pieces: Iterable[bytes]) -> bytes:
    """The document of a feed without entries and the pieces of its entries."""
    head = _written(_head(frame)).removesuffix(b"}")
    return b"".join((head, b',"items":[', b",".join(pieces), b"]}"))


def _written(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _head(feed: Feed) -> dict[str, Any]:
    said = {
        "version": VERSION,
        "title": feed.title,
        "home_page_url": feed.page_url,
        "feed_url": feed.self_url,
        "description": feed.subtitle,
        "user_comment": _comment(feed),
        "next_url": feed.prev_archive_url,
        "icon": feed.icon_url or feed.logo_url,
        "authors": [{"name": feed.publisher}],
        "language": _language(feed.language),
        "hubs": [{"type": "WebSub", "url": url} for url in feed.hub_urls],
    }
    return {name: value for name, value in said.items() if value}


def _item(entry: FeedEntry) -> dict[str, Any]:
    said = {
        "id": entry.id,
        "url": entry.url,
        "title": entry.title,
        "summary": entry.summary,
        "content_html": entry.html,
        "date_published": rfc3339(entry.published),
        "date_modified": rfc3339(entry.updated),
        "authors": [{"name": entry.author}],
        "tags": [topic.name for topic in entry.topics],
        "language": _language(entry.language),
        "_dispatcher": _own(entry),
    }
    # An item has a content, be it empty.
    return {name: value for name, value in said.items() if value or name == "content_html"}


def _own(entry: FeedEntry) -> dict[str, Any]:
    said = {"kind": entry.kind, "kind_name": entry.kind_name, "urgent": entry.urgent}
    return {name: value for name, value in said.items() if value}


def _comment(feed: Feed) -> str:
    """For people who see the file itself; an archive sends them to the live feed."""
    what = "an archive of a feed" if feed.is_archive else "a feed"
    return (
        f"This is {what}. Give a feed reader this address and it shows you every new brief:"
        f" {feed.current_url or feed.self_url} – The same briefs as a page: {feed.page_url}"
    )


def _language(tag: str) -> str:
    return "" if tag == "und" else tag
