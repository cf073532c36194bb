"""Hands a cleaned feed to feedgen; what feedgen then gets wrong, atom.py and rss.py mend.

Everything is set here that feedgen writes faithfully in both formats. Dates, link attributes and
escapes of its trees are placeholders until the format's own module has been over them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from feedgen.feed import FeedGenerator
from lxml import etree

from dispatcher.feeds import extending
from dispatcher.feeds.entries import Feed, FeedEntry


def draft(feed: Feed, media_type: str) -> Any:
    """A FeedGenerator that holds the cleaned feed; `media_type` is of the format to be written."""
    generator = FeedGenerator()
    generator.load_extension("dc", atom=False)
    # Written from this, `lastBuildDate` would flip the locale of the whole process for a moment,
    # under every other thread; without it feedgen leaves the element to rss.py.
    generator._FeedGenerator__rss_lastBuildDate = None
    generator.generator("Dispatcher")
    generator.id(feed.id)
    generator.title(feed.title)
    generator.subtitle(feed.subtitle or None)
    generator.author(name=feed.publisher)
    generator.ttl(feed.ttl_minutes if feed.ttl_minutes > 0 else None)
    generator.logo(feed.logo_url or None)
    generator.link(href=feed.self_url, rel="self", type=media_type)
    for url in feed.hub_urls:
        generator.link(href=url, rel="hub")
    for relation, url in extending.archive_links(feed):
        generator.link(href=url, rel=relation)
    # Last, because feedgen makes RSS's <link> of whichever link came last.
    generator.link(href=feed.page_url, rel="alternate", type="text/html")
    for entry in feed.entries:
        _draft_entry(generator.add_entry(order="append"), entry, feed)
    return generator


def child(parent: etree._Element, tag: str) -> etree._Element:
    """The first child of that tag; LookupError when feedgen has not written one."""
    found = parent.find(tag)
    if found is None:
        raise LookupError(f"feedgen wrote no <{tag}> in <{parent.tag}>")
    return found


def serialised(root: etree._Element) -> bytes:
    tree = root.getroottree()
    return etree.tostring(tree, encoding="UTF-8", xml_declaration=True, pretty_print=True)


def cut(document: bytes, opens: bytes, ends: bytes) -> bytes:
    """What a document of one entry says of it. In text `<` is escaped, so tags are found by bytes."""
    return document[document.index(opens) : document.rindex(ends)]


def joined(frame: bytes, pieces: Iterable[bytes], ends: bytes) -> bytes:
    """The document of the frame with these entries: the bytes that one rendering of all would give."""
    end = frame.rindex(ends)
    return b"".join((frame[:end], *pieces, frame[end:]))


def _draft_entry(draft: Any, entry: FeedEntry, feed: Feed) -> None:
    draft.id(entry.id)
    draft.title(entry.title)
    draft.link(href=entry.url)
    draft.author(name=entry.author)
    draft.dc.dc_creator(entry.author)
    draft.summary(entry.summary or None, type="text")
    draft.content(entry.html or None, type="html")
    for topic in entry.topics:
        draft.category(term=topic.slug, scheme=feed.topic_scheme, label=topic.name)
    if entry.kind and feed.kind_scheme:
        draft.category(term=entry.kind, scheme=feed.kind_scheme, label=entry.kind_name)
    if entry.urgent and feed.urgent_scheme:
        draft.category(term="urgent", scheme=feed.urgent_scheme, label="Urgent")
