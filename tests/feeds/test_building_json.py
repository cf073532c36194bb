"""What is JSON Feed's own: its schema, its names, its spelling."""

from __future__ import annotations

import json

import pytest
from jsonschema import ValidationError

from dispatcher.feeds.building import Format, build
from tests.feeds.reading import JSON_FEED, read_json
from tests.feeds.samples import HOST, entry, feed

FULL = feed(
    entry(1, author="Ada Example", kind="flash-brief", kind_name="Flash Brief", urgent=True),
    entry(2, language="he"),
    self_url=f"{HOST}/feeds/all.json",
    hub_urls=("https://hub.example.org/", f"{HOST}/feeds/hub"),
    icon_url=f"{HOST}/icon.png",
    prev_archive_url=f"{HOST}/feeds/all/archive/2023-02.json",
)
BARE = feed(
    entry(html="", summary="", title="", topics=(), language=""),
    subtitle="",
    publisher="",
    language="",
)


@pytest.mark.parametrize("sample", [FULL, BARE, feed()], ids=["full", "bare", "empty"])
def test_the_schema_accepts_full_bare_and_empty_feeds(sample: object) -> None:
    JSON_FEED.validate(read_json(sample))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("id", 1),
        ("id", ""),
        ("url", "/briefs/1"),
        ("date_published", "Thu, 02 Mar 2023 10:00:00 GMT"),
        ("date_modified", "2023-03-02T10:00:00"),
        ("tags", "Cyber"),
        ("authors", {"name": "Ada Example"}),
        ("author", {"name": "Ada Example"}),
        ("title", "a\x07bell"),
    ],
)
def test_the_schema_refuses_what_json_feed_does(name: str, value: object) -> None:
    document = read_json(FULL)
    document["items"][0][name] = value
    with pytest.raises(ValidationError):
        JSON_FEED.validate(document)


def test_a_feed_says_what_it_is_and_where_more_of_it_is() -> None:
    said = read_json(FULL)
    assert said.pop("items")
    comment = said.pop("user_comment")
    assert comment.startswith("This is a feed. ")
    assert FULL.self_url in comment
    assert comment.endswith(f" as a page: {FULL.page_url}")
    assert said == {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "All briefs",
        "home_page_url": f"{HOST}/briefs",
        "feed_url": f"{HOST}/feeds/all.json",
        "description": "Every brief of the Example Institute",
        "next_url": f"{HOST}/feeds/all/archive/2023-02.json",
        "icon": f"{HOST}/icon.png",
        "authors": [{"name": "Example Institute"}],
        "language": "en",
        "hubs": [
            {"type": "WebSub", "url": "https://hub.example.org/"},
            {"type": "WebSub", "url": f"{HOST}/feeds/hub"},
        ],
    }


def test_an_item_says_everything_under_the_names_of_the_format() -> None:
    first, second = read_json(FULL)["items"]
    assert first == {
        "id": "tag:news.example.org,2023:brief/1",
        "url": f"{HOST}/briefs/1",
        "title": "Harbour talks, day 1",
        "summary": "The two ports agreed on a common pilot service.",
        "content_html": entry().html,
        "date_published": "2023-03-02T10:00:00Z",
        "date_modified": "2023-03-02T10:00:00Z",
        "authors": [{"name": "Ada Example"}],
        "tags": ["Gulf States", "Cyber"],
        "language": "en",
        "_dispatcher": {"kind": "flash-brief", "kind_name": "Flash Brief", "urgent": True},
    }
    assert "_dispatcher" not in second


def test_text_is_written_as_it_is_in_utf_8() -> None:
    document = build(feed(entry(title="Zürich – תל אביב", html="<p>\u2028</p>")), Format.JSON)
    assert "Zürich – תל אביב".encode() in document
    assert b"\\u" not in document
    assert json.loads(document)["items"][0]["content_html"] == "<p>\u2028</p>"


def test_an_item_without_content_has_an_empty_one() -> None:
    (item,) = read_json(feed(entry(html="", summary="")))["items"]
    assert item["content_html"] == ""
    assert "summary" not in item


def test_an_archive_sends_people_to_the_live_feed() -> None:
    live = f"{HOST}/feeds/all.json"
    comment = read_json(feed(is_archive=True, current_url=live))["user_comment"]
    assert comment.startswith("This is an archive of a feed. ")
    assert live in comment
