"""Reads built feeds back the way programs do, so that tests compare what is meant."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from lxml import etree

from dispatcher.feeds.building import Feed, Format, build

NAMES = {
    "a": "http://www.w3.org/2005/Atom",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "xml": "http://www.w3.org/XML/1998/namespace",
}


@dataclass(frozen=True, slots=True)
class Item:
    """What both formats say of an entry, in one shape."""

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
