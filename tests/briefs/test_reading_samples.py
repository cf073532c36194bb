"""The project's own sample briefs and topics can all be read."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from dispatcher.briefs.document import Document, Quotation, Related, Section
from dispatcher.briefs.reading import KnownTopic, read

SAMPLES = Path(str(files("dispatcher"))) / "local" / "samples"
BRIEFS = sorted((SAMPLES / "briefs").iterdir())


def known() -> list[KnownTopic]:
    topics = []
    for line in (SAMPLES / "topics.txt").read_text(encoding="utf-8").splitlines():
        name, _, aliases = line.strip().partition(" | ")
        topics.append(KnownTopic(name, tuple(aliases.split(", ")) if aliases else ()))
    return topics


def sample(name: str) -> Document:
    [path] = [path for path in BRIEFS if name in path.name]
    return read(path.read_bytes(), topics=known())


@pytest.mark.parametrize("path", BRIEFS, ids=lambda path: path.name)
def test_a_sample_brief_reads_as_a_whole_flash_brief(path: Path) -> None:
    document = read(path.read_bytes(), topics=known())
    kinds = [type(block) for block in document.blocks]
    assert kinds[:2] == [Section, Quotation]
    assert kinds[2:-1] in ([Section] * 2, [Section] * 3)
    assert kinds[-1] is Related
    assert all(block.heading for block in document.blocks)
    assert document.kind in {"Flash Brief", "موجز عاجل"}
    assert document.published_at is not None
    assert document.topics
    assert set(document.topics) <= {topic.name for topic in known()}
    assert 60 < len(document.summary) <= 220
    for block in document.blocks:
        if isinstance(block, Quotation):
            assert block.name
            assert block.role
        if isinstance(block, Related):
            assert all(entry.title and entry.source for entry in block.entries)


def test_the_samples_show_every_form_and_difficulty() -> None:
    forms = [path.suffix for path in BRIEFS]
    assert sorted(forms) == [".html", ".json", *[".md"] * 3, *[".txt"] * 3]
    documents = [read(path.read_bytes(), topics=known()) for path in BRIEFS]
    assert [document.urgent for document in documents].count(True) == 1
    assert [document.language for document in documents].count("ar") == 1
    assert any(135 <= len(document.headline) <= 145 for document in documents)
    said = [block for d in documents for block in d.blocks if isinstance(block, Quotation)]
    assert max(len(quotation.paragraphs) for quotation in said) == 3


def test_the_sample_written_from_right_to_left_names_its_topics_by_alias() -> None:
    assert sample("water").topics == ("Water Diplomacy", "Food Security")


def test_the_sample_broken_at_a_fixed_width_has_whole_paragraphs() -> None:
    blocks = sample("gas-storage").blocks
    assert all(len(block.paragraphs) == 1 for block in blocks if isinstance(block, Section))
    assert all("“" not in text for b in blocks if isinstance(b, Quotation) for text in b.paragraphs)
