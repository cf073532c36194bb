"""A cleaned feed as JSON Feed 1.1 (jsonfeed.org/version/1.1)."""

from __future__ import annotations

import json
from typing import Any

from dispatcher.feeds.cleaning import rfc3339
from dispatcher.feeds.entries import Feed, FeedEntry

MEDIA_TYPE = "application/feed+json"
VERSION = "https://jsonfeed.org/version/1.1"


def render(feed: Feed) -> bytes:
    """The document; the feed has been through `cleaning.cleaned`."""
    head = {
        "version": VERSION,
        "title": feed.title,
        "home_page_url": feed.page_url,
        "feed_url": feed.self_url,
        "description": feed.subtitle,
        "language": "" if feed.language == "und" else feed.language,
        "authors": [{"name": feed.publisher}],
        "icon": feed.icon_url,
        "next_url": feed.prev_archive_url,
        "hubs": [{"type": "WebSub", "url": url} for url in feed.hub_urls],
    }
    told = {name: value for name, value in head.items() if value}
    whole = {**told, "items": [_item(entry) for entry in feed.entries]}
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode()


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
        "language": "" if entry.language == "und" else entry.language,
    }
    # JSON Feed wants a content, be it empty.
    return {name: value for name, value in said.items() if value or name == "content_html"}
