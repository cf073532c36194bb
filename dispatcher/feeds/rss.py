"""A cleaned feed as RSS 2.0, with the Atom, Content and Dublin Core modules.

Channel and titles are plain text; an item's description is HTML, as readers take it to be.
"""

from __future__ import annotations

import html
import re
from datetime import datetime
from email.utils import format_datetime

from lxml import etree

from dispatcher.feeds.cleaning import rfc3339
from dispatcher.feeds.drafting import XML_LANG, child, draft, serialised
from dispatcher.feeds.entries import Feed, FeedEntry
from dispatcher.feeds.markup import directed

MEDIA_TYPE = "application/rss+xml"

_ATOM = "{http://www.w3.org/2005/Atom}"
_REFERENCES = {"&": "#x26", "<": "#x3C"}


def render(feed: Feed) -> bytes:
    """The document; the feed has been through `cleaning.cleaned`."""
    generator = draft(feed, MEDIA_TYPE)
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


def _mend_channel(channel: etree._Element, feed: Feed) -> None:
    _write_plainly(child(channel, "title"), feed.title)
    _write_plainly(child(channel, "description"), feed.subtitle or feed.title)
    if feed.logo_url:
        _write_plainly(child(child(channel, "image"), "title"), feed.title)
    for url in reversed(feed.hub_urls):
        hub = etree.Element(f"{_ATOM}link", {"rel": "hub", "href": url})
        child(channel, f"{_ATOM}link").addnext(hub)
    built = etree.Element("lastBuildDate")
    built.text = _http_date(feed.updated)
    child(channel, "generator").addprevious(built)


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
