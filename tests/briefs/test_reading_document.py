"""Documents as JSON, and their content hash."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from dispatcher.briefs.document import (
    Document,
    Entry,
    Quotation,
    Related,
    Section,
    content_hash,
    from_json,
    to_json,
)
from dispatcher.briefs.reading import read

DOCUMENT = Document(
    headline="Headline",
    kind="Alert",
    summary="In short.",
    blocks=(
        Section("One", ("<b>Text</b> &amp; more.", "• item")),
        Quotation("Two", ("Said.",), "Ana Ruiz-Berg", "Fellow"),
        Related("Three", (Entry("Title", "Series", "https://example.org/"),)),
    ),
    topics=("Gas Markets",),
    published_at=datetime(2026, 5, 19, 12, 5, tzinfo=UTC),
    language="en-GB",
    url="https://example.org/1",
    source_id="1",
    urgent=True,
)


@pytest.mark.parametrize("document", [DOCUMENT, Document("Only a headline")])
def test_a_document_comes_back_from_json_as_it_was(document: Document) -> None:
    assert from_json(json.loads(json.dumps(to_json(document)))) == document


def test_every_block_says_its_type() -> None:
    types = [block["type"] for block in to_json(DOCUMENT)["blocks"]]
    assert types == ["section", "quotation", "related"]


def test_a_document_written_as_json_reads_as_itself() -> None:
    assert read(json.dumps(to_json(DOCUMENT)), topics=[]) == DOCUMENT


def test_the_same_moment_in_another_zone_is_the_same_content() -> None:
    assert DOCUMENT.published_at is not None
    elsewhere = DOCUMENT.published_at.astimezone(timezone(timedelta(hours=9)))
    moved = replace(DOCUMENT, published_at=elsewhere)
    assert to_json(moved) == to_json(DOCUMENT)
    assert content_hash(moved) == content_hash(DOCUMENT)


def test_the_content_hash_is_over_what_a_reader_can_see() -> None:
    digest = content_hash(DOCUMENT)
    assert len(digest) == 64
    assert digest == content_hash(replace(DOCUMENT, source_id="2"))
    changed = (
        replace(DOCUMENT, headline="Other"),
        replace(DOCUMENT, kind="Other"),
        replace(DOCUMENT, summary="Other"),
        replace(DOCUMENT, blocks=DOCUMENT.blocks[:2]),
        replace(DOCUMENT, blocks=DOCUMENT.blocks[::-1]),
        replace(DOCUMENT, topics=()),
        replace(DOCUMENT, published_at=None),
        replace(DOCUMENT, language="en"),
        replace(DOCUMENT, url=""),
        replace(DOCUMENT, urgent=False),
    )
    assert len({digest, *map(content_hash, changed)}) == len(changed) + 1
