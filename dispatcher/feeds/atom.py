"""A cleaned feed as Atom 1.0 (RFC 4287), with RFC 5005 for archives and RFC 6721 for withdrawals."""

from __future__ import annotations

from collections.abc import Iterable

from lxml import etree

from dispatcher.feeds import extending
from dispatcher.feeds.cleaning import rfc3339
from dispatcher.feeds.drafting import child, cut, draft, joined, serialised
from dispatcher.feeds.entries import Feed, FeedEntry
from dispatcher.feeds.extending import XML_LANG

MEDIA_TYPE = "application/atom+xml"

_OPENS, _ENDS = b"  <entry ", b"</feed>"


def render(feed: Feed) -> bytes:
    """The document; frame and entries have been through `cleaning`."""
    generator = draft(feed, MEDIA_TYPE)
    generator.updated(feed.updated)
    generator.icon(feed.icon_url or None)
    root, _ = generator._create_atom()
    # feedgen spells the namespace as a plain attribute, so inside the tree names have none.
    root.set(XML_LANG, feed.language)
    _type_as_text(root, "title", "subtitle")
    child(root, "updated").text = rfc3339(feed.updated)
    _extend(root, feed)
    for node, entry in zip(root.iterfind("entry"), feed.entries, strict=True):
        _mend(node, entry)
    return serialised(root)


def piece(feed: Feed) -> bytes:
    """The bytes that the only entry of this feed has in any document."""
    return cut(render(feed), _OPENS, _ENDS)


def assemble(frame: Feed, pieces: Iterable[bytes]) -> bytes:
    """The document of a feed without entries and the pieces of its entries."""
    return joined(render(frame), pieces, _ENDS)


def _extend(root: etree._Element, feed: Feed) -> None:
    if feed.is_archive:
        root.insert(0, extending.archive_mark())
    # Behind all that the feed says of itself and before its entries: the grammar of RFC 4287 wants
    # what it does not know there.
    at = len(root) - len(feed.entries)
    root[at:at] = extending.tombstones(feed)


def _mend(node: etree._Element, entry: FeedEntry) -> None:
    node.set(XML_LANG, entry.language)
    _type_as_text(node, "title")
    child(node, "updated").text = rfc3339(entry.updated)
    published = etree.Element("published")
    published.text = rfc3339(entry.published)
    child(node, "updated").addprevious(published)
    link = child(node, "link")
    link.set("rel", "alternate")
    link.set("type", "text/html")


def _type_as_text(parent: etree._Element, *tags: str) -> None:
    """Says it outright: some readers take a construct without a type for HTML (RFC 4287 §3.1.1)."""
    for tag in tags:
        for node in parent.iterfind(tag):
            node.set("type", "text")
