"""Reads built feeds back the way programs do, so that tests compare what is meant."""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from lxml import etree

from dispatcher.feeds import atom, json_feed, rss
from dispatcher.feeds.building import Feed, Format, build
from dispatcher.feeds.cleaning import cleaned_entry, framed

NAMES = {
    "a": "http://www.w3.org/2005/Atom",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "at": "http://purl.org/atompub/tombstones/1.0",
    "dc": "http://purl.org/dc/elements/1.1/",
    "fh": "http://purl.org/syndication/history/1.0",
    "xml": "http://www.w3.org/XML/1998/namespace",
}


JSON_FEED = Draft202012Validator(
    json.loads(Path(__file__).with_name("json_feed.schema.json").read_text("utf-8")),
    format_checker=FormatChecker(),
)


@dataclass(frozen=True, slots=True)
class Item:
    """What every format says of an entry, in one shape."""

    id: str
    url: str
    title: str
    summary: str
    content: str
    published: datetime
    updated: datetime
    author: str
    language: str
    categories: tuple[tuple[str, str], ...]


def tree(feed: Feed, form: Format) -> etree._Element:
    return etree.fromstring(build(feed, form), etree.XMLParser(huge_tree=True))


def rendered_whole(feed: Feed, form: Format) -> bytes:
    """The document by one rendering of all that it holds, nothing kept and nothing joined."""
    render = {Format.ATOM: atom.render, Format.RSS: rss.render, Format.JSON: json_feed.render}
    frame = framed(feed)
    entries = tuple(cleaned_entry(entry, frame) for entry in feed.entries)
    return render[form](replace(frame, entries=entries))


def texts(node: etree._Element, path: str) -> list[str]:
    found = node.xpath(path, namespaces=NAMES)
    assert isinstance(found, list)
    return [one if isinstance(one, str) else _inner_text(one) for one in found]


def text(node: etree._Element, path: str) -> str:
    """The text at the path, empty when it is absent; twice is a fault."""
    found = texts(node, path)
    assert len(found) <= 1, f"{path} occurs {len(found)} times"
    return found[0] if found else ""


def atom_items(feed: Feed) -> list[Item]:
    return [
        Item(
            id=text(node, "a:id"),
            url=text(node, "a:link[@rel='alternate'][@type='text/html']/@href"),
            title=text(node, "a:title[@type='text']"),
            summary=text(node, "a:summary[@type='text']"),
            content=text(node, "a:content[@type='html']"),
            published=_rfc3339(text(node, "a:published")),
            updated=_rfc3339(text(node, "a:updated")),
            author=text(node, "a:author/a:name"),
            language=text(node, "@xml:lang"),
            categories=tuple(
                zip(
                    texts(node, "a:category/@scheme"),
                    texts(node, "a:category/@label"),
                    strict=True,
                )
            ),
        )
        for node in tree(feed, Format.ATOM).iterfind("a:entry", NAMES)
    ]


def rss_items(feed: Feed) -> list[Item]:
    return [
        Item(
            id=text(node, "guid[@isPermaLink='false']"),
            url=text(node, "link"),
            title=text(node, "title"),
            summary=_shown(text(node, "description")),
            content=text(node, "content:encoded"),
            published=parsedate_to_datetime(text(node, "pubDate")),
            updated=_rfc3339(text(node, "a:updated")),
            author=text(node, "dc:creator"),
            language=text(node, "@xml:lang"),
            categories=tuple(
                zip(texts(node, "category/@domain"), texts(node, "category"), strict=True)
            ),
        )
        for node in tree(feed, Format.RSS).iterfind("channel/item")
    ]


def read_json(feed: Feed) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(build(feed, Format.JSON))
    return document


def json_items(feed: Feed) -> list[Item]:
    return [
        Item(
            id=said["id"],
            url=said["url"],
            title=said["title"],
            summary=said.get("summary", ""),
            content=said["content_html"],
            published=_rfc3339(said["date_published"]),
            updated=_rfc3339(said["date_modified"]),
            author=said["authors"][0]["name"],
            language=said.get("language", "und"),
            categories=(
                *((feed.topic_scheme, tag) for tag in said.get("tags", ())),
                *own_categories(feed, said),
            ),
        )
        for said in read_json(feed)["items"]
    ]


def items(feed: Feed, form: Format) -> list[Item]:
    readers = {Format.ATOM: atom_items, Format.RSS: rss_items, Format.JSON: json_items}
    return readers[form](feed)


def own_categories(feed: Feed, said: dict[str, Any]) -> list[tuple[str, str]]:
    """Kind and urgency as the other formats have them, which need a scheme to say them."""
    own = said.get("_dispatcher", {})
    marks = [
        (feed.kind_scheme, own.get("kind_name")),
        (feed.urgent_scheme, own.get("urgent") and "Urgent"),
    ]
    return [(scheme, name) for scheme, name in marks if scheme and name]


def _inner_text(node: object) -> str:
    assert isinstance(node, etree._Element)
    return str(node.xpath("string()"))


def _shown(description: str) -> str:
    """The plain text that an HTML description shows."""
    bare = re.fullmatch(r'<div dir="rtl" lang="[^"]+">(.*)</div>', description)
    inner = bare[1] if bare else description
    assert "<" not in inner, "a summary is text, not markup"
    return html.unescape(inner)


def _rfc3339(written: str) -> datetime:
    return datetime.strptime(written, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
