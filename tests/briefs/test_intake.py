"""Handing a brief in: once, again, changed, after its release, and by two doors at once."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher.briefs import intake
from dispatcher.briefs.document import Document, Section
from dispatcher.briefs.intake import Intake, Outcome
from dispatcher.briefs.models import Brief, Revision
from dispatcher.errors import NoSuchBrief, Refusal, UnknownTopic, UnreadableBrief, UnreadyBrief
from tests.makers import make_topic
from tests.meanwhile import overtaken

pytestmark = pytest.mark.django_db
DOCUMENT = Document(
    headline="Ferries run again between the islands",
    kind="Alert",
    summary="After nine weeks.",
    blocks=(Section("Latest", ("The line reopened on <b>Monday</b>.",)),),
    topics=("Ferries",),
    published_at=datetime(2026, 5, 4, 9, 30, tzinfo=UTC),
    language="en-GB",
    source_id="desk-1",
    urgent=True,
)
TEXT = """---
headline: Ferries run again between the islands
topics: [Ferries]
---
The line reopened on Monday after nine weeks.
"""


@pytest.fixture(autouse=True)
def _topics() -> None:
    make_topic("Ferries")
    make_topic("Harbours")


def store(document: Document = DOCUMENT, **changes: object) -> Intake:
    return intake.store(replace(document, **changes), by="ada")  # type: ignore[arg-type]


def counts() -> tuple[int, int]:
    return Brief.objects.count(), Revision.objects.count()


def test_a_new_brief_is_stored_with_its_first_revision() -> None:
    stored = store()
    brief = Brief.objects.get()
    assert (stored.outcome, stored.brief, stored.revision) == (Outcome.NEW, brief, brief.current)
    assert (brief.source_id, brief.headline, brief.kind, brief.urgent, brief.language) == (
        "desk-1",
        DOCUMENT.headline,
        "Alert",
        True,
        "en-GB",
    )
    assert brief.topics == [make_topic("Ferries").pk]
    assert brief.released is None
    assert (stored.revision.number, stored.revision.change, stored.revision.by) == (
        1,
        "first",
        "ada",
    )
    assert Revision.objects.get().document == DOCUMENT


def test_the_same_brief_twice_is_one_brief() -> None:
    first, again = store(), store()
    assert again.outcome is Outcome.SAME
    assert (again.brief, again.revision) == (first.brief, first.revision)
    assert counts() == (1, 1)


def test_another_spelling_of_a_topic_is_the_same_brief() -> None:
    store()
    assert store(topics=("FERRIES", "ferries")).outcome is Outcome.SAME


def test_a_changed_brief_is_a_new_revision() -> None:
    first = store()
    changed = store(headline="Ferries stop again", topics=("Harbours",), urgent=False)
    assert changed.outcome is Outcome.CHANGED
    assert changed.brief == first.brief
    assert (changed.revision.number, changed.revision.change) == (2, "edit")
    brief = Brief.objects.get()
    assert (brief.headline, brief.urgent) == ("Ferries stop again", False)
    assert brief.topics == [make_topic("Harbours").pk]
    assert first.revision.document == DOCUMENT


def test_going_back_to_an_earlier_text_is_a_revision_too() -> None:
    store()
    store(headline="Ferries stop again")
    assert store().revision.number == 3


def test_after_the_release_readers_see_the_released_revision() -> None:
    released = store()
    Brief.objects.update(released=released.revision, released_at=timezone.now())
    changed = store(headline="Ferries stop again", topics=("Harbours",), language="fr")
    brief = Brief.objects.get()
    assert changed.outcome is Outcome.CHANGED
    assert (brief.current, brief.released) == (changed.revision, released.revision)
    assert (brief.headline, brief.language) == (DOCUMENT.headline, "en-GB")
    assert brief.topics == [make_topic("Ferries").pk]


def test_a_brief_without_topics_or_with_an_unknown_one_is_refused() -> None:
    with pytest.raises(UnreadyBrief, match="topics"):
        store(topics=())
    with pytest.raises(UnknownTopic, match="nearest known: Ferries"):
        store(topics=("Ferys",))
    assert counts() == (0, 0)


@pytest.mark.parametrize("source_id", ["", "x" * 201, "desk\n1", "desk\x001", "desk\u202e1"])
def test_a_source_id_that_cannot_be_kept_is_refused(source_id: str) -> None:
    with pytest.raises(UnreadyBrief, match="source id"):
        store(source_id=source_id)


def test_a_brief_is_found_by_its_own_id_and_by_that_of_its_source() -> None:
    brief = store().brief
    assert intake.find(brief.public_id) == intake.find("desk-1") == brief
    for unknown in ("desk-2", "", "x" * 1000, "desk-1\x00", "desk-1\udcff"):
        with pytest.raises(NoSuchBrief) as refusal:
            intake.find(unknown)
        assert str(refusal.value).isprintable()


def test_handing_in_text_stores_what_it_says() -> None:
    handed = intake.hand_in(TEXT, by="ada")
    assert handed.outcome is Outcome.NEW
    assert handed.brief.headline == "Ferries run again between the islands"
    assert handed.brief.topics == [make_topic("Ferries").pk]
    assert intake.hand_in(TEXT.encode(), by="bo").outcome is Outcome.SAME
    assert counts() == (1, 1)


def test_what_is_said_beside_the_text_overrules_it() -> None:
    handed = intake.hand_in(
        TEXT, by="ada", topic_names=["harbours"], urgent=True, source_id=" desk-7 "
    )
    brief = handed.brief
    assert (brief.source_id, brief.urgent) == ("desk-7", True)
    assert brief.topics == [make_topic("Harbours").pk]


def test_without_a_source_id_the_same_headline_of_a_day_is_the_same_brief() -> None:
    first = intake.hand_in(TEXT, by="ada")
    changed = intake.hand_in(TEXT.replace("nine", "ten"), by="ada")
    other = intake.hand_in(TEXT.replace("again", "no more"), by="ada")
    assert (changed.outcome, changed.brief) == (Outcome.CHANGED, first.brief)
    assert (other.outcome, counts()) == (Outcome.NEW, (2, 3))


@pytest.mark.parametrize(
    "raw", ["", b"\x89PNG\r\n\x1a\n\x00\x00", "x" * 3_000_000, '{"headline": ""}', "[" * 100_000]
)
def test_what_is_no_brief_is_refused_and_stores_nothing(raw: bytes | str) -> None:
    with pytest.raises((UnreadableBrief, UnreadyBrief)) as refusal:
        intake.hand_in(raw, by="ada")
    assert str(refusal.value).isprintable()
    assert counts() == (0, 0)


_VALUE = st.text(max_size=400) | st.sampled_from(["\x00", "x" * 500, "\ud800", "\u202e"])


def test_any_json_brief_is_stored_or_refused() -> None:
    @settings(deadline=None, max_examples=100)
    @given(
        st.fixed_dictionaries(
            {"headline": _VALUE, "topics": st.just(["Ferries"])},
            optional={
                "kind": _VALUE,
                "language": _VALUE,
                "source_id": _VALUE,
                "summary": _VALUE,
                "url": _VALUE,
                "published_at": _VALUE,
                "sections": st.just([{"heading": "a", "paragraphs": ["b\x00\ud800"]}]),
            },
        )
    )
    def hand_in(values: dict[str, object]) -> None:
        raw = json.dumps(values)
        try:
            stored = intake.hand_in(raw, by="ada")
        except Refusal as refusal:
            assert str(refusal).isprintable()  # noqa: PT017  both ends are right
        else:
            again = intake.hand_in(raw, by="ada")
            assert (again.outcome, again.revision) == (Outcome.SAME, stored.revision)

    hand_in()


@pytest.mark.django_db(transaction=True)
def test_the_same_brief_by_two_doors_at_once_is_one_brief() -> None:
    assert overtaken(store, by=store).outcome is Outcome.SAME
    assert counts() == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_two_changes_at_once_are_two_revisions() -> None:
    store()
    changed = overtaken(
        lambda: store(headline="Ferries stop again"), by=lambda: store(headline="Ferries run late")
    )
    assert (changed.outcome, changed.revision.number) == (Outcome.CHANGED, 3)
    assert Brief.objects.get().headline == "Ferries stop again"
