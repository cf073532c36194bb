"""A feed and its entries for tests of the feeds room; every value can be said otherwise."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from dispatcher.feeds.building import Feed, FeedEntry, FeedTopic

HOST = "https://news.example.org"
MARCH = datetime(2023, 3, 2, 10, 0, tzinfo=UTC)


def entry(number: int = 1, **said: Any) -> FeedEntry:
    usual: dict[str, Any] = {
        "id": f"tag:news.example.org,2023:brief/{number}",
        "url": f"{HOST}/briefs/{number}",
        "title": f"Harbour talks, day {number}",
        "summary": "The two ports agreed on a common pilot service.",
        "html": '<h2>Developments</h2><p>The ports <a href="https://example.org/a?b=1&amp;c=2">'
        "agreed</a> late on Thursday.</p>",
        "published": MARCH,
        "updated": MARCH,
        "language": "en",
        "topics": (FeedTopic("gulf-states", "Gulf States"), FeedTopic("cyber", "Cyber")),
    }
    return FeedEntry(**(usual | said))


def feed(*entries: FeedEntry, **said: Any) -> Feed:
    usual: dict[str, Any] = {
        "id": "tag:news.example.org,2023:feed/all",
        "title": "All briefs",
        "subtitle": "Every brief of the Example Institute",
        "self_url": f"{HOST}/feeds/all.atom",
        "page_url": f"{HOST}/briefs",
        "language": "en",
        "publisher": "Example Institute",
        "topic_scheme": f"{HOST}/topics/",
        "updated": MARCH,
        "entries": entries,
    }
    return Feed(**(usual | said))
