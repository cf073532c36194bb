"""Archives of months (RFC 5005) and briefs that were taken back (RFC 6721), in every format."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import feedparser
import pytest

from dispatcher.feeds.building import Feed, Format, Withdrawal, build
from tests.feeds.reading import items, read_json, text, texts, tree
from tests.feeds.samples import HOST, MARCH, entry, feed

ARCHIVE = feed(
    entry(2),
    entry(1),
    is_archive=True,
    current_url=f"{HOST}/feeds/all.xml",
    prev_archive_url=f"{HOST}/feeds/all/archive/2023-01.xml",
    next_archive_url=f"{HOST}/feeds/all/archive/2023-03.xml",
)
GONE = Withdrawal("tag:news.example.org,2023:brief/7", MARCH, "The source was <mistaken>.")

xml_formats = pytest.mark.parametrize(
    ("form", "feed_path"), [(Format.ATOM, "/a:feed"), (Format.RSS, "/rss/channel")]
)
every_xml = pytest.mark.parametrize("form", [Format.ATOM, Format.RSS])


@every_xml
@pytest.mark.parametrize(
    ("relation", "url"),
    [
        ("current", ARCHIVE.current_url),
        ("prev-archive", ARCHIVE.prev_archive_url),
        ("next-archive", ARCHIVE.next_archive_url),
    ],
)
def test_an_archive_leads_to_its_neighbours_and_to_the_live_feed(
    form: Format, relation: str, url: str
) -> None:
    assert texts(tree(ARCHIVE, form), f"//a:link[@rel='{relation}']/@href") == [url]
    assert texts(tree(feed(), form), f"//a:link[@rel='{relation}']/@href") == []


@xml_formats
def test_an_archive_is_marked_and_a_live_feed_is_not(form: Format, feed_path: str) -> None:
    live = replace(ARCHIVE, is_archive=False)
    assert texts(tree(ARCHIVE, form), f"{feed_path}/fh:archive") == [""]
    assert texts(tree(live, form), "//fh:archive") == []


def test_the_link_of_rss_stays_the_page_whatever_else_is_linked() -> None:
    linked = replace(ARCHIVE, hub_urls=(f"{HOST}/feeds/hub", "https://hub.example.org/"))
    root = tree(linked, Format.RSS)
    assert text(root, "channel/link") == linked.page_url
    assert texts(root, "channel/a:link/@rel") == [
        "self",
        "hub",
        "hub",
        "current",
        "prev-archive",
        "next-archive",
    ]


def test_json_leads_to_older_briefs_only() -> None:
    assert read_json(ARCHIVE)["next_url"] == ARCHIVE.prev_archive_url
    assert "next_url" not in read_json(feed())


@every_xml
def test_a_walk_along_the_archives_meets_every_brief_once(form: Format) -> None:
    def month(number: int) -> Feed:
        older = f"{HOST}/{number - 1}" if number > 1 else ""
        return feed(entry(number), is_archive=True, prev_archive_url=older)

    months = {f"{HOST}/{number}": month(number) for number in range(1, 5)}
    at, met = replace(feed(entry(5)), prev_archive_url=f"{HOST}/4"), []
    while True:
        met += [item.id for item in items(at, form)]
        older = text(tree(at, form), "//a:link[@rel='prev-archive']/@href")
        if not older:
            break
        at = months[older]
    assert met == [entry(number).id for number in (5, 4, 3, 2, 1)]


def test_a_brief_taken_back_is_a_deleted_entry_with_its_reason_before_the_entries() -> None:
    root = tree(feed(entry(), withdrawals=(GONE, Withdrawal("urn:x:8", MARCH))), Format.ATOM)
    assert texts(root, "/a:feed/at:deleted-entry/@ref") == [GONE.id, "urn:x:8"]
    assert texts(root, "/a:feed/at:deleted-entry/@when") == ["2023-03-02T10:00:00Z"] * 2
    assert texts(root, "//at:comment[@type='text']") == ["The source was <mistaken>."]
    names = [str(node.tag).rpartition("}")[2] for node in root]
    assert names[-3:] == ["deleted-entry", "deleted-entry", "entry"]


def test_a_reason_is_one_line_of_fit_characters_at_a_whole_second_in_utc() -> None:
    late = MARCH + timedelta(microseconds=5)
    root = tree(
        feed(withdrawals=(Withdrawal("urn:x:8", late, "Not\x00 so.\n ]]> \ud800"),)), Format.ATOM
    )
    assert text(root, "//at:comment") == "Not so. ]]>"
    assert text(root, "//@when") == "2023-03-02T10:00:00Z"


@pytest.mark.parametrize("form", [Format.RSS, Format.JSON])
def test_where_there_is_no_word_for_it_a_brief_taken_back_is_simply_not_there(form: Format) -> None:
    assert build(feed(entry(), withdrawals=(GONE,)), form) == build(feed(entry()), form)


@every_xml
def test_a_feed_reader_does_not_take_a_deletion_for_an_entry(form: Format) -> None:
    read = feedparser.parse(build(replace(ARCHIVE, withdrawals=(GONE,)), form))
    assert (read.bozo, [one.id for one in read.entries]) == (0, [entry(2).id, entry(1).id])
    assert read.feed.title == "All briefs"
