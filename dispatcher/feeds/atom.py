"""A cleaned feed as Atom 1.0 (RFC 4287)."""

from __future__ import annotations

from lxml import etree

from dispatcher.feeds.cleaning import rfc3339
from dispatcher.feeds.drafting import XML_LANG, child, draft, serialised
from dispatcher.feeds.entries import Feed, FeedEntry

MEDIA_TYPE = "application/atom+xml"


def render(feed: Feed) -> bytes:
    """The document; the feed has been through `cleaning.cleaned`."""
    generator = draft(feed, MEDIA_TYPE)
    generator.updated(feed.updated)
    root, _ = generator._create_atom()
    # feedgen spells the namespace as a plain attribute, so inside the tree names have none.
    root.set(XML_LANG, feed.language)
    _type_as_text(root, "title", "subtitle")
    child(root, "updated").text = rfc3339(feed.updated)
    for node, entry in zip(root.iterfind("entry"), feed.entries, strict=True):
        _mend(node, entry)
    return serialised(root)


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
