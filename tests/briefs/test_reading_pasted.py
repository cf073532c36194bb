"""Pasted text, with the faults that pasted text has."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from dispatcher.briefs.document import Document, Entry, Quotation, Related, Section
from dispatcher.briefs.reading import Form, KnownTopic, read

OWN_BRIEF = Path(__file__).parent / "data" / "flash-brief.txt"
REAL_BRIEFS = Path(__file__).parents[3] / "shared" / "briefs"

TOPICS = [
    KnownTopic("Food"),
    KnownTopic("Food Security", ("Grain",)),
    KnownTopic("Inland Waterways", ("River Transport",)),
    KnownTopic("Security"),
    KnownTopic("U.S. Defense Policy and Strategy"),
    KnownTopic("Indo-Pacific"),
]
BODY = "The ministers met on Monday and agreed on very little, as had been expected."


def paste(*paragraphs: str) -> Document:
    return read("\n\n".join(paragraphs), topics=TOPICS, form=Form.TEXT)


def sections(document: Document) -> list[Section]:
    return [block for block in document.blocks if isinstance(block, Section)]


def quotation(document: Document) -> Quotation:
    [found] = [block for block in document.blocks if isinstance(block, Quotation)]
    return found


def entries(document: Document) -> tuple[Entry, ...]:
    [found] = [block for block in document.blocks if isinstance(block, Related)]
    return found.entries


def test_a_pasted_brief_is_read_with_all_its_faults() -> None:
    document = read(OWN_BRIEF.read_bytes(), topics=TOPICS)
    assert document.headline == "River Ports Reopen as Upper Danvar Strike Ends"
    assert document.kind == "Flash Brief"
    assert document.published_at == datetime(2026, 5, 19, tzinfo=UTC)
    assert [block.heading for block in document.blocks] == [
        "Latest Developments",
        "Expert Analysis",
        "A Waterway Without an Alternative",
        "2026 Has Seen Fewer, Longer Strikes",
        "The Role of the River Commission",
        "Related Analysis",
    ]
    assert [len(section.paragraphs) for section in sections(document)] == [1, 1, 1, 1]
    said = quotation(document)
    assert said.name == "Petra Almquist-Rho"
    assert said.role == "Director of the Meridian Institute’s Program on Trade and Labor"
    assert said.paragraphs[0].startswith("Both sides")
    assert said.paragraphs[0].endswith("month of the year.")
    assert entries(document) == (
        Entry("Nineteen Days, One River", "Meridian Institute Flash Brief"),
        Entry("Why Barges Wait", "by Petra Almquist-Rho and Tomas Idowu-Lang"),
        Entry("Cranes, Crews and the “Line of Sight” Rule", "by Tomas Idowu-Lang"),
    )
    assert document.topics == ("Food Security", "Inland Waterways")
    assert document.summary == (
        "Dock workers in the six ports of the Upper Danvar returned to work on Monday"
        " after a strike of nineteen days."
    )
    assert document.language == "en"


@pytest.mark.skipif(not REAL_BRIEFS.is_dir(), reason="no ../shared/briefs beside the project")
def test_the_real_brief_is_read_as_its_readme_says() -> None:
    wanted = " ".join((REAL_BRIEFS / "README.md").read_text(encoding="utf-8").split())
    names = (REAL_BRIEFS / "topics.txt").read_text(encoding="utf-8").splitlines()
    raw = (REAL_BRIEFS / "flash-brief-2023-03-02.txt").read_bytes()
    lines = raw.decode().splitlines()

    document = read(raw, topics=[KnownTopic(name) for name in names])

    assert (document.headline, document.published_at) == (
        lines[2],
        datetime(2023, 3, 2, tzinfo=UTC),
    )
    assert f"kind `{document.kind}`, published 2023-03-02, the headline once" in wanted
    *body, related = document.blocks
    headings = " · ".join(block.heading for block in body)
    assert f"five body sections in order: {headings} - {body[1].heading} is one quotation" in wanted
    assert [type(block) for block in body] == [Section, Quotation, Section, Section, Section]
    for section in sections(document):
        assert section.paragraphs == (lines[lines.index(section.heading) + 2],)
    said = quotation(document)
    assert f"with its attribution: {said.name}, and the role" in wanted
    assert f"“{said.paragraphs[0]}” {said.name}, {said.role}" in lines
    assert len(said.paragraphs) == 1
    assert f"{related.heading} is three entries: title + source or authors, no URL" in wanted
    assert [f"{entry.title},” {entry.source}" for entry in entries(document)] == [
        line for line in lines[lines.index(related.heading) :] if "”" in line
    ]
    assert [entry.url for entry in entries(document)] == ["", "", ""]
    first, second = document.topics
    assert f"topics `{first}` and `{second}`" in wanted


@pytest.mark.parametrize(
    "line",
    [
        "May 19, 2026 | Flash Brief",
        "Flash Brief | 19 May 2026",
        "Tuesday, May 19th, 2026 — Flash Brief",
        "2026-05-19 - Flash Brief",
        "Flash Brief · 2026/05/19",
        "١٩ مايو ٢٠٢٦ | Flash Brief",
        "19 במאי 2026 | Flash Brief",
        "May 19, 2026 12:00 am | Flash Brief",
    ],
)
def test_a_line_of_date_and_kind_is_read_in_many_spellings(line: str) -> None:
    for head in ([line, "A Headline"], ["A Headline", line], ["A Headline", line] * 2):
        document = paste(*head, BODY)
        assert document.headline == "A Headline"
        assert document.kind == "Flash Brief"
        assert document.published_at == datetime(2026, 5, 19, tzinfo=UTC)
        assert sections(document) == [Section("", (BODY,))]


def test_a_headline_alone_may_stand_twice_and_a_date_may_be_missing() -> None:
    document = paste("A Headline", "A  headline", BODY)
    assert (document.headline, document.published_at) == ("A Headline", None)
    assert document.kind == "Brief"
    assert sections(document) == [Section("", (BODY,))]


def test_a_short_line_is_a_heading_only_before_a_body_paragraph() -> None:
    document = paste("A Headline", "Not One", "A Real Heading", BODY, "A short closing remark")
    assert sections(document) == [
        Section("", ("Not One",)),
        Section("A Real Heading", (BODY, "A short closing remark")),
    ]


@pytest.mark.parametrize(
    "line",
    [
        "This short line ends with a full stop.",
        "This line has no full stop but it has far too many words for a heading",
        "• An item of a list",
        "“Words that somebody said”",
    ],
)
def test_what_does_not_look_like_a_heading_is_text(line: str) -> None:
    assert sections(paste("A Headline", line, BODY)) == [Section("", (line, BODY))]


def test_a_heading_may_end_with_an_abbreviation_or_a_question_mark() -> None:
    document = paste("A Headline", "The View of the U.S.", BODY, "What Comes Next?", BODY)
    assert [s.heading for s in sections(document)] == ["The View of the U.S.", "What Comes Next?"]


def test_bullets_of_every_kind_become_items() -> None:
    document = paste("A Headline", BODY, "- one thing\n* another thing\n•\ta third")
    assert sections(document)[0].paragraphs == (
        BODY,
        "• one thing",
        "• another thing",
        "• a third",
    )


def test_lines_broken_at_a_fixed_width_are_joined() -> None:
    document = paste(
        "Flash Brief | 19 May 2026\nA Headline Long Enough to Fill a Good Part of a Line",
        "Why It Matters",
        "The commission met for the third time this year and, after a\n"
        "night of talks, adjourned without a date for the next well-\n"
        "prepared round. Members blamed the weather.",
        "- first point that goes on beyond the end of its line and so\n  is broken\n- second",
    )
    assert document.headline == "A Headline Long Enough to Fill a Good Part of a Line"
    assert sections(document)[0].paragraphs == (
        "The commission met for the third time this year and, after a night of talks, adjourned"
        " without a date for the next well-prepared round. Members blamed the weather.",
        "• first point that goes on beyond the end of its line and so is broken",
        "• second",
    )


def test_long_lines_without_blank_lines_between_them_are_paragraphs() -> None:
    document = read(f"A Headline\nA Heading\n{BODY}\n{BODY * 2}", topics=TOPICS, form=Form.TEXT)
    assert sections(document) == [Section("A Heading", (BODY, BODY * 2))]


@pytest.mark.parametrize(
    "paragraphs",
    [
        ["“It holds. For now.” Ana Ruiz-Berg, Fellow at Meridian"],
        ["“It holds. For now.” — Ana Ruiz-Berg, Fellow at Meridian"],
        ["“It holds. For now.”", "Ana Ruiz-Berg, Fellow at Meridian"],
        ["“It holds. For now.”", "— Ana Ruiz-Berg, Fellow at Meridian"],
        ['"It holds. For now." Ana Ruiz-Berg, Fellow at Meridian'],
        ["«It holds. For now.» Ana Ruiz-Berg, Fellow at Meridian"],
        ["„It holds. For now.“ Ana Ruiz-Berg, Fellow at Meridian"],
        ["It holds. For now.” Ana Ruiz-Berg, Fellow at Meridian"],
    ],
)
def test_a_quotation_is_told_by_its_marks_and_its_attribution(paragraphs: list[str]) -> None:
    document = paste("A Headline", "Expert Analysis", *paragraphs, "Background", BODY)
    said = Quotation(
        "Expert Analysis", ("It holds. For now.",), "Ana Ruiz-Berg", "Fellow at Meridian"
    )
    assert document.blocks == (said, Section("Background", (BODY,)))


def test_a_quotation_of_several_paragraphs_keeps_its_inner_marks() -> None:
    document = paste(
        "A Headline",
        "Expert Analysis",
        "“They called it a “pause.” Nobody believed them.",
        "“So here we are, with “peace” and without it.",
        "“I would not bet on “soon.”” Ana Ruiz-Berg, Fellow",
    )
    assert quotation(document) == Quotation(
        "Expert Analysis",
        (
            "They called it a “pause.” Nobody believed them.",
            "So here we are, with “peace” and without it.",
            "I would not bet on “soon.”",
        ),
        "Ana Ruiz-Berg",
        "Fellow",
    )


def test_two_experts_give_two_quotations() -> None:
    document = paste(
        "A Headline",
        "Expert Analysis",
        "“Yes.” Ana Ruiz-Berg, Fellow at Meridian",
        "“No.” Jon van der Aa, Director of Studies",
    )
    assert document.blocks == (
        Quotation("Expert Analysis", ("Yes.",), "Ana Ruiz-Berg", "Fellow at Meridian"),
        Quotation("", ("No.",), "Jon van der Aa", "Director of Studies"),
    )


@pytest.mark.parametrize(
    "paragraph",
    [
        "“It is time to act,” Smith, a former minister, said on Tuesday.",
        "“It is time to act.” Smith, a former minister, added that talks would go on.",
        "“Peace” and “quiet” are words, Ana Ruiz-Berg said.",
    ],
)
def test_prose_that_begins_with_a_quotation_stays_prose(paragraph: str) -> None:
    assert sections(paste("A Headline", "Reactions", paragraph)) == [
        Section("Reactions", (paragraph,))
    ]


def test_hebrew_abbreviations_do_not_end_a_quotation() -> None:
    document = paste("כותרת", "ניתוח מומחה", '"ההסכם עם ארה"ב יחזיק מעמד." רות בן עמי, עמיתת מחקר')
    assert quotation(document).paragraphs == ('ההסכם עם ארה"ב יחזיק מעמד.',)
    assert quotation(document).name == "רות בן עמי"
    assert document.language == "he"


@pytest.mark.parametrize(
    ("line", "entry"),
    [
        ("A Title, and More,” Some Series", Entry("A Title, and More", "Some Series")),
        ("“A Title,” by A. Writer", Entry("A Title", "by A. Writer")),
        ('"A Title," Some Series', Entry("A Title", "Some Series")),
        ('A Title," Some Series', Entry("A Title", "Some Series")),
        ("“A Title”, Some Series", Entry("A Title", "Some Series")),
        ("- Who Pays?” Some Series", Entry("Who Pays?", "Some Series")),
        ("“The “Axis” Grows,” Some Series", Entry("The “Axis” Grows", "Some Series")),
        ("“A Title”", Entry("A Title")),
        ("A Title Alone", Entry("A Title Alone")),
        ("A Title | Some Series", Entry("A Title", "Some Series")),
        (
            "“A Title,” Some Series (https://example.org/a?b=1&c)",
            Entry("A Title", "Some Series", "https://example.org/a?b=1&c"),
        ),
    ],
)
def test_a_related_line_gives_title_and_source(line: str, entry: Entry) -> None:
    document = paste("A Headline", "Latest", BODY, "Related Analysis", line, "“Other,” Series")
    assert entries(document) == (entry, Entry("Other", "Series"))


@pytest.mark.parametrize(
    "line",
    [
        "Food Security Inland Waterways",
        "Food SecurityInland Waterways",
        "food security, River Transport",
        "Grain; Inland Waterways",
        "• Food Security • Inland  Waterways",
        "Food Security | Inland Waterways | Grain",
        "Topics: Food Security, Inland Waterways",
        "Food Security\nInland Waterways",
        "Issues:\n\nFood Security\nInland Waterways",
    ],
)
def test_a_last_line_of_topics_names_the_topics(line: str) -> None:
    document = paste("A Headline", "Latest", BODY, line)
    assert document.topics == ("Food Security", "Inland Waterways")
    assert document.blocks == (Section("Latest", (BODY,)),)


def test_marks_and_hyphens_in_a_topic_are_matched_in_any_spelling() -> None:
    document = paste("A Headline", BODY, "INDO‑PACIFIC u.s. defense policy and strategy")
    assert document.topics == ("Indo-Pacific", "U.S. Defense Policy and Strategy")


def test_a_last_line_that_is_not_all_topics_stays_text() -> None:
    for line in ("Food Security and More", "Foodie", "The Food Security"):
        document = paste("A Headline", BODY, line)
        assert document.topics == ()
        assert sections(document) == [Section("", (BODY, line))]


def test_a_labelled_last_line_may_name_unknown_topics() -> None:
    document = paste("A Headline", BODY, "Topics: Grain, Space Law, food security")
    assert document.topics == ("Food Security", "Space Law")


def test_markup_in_pasted_text_is_shown_as_it_was_typed() -> None:
    document = paste("A <b>Headline</b>", "Fish & chips: 1 < 2 <script>alert(1)</script>.")
    assert document.headline == "A <b>Headline</b>"
    assert sections(document)[0].paragraphs == (
        "Fish &amp; chips: 1 &lt; 2 &lt;script&gt;alert(1)&lt;/script&gt;.",
    )
    assert document.summary == "Fish & chips: 1 < 2 <script>alert(1)</script>."


@pytest.mark.parametrize(
    ("text", "summary"),
    [
        ("One. " + "Two words " * 30 + "end.", "One."),
        ("Mr. Doe met Gen. J. Roe in the U.S. Senate. " + "More " * 50, None),
        ("word " * 100, ("word " * 44).strip() + "…"),
    ],
)
def test_the_summary_ends_with_a_sentence_or_a_word(text: str, summary: str | None) -> None:
    expected = summary or "Mr. Doe met Gen. J. Roe in the U.S. Senate."
    assert paste("A Headline", text).summary == expected


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("השרים נפגשו ביום שני והסכימו על מעט מאוד.", "he"),
        ("اجتمع الوزراء يوم الاثنين واتفقوا على القليل.", "ar"),
        ("وزیران روز دوشنبه گرد هم آمدند و بر چیز زیادی توافق نکردند.", "fa"),
        ("Die Minister trafen sich am Montag.", "en"),
        ("The word שלום means peace.", "en"),
    ],
)
def test_the_language_of_right_to_left_text_is_guessed(text: str, language: str) -> None:
    assert paste(text.rstrip("."), text).language == language
