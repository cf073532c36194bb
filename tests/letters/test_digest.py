"""The digest letter: put together of pieces it is the one that rendering it whole gives."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from dispatcher.letters import digest
from dispatcher.letters.alert import Publisher, TopicLink
from dispatcher.letters.digest import DigestContext, Item
from dispatcher.letters.rendering import LARGEST, LetterTooLarge, Renderer
from tests.letters.samples import TEMPLATES

CONTEXT = DigestContext(
    subject="Your daily digest: 2 briefs, 2 March 2026",
    heading="Your daily digest: 2 briefs",
    day=date(2026, 3, 2),
    publisher=Publisher("Meridian Institute", "1 Example Street", "https://example.org"),
)
FERRIES = Item(
    headline="Ferries & barges run again",
    summary="The line reopened on Monday.",
    kind="Brief",
    language="en",
    url="https://news.example.org/briefs/1",
    topics=(TopicLink("Harbours", "https://news.example.org/topics/harbours"),),
    published_at=datetime(2026, 3, 1, tzinfo=UTC),
    urgent=True,
)
CORRIDOR = Item("ممر المعادن", "", "Brief", "ar", "https://news.example.org/briefs/2")


@pytest.fixture
def renderer() -> Renderer:
    return Renderer(TEMPLATES)


def test_each_brief_stands_in_both_forms_with_its_summary_topics_and_link(
    renderer: Renderer,
) -> None:
    pieces = [digest.piece(renderer, CONTEXT, item) for item in (FERRIES, CORRIDOR)]
    letter = digest.frame(renderer, CONTEXT).around(pieces)
    assert "Ferries &amp; barges run again" in letter.html
    assert "Ferries & barges run again\n==========================\n" in letter.text
    for text in (letter.html, letter.text):
        assert text.index("Urgent") < text.index("The line reopened on Monday.") < text.index("ممر")
        assert "Harbours" in text
        assert FERRIES.url in text
        assert CORRIDOR.url in text
        assert "edge" not in text
    assert 'lang="ar" dir="rtl"' in letter.html
    assert letter.subject == CONTEXT.subject


def test_a_brief_of_one_digest_is_the_same_in_every_other(renderer: Renderer) -> None:
    other = DigestContext("Other", "Other", date(2026, 1, 1), CONTEXT.publisher)
    assert digest.piece(renderer, CONTEXT, FERRIES) == digest.piece(renderer, other, FERRIES)


def test_one_that_mailboxes_would_clip_is_refused(renderer: Renderer) -> None:
    piece = digest.piece(renderer, CONTEXT, FERRIES)
    with pytest.raises(LetterTooLarge):
        digest.frame(renderer, CONTEXT).around([piece] * (LARGEST // len(piece.html) + 1))
