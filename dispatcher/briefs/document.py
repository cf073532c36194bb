"""The Document: a brief's content as a value, shared by letters, pages and feeds.

Texts are plain Unicode. `paragraphs` are inline HTML fragments that nh3 has cleaned: they hold
text, entities and the few inline tags of `INLINE_TAGS`, never a block element.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

INLINE_TAGS = frozenset(
    {"a", "abbr", "b", "bdi", "br", "code", "em", "i", "q", "strong", "sub", "sup"}
)


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and its paragraphs; an empty heading means text before the first heading.

    A list item is a paragraph that starts with a bullet and a space.
    """

    heading: str
    paragraphs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Quotation:
    """What an expert said. `paragraphs` carry no outer quotation marks."""

    heading: str
    paragraphs: tuple[str, ...]
    name: str = ""
    role: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One piece of related analysis; `source` is its authors or the series, as written."""

    title: str
    source: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Related:
    heading: str
    entries: tuple[Entry, ...]


Block = Section | Quotation | Related


@dataclass(frozen=True, slots=True)
class Document:
    """A brief as it was handed in, cleaned.

    `topics` are names (known topics by their canonical name, others as written); `published_at`
    is aware (a bare date means midnight UTC); `language` is a BCP 47 tag; `source_id` is the
    publisher's own identifier, if the input names one.
    """

    headline: str
    kind: str = "Brief"
    summary: str = ""
    blocks: tuple[Block, ...] = ()
    topics: tuple[str, ...] = ()
    published_at: datetime | None = None
    language: str = "en"
    url: str = ""
    source_id: str = ""
    urgent: bool = False


def to_json(document: Document) -> dict[str, Any]:
    """The document as JSON values; every block says its `type`: section, quotation or related.

    Equal documents give equal values: the time of publication is written in UTC.
    """
    at = document.published_at
    return {
        "headline": document.headline,
        "kind": document.kind,
        "summary": document.summary,
        "blocks": [_block_to_json(block) for block in document.blocks],
        "topics": list(document.topics),
        "published_at": at.astimezone(UTC).isoformat() if at else None,
        "language": document.language,
        "url": document.url,
        "source_id": document.source_id,
        "urgent": document.urgent,
    }


def from_json(values: dict[str, Any]) -> Document:
    """The document that `to_json` wrote; values from elsewhere go through `reading` instead."""
    at = values["published_at"]
    return Document(
        headline=values["headline"],
        kind=values["kind"],
        summary=values["summary"],
        blocks=tuple(_block_from_json(block) for block in values["blocks"]),
        topics=tuple(values["topics"]),
        published_at=datetime.fromisoformat(at) if at else None,
        language=values["language"],
        url=values["url"],
        source_id=values["source_id"],
        urgent=values["urgent"],
    )


def content_hash(document: Document) -> str:
    """SHA-256, in hex, over all that a reader could see: everything but the source id."""
    values = to_json(document)
    del values["source_id"]
    canonical = json.dumps(values, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return sha256(canonical.encode()).hexdigest()


def _block_to_json(block: Block) -> dict[str, Any]:
    match block:
        case Section(heading, paragraphs):
            return {"type": "section", "heading": heading, "paragraphs": list(paragraphs)}
        case Quotation(heading, paragraphs, name, role):
            return {
                "type": "quotation",
                "heading": heading,
                "paragraphs": list(paragraphs),
                "name": name,
                "role": role,
            }
        case Related(heading, entries):
            return {
                "type": "related",
                "heading": heading,
                "entries": [{"title": e.title, "source": e.source, "url": e.url} for e in entries],
            }


def _block_from_json(values: dict[str, Any]) -> Block:
    heading = values["heading"]
    match values["type"]:
        case "section":
            return Section(heading, tuple(values["paragraphs"]))
        case "quotation":
            return Quotation(heading, tuple(values["paragraphs"]), values["name"], values["role"])
        case "related":
            return Related(heading, tuple(Entry(**entry) for entry in values["entries"]))
        case other:
            raise ValueError(f"no block has the type {other!r}")
