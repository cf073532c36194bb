"""What a feed says to people in a browser, and that no feed reader minds it."""

from __future__ import annotations

import html
from dataclasses import replace
from typing import Any

import feedparser
import pytest
from lxml import etree

from dispatcher.feeds.building import Feed, Format, build
from tests.feeds.others import read_by_others
from tests.feeds.reading import NAMES, read_json, text, texts, tree
from tests.feeds.samples import HOST, entry, feed

STYLE = f"{HOST}/static/dispatcher/feed.css?v=1&w=2"
PLAIN = feed(entry(1), entry(2), logo_url=f"{HOST}/logo.png")
SHOWN = replace(PLAIN, stylesheet_url=STYLE)

every_xml = pytest.mark.parametrize(
    ("form", "place"), [(Format.ATOM, "/a:feed/*[1]"), (Format.RSS, "/rss/channel/*[1]")]
)


@every_xml
def test_a_feed_begins_with_words_for_people_and_a_link_to_its_page(
    form: Format, place: str
) -> None:
    root = tree(SHOWN, form)
    assert text(root, f"{place}/self::x:div/x:h1") == "This is a feed"
    assert text(root, f"{place}//x:code") == SHOWN.self_url
    assert texts(root, f"{place}//x:a/@href") == [SHOWN.page_url]
    assert text(root, f"{place}//x:a") == "Read the same briefs as a page"
    assert text(root, f"{place}/@xml:lang") == "en"


@every_xml
def test_an_archive_sends_people_to_the_live_feed(form: Format, place: str) -> None:
    archive = replace(SHOWN, is_archive=True, current_url=f"{HOST}/feeds/all.atom")
    root = tree(archive, form)
    assert text(root, f"{place}/x:h1") == "This is an archive of a feed"
    assert text(root, f"{place}//x:code") == archive.current_url


@every_xml
def test_the_stylesheet_is_named_before_the_document_begins(form: Format, place: str) -> None:
    instruction = tree(SHOWN, form).getprevious()
    assert isinstance(instruction, etree._ProcessingInstruction)
    assert instruction.target == "xml-stylesheet"
    assert instruction.get("type") == "text/css"
    assert html.unescape(instruction.get("href") or "") == STYLE
    assert build(SHOWN, form).count(b"<?xml-stylesheet ") == 1


@every_xml
def test_without_a_stylesheet_nothing_is_said_to_people(form: Format, place: str) -> None:
    assert tree(PLAIN, form).getprevious() is None
    assert tree(PLAIN, form).xpath("//x:*", namespaces=NAMES) == []
    assert "user_comment" not in read_json(PLAIN)


def test_json_says_it_in_its_comment_for_people() -> None:
    comment = read_json(SHOWN)["user_comment"]
    assert comment.startswith("This is a feed. ")
    assert SHOWN.self_url in comment
    assert comment.endswith(f"Read the same briefs as a page: {SHOWN.page_url}")


@every_xml
def test_feedparser_reads_the_same_with_and_without(form: Format, place: str) -> None:
    def read(sample: Feed) -> tuple[Any, ...]:
        found = feedparser.parse(build(sample, form))
        named = {key: found.feed.get(key) for key in ("id", "title", "subtitle", "link", "links")}
        return found.bozo, named, found.entries

    assert read(SHOWN) == read(PLAIN)
    assert read(SHOWN)[0] == 0


@every_xml
def test_feedsmith_reads_the_same_with_and_without(form: Format, place: str) -> None:
    shown, plain = read_by_others([build(SHOWN, form), build(PLAIN, form)])
    assert shown == plain
