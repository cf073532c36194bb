"""A cleaned feed as RSS 2.0, with the Atom, Content, Dublin Core and history (RFC 5005) modules.

Channel and titles are plain text; an item's description is HTML, as readers take it to be. RSS has
no word for a brief that was taken back: it is simply not there.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from datetime import datetime
from email.utils import format_datetime

from lxml import etree

from dispatcher.feeds import extending
from dispatcher.feeds.cleaning import rfc3339
from dispatcher.feeds.drafting import child, cut, draft, joined, serialised
from dispatcher.feeds.entries import Feed, FeedEntry
from dispatcher.feeds.extending import XML_LANG
from dispatcher.feeds.markup import directed

MEDIA_TYPE = "application/rss+xml"

_ATOM = "{http://www.w3.org/2005/Atom}"
_OPENS, _ENDS = b"    <item ", b"  </channel>"
_REFERENCES = {"&": "#x26", "<": "#x3C"}


def render(feed: Feed) -> bytes:
    """The document; frame and entries have been through `cleaning`."""
    generator = draft(feed, MEDIA_TYPE)
    generator.logo(feed.logo_url or feed.icon_url or None)
    generator.description(feed.subtitle or feed.title)  # RSS 2.0 wants one
    if feed.language != "und":
        generator.language(feed.language)
    root, _ = generator._create_rss()
    root.set(XML_LANG, feed.language)
    channel = child(root, "channel")
    _mend_channel(channel, feed)
    for item, entry in zip(channel.iterfind("item"), feed.entries, strict=True):
        _mend_item(item, entry)
    return serialised(root)


def piece(feed: Feed) -> bytes:
    """The bytes that the only entry of this feed has in any document."""
    return cut(render(feed), _OPENS, _ENDS)


def assemble(frame: Feed, pieces: Iterable[bytes]) -> bytes:
    """The document of a feed without entries and the pieces of its entries."""
    return joined(render(frame), pieces, _ENDS)


def _mend_channel(channel: etree._Element, feed: Feed) -> None:
    _write_plainly(child(channel, "title"), feed.title)
    _write_plainly(child(channel, "description"), feed.subtitle or feed.title)
    image = channel.find("image")
    if image is not None:
        _write_plainly(child(image, "title"), feed.title)
    _extend(child(channel, f"{_ATOM}link"), feed)
    built = etree.Element("lastBuildDate")
    built.text = _http_date(feed.updated)
    child(channel, "generator").addprevious(built)


def _extend(self_link: etree._Element, feed: Feed) -> None:
    """feedgen writes the feed's own link alone; what else is said in links follows it."""
    related = [*(("hub", url) for url in feed.hub_urls), *extending.archive_links(feed)]
    nodes = [etree.Element(f"{_ATOM}link", {"rel": rel, "href": url}) for rel, url in related]
    if feed.is_archive:
        nodes.append(extending.archive_mark())
    for node in reversed(nodes):
        self_link.addnext(node)


def _mend_item(item: etree._Element, entry: FeedEntry) -> None:
    item.set(XML_LANG, entry.language)
    _write_plainly(child(item, "title"), entry.title)
    if entry.summary:
        summary = directed(html.escape(entry.summary, quote=False), entry.language)
        child(item, "description").text = summary
    etree.SubElement(item, "pubDate").text = _http_date(entry.published)
    etree.SubElement(item, f"{_ATOM}updated").text = rfc3339(entry.updated)


def _write_plainly(node: etree._Element, text: str) -> None:
    """Plain text in the one spelling that readers which decode twice also show as written.

    Numeric references for `&` and `<` (RSS Advisory Board, Best Practices Profile, "title").
    """
    node.text, *pieces = re.split(r"(?=[&<])", text)
    for piece in pieces:
        reference = etree.Entity(_REFERENCES[piece[0]])
        reference.tail = piece[1:]
        node.append(reference)


def _http_date(moment: datetime) -> str:
    return format_datetime(moment, usegmt=True)
