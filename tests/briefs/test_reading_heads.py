"""The head of a pasted brief: headline, kind and date, in the orders that people paste them in."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from dispatcher.briefs.document import Document, Section
from dispatcher.briefs.reading import Form, read
from dispatcher.errors import UnreadableBrief
from tests.briefs.test_reading_pasted import BODY, TOPICS, paste, sections


def test_a_headline_that_begins_with_a_date_is_a_headline() -> None:
    document = paste("2023-03-02 and What Came of It", BODY)
    assert document.headline == "2023-03-02 and What Came of It"
    assert document.published_at is None


LONG = "Ministers Reject a Longer Season for the Barges of the Upper Danvar"
KIND = "Flash Brief"
A_DAY = "23 November 2026"


def below(head: tuple[str, ...], gap: str, body: str = BODY) -> Document:
    return read(f"{gap.join(head)}\n\n{body}", topics=TOPICS, form=Form.TEXT)


@pytest.mark.parametrize("gap", ["\n", "\n\n"], ids=["lines", "paragraphs"])
@pytest.mark.parametrize("body", [BODY, BODY * 2], ids=["narrow", "wide"])
@pytest.mark.parametrize(
    "date",
    [A_DAY, "23 Nov 2026", "November 23, 2026", "Monday, Nov. 23rd, 2026", "2026-11-23"],
)
def test_headline_kind_and_date_may_have_a_line_each(date: str, body: str, gap: str) -> None:
    heads = [
        ("Ports Reopen", KIND, date),
        (LONG, KIND, date),
        (KIND, LONG, date),
        (KIND, date, LONG),
        (date, KIND, LONG),
        (LONG, LONG, KIND, date),
        (LONG, f"{KIND} | {date}"),
        (f"{date} | {KIND}", LONG),
    ]
    for head in (*heads, *(head * 2 for head in heads)):
        document = below(head, gap, body)
        assert document.headline in {LONG, "Ports Reopen"}
        assert document.kind == KIND
        assert document.published_at == datetime(2026, 11, 23, tzinfo=UTC)
        assert document.blocks == (Section("", (body,)),)


def test_a_short_line_below_the_date_is_the_kind_unless_it_heads_the_text() -> None:
    alone = below((LONG, A_DAY, KIND), "\n")
    assert (alone.kind, alone.blocks) == (KIND, (Section("", (BODY,)),))
    for gap in ("\n", "\n\n"):
        followed = below((LONG, A_DAY, KIND, "Latest Developments"), gap)
        assert (followed.kind, followed.blocks[0].heading) == (KIND, "Latest Developments")
    heading = below((LONG, A_DAY, "Latest Developments"), "\n\n")
    assert (heading.kind, heading.blocks[0].heading) == ("Brief", "Latest Developments")
    assert heading.published_at == datetime(2026, 11, 23, tzinfo=UTC)


@pytest.mark.parametrize("gap", ["\n", "\n\n"])
def test_a_section_heading_below_the_head_stays_one(gap: str) -> None:
    for head in ((LONG,), (KIND,), (LONG, KIND, A_DAY), (LONG, "Analysis", A_DAY)):
        for heading in ("Latest Developments", "Analysis"):
            document = below((*head, heading), gap)
            assert document.headline == head[0]
            assert document.kind == (head[1] if len(head) > 1 else "Brief")
            assert document.blocks == (Section(heading, (BODY,)),)


@pytest.mark.parametrize(
    "line", ["By Ana Ruiz-Berg", "What the ministers did not say in public", "Food Security"]
)
def test_a_line_of_the_head_that_is_no_kind_stays_in_the_text(line: str) -> None:
    document = below((LONG, line, A_DAY), "\n\n")
    assert (document.headline, document.kind) == (LONG, "Brief")
    assert document.published_at == datetime(2026, 11, 23, tzinfo=UTC)
    assert document.blocks == (Section(line, (BODY,)),)


def test_a_date_in_the_text_stays_there() -> None:
    document = paste(LONG, BODY, A_DAY, BODY)
    assert document.published_at is None
    assert sections(document) == [Section("", (BODY,)), Section(A_DAY, (BODY,))]
    timeline = paste(LONG, "Timeline", A_DAY, BODY, "24 November 2026", BODY)
    assert (timeline.kind, timeline.published_at) == ("Brief", None)
    assert [s.heading for s in sections(timeline)] == ["", A_DAY, "24 November 2026"]


def test_a_date_in_the_head_that_is_not_in_the_calendar_is_refused() -> None:
    with pytest.raises(UnreadableBrief, match="not in the calendar"):
        below((LONG, KIND, "31 November 2026"), "\n")
