"""What a feed carries beyond Atom and RSS, as elements: the mark of an archive, and briefs taken back.

No feed reader minds them: each is in a namespace of its own. Where they stand is the format's.
"""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from dispatcher.feeds.cleaning import rfc3339
from dispatcher.feeds.entries import Feed

XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
HISTORY = "http://purl.org/syndication/history/1.0"
TOMBSTONES = "http://purl.org/atompub/tombstones/1.0"


def archive_links(feed: Feed) -> Iterator[tuple[str, str]]:
    """Relation and address of the live feed and of the neighbours in time (RFC 5005 §4)."""
    said = {
        "current": feed.current_url,
        "prev-archive": feed.prev_archive_url,
        "next-archive": feed.next_archive_url,
    }
    return ((relation, url) for relation, url in said.items() if url)


def archive_mark() -> etree._Element:
    """`fh:archive`: what this document holds does not change any more (RFC 5005 §4)."""
    return etree.Element(f"{{{HISTORY}}}archive", nsmap={"fh": HISTORY})


def tombstones(feed: Feed) -> list[etree._Element]:
    """An `at:deleted-entry` for every brief taken back, with the reason (RFC 6721 §3)."""
    return [
        _tombstone(one.id, rfc3339(one.when), one.note, feed.language) for one in feed.withdrawals
    ]


def _tombstone(ref: str, when: str, note: str, language: str) -> etree._Element:
    node = etree.Element(
        f"{{{TOMBSTONES}}}deleted-entry", {"ref": ref, "when": when}, nsmap={"at": TOMBSTONES}
    )
    if note:
        comment = etree.SubElement(node, f"{{{TOMBSTONES}}}comment", {"type": "text"})
        comment.set(XML_LANG, language)
        comment.text = note
    return node
