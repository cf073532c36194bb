from __future__ import annotations

from datetime import UTC, datetime

import pytest

from dispatcher.letters.languages import capitals, setting
from dispatcher.letters.paragraphs import Run, runs
from dispatcher.letters.words import own_name, words


def test_a_day_is_written_as_it_is_read() -> None:
    assert words("en").date(datetime(2023, 3, 2, tzinfo=UTC)) == "2 March 2023"


@pytest.mark.parametrize(
    ("topics", "named"),
    [(["A"], "A"), (["A", "B"], "A and B"), (["A", "B", "C"], "A, B and C")],
)
def test_the_reason_names_the_topics(topics: list[str], named: str) -> None:
    assert words("en-GB").reason(topics) == f"You get this because you follow {named}."


def test_a_language_without_words_of_its_own_gets_english() -> None:
    assert words("xx") is words("en")


@pytest.mark.parametrize("tag", ["he", "ar-EG", "fa", "az-Arab", "ur_PK"])
def test_these_are_written_from_right_to_left(tag: str) -> None:
    assert (setting(tag).direction, setting(tag).start, setting(tag).end) == (
        "rtl",
        "right",
        "left",
    )


@pytest.mark.parametrize("tag", ["en", "de-AT", "fa-Latn", "zh-Hant", ""])
def test_these_are_written_from_left_to_right(tag: str) -> None:
    assert (setting(tag).direction, setting(tag).start) == ("ltr", "left")


def test_a_turkish_i_keeps_its_dot() -> None:
    assert capitals("istanbul", "tr-TR") == "İSTANBUL"
    assert capitals("istanbul", "en") == "ISTANBUL"


def test_neighbouring_bullets_are_one_list() -> None:
    assert runs(["one", "• two", "• three", "four"]) == [
        Run(is_list=False, paragraphs=("one",)),
        Run(is_list=True, paragraphs=("two", "three")),
        Run(is_list=False, paragraphs=("four",)),
    ]


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", "1 March 2023"), ("fr", "1er mars 2023"), ("he", "1 במרץ 2023"), ("ar", "1 مارس 2023")],
)
def test_the_first_of_a_month_in_every_language(language: str, said: str) -> None:
    assert words(language).date(datetime(2023, 3, 1, tzinfo=UTC)) == said


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (0, "ملخّصك اليومي: لا موجزات"),
        (1, "ملخّصك اليومي: موجز واحد"),
        (2, "ملخّصك اليومي: موجزان"),
        (3, "ملخّصك اليومي: 3 موجزات"),
        (11, "ملخّصك اليومي: 11 موجزًا"),
        (100, "ملخّصك اليومي: 100 موجز"),
        (103, "ملخّصك اليومي: 103 موجزات"),
    ],
)
def test_arabic_has_six_forms_of_a_number(number: int, said: str) -> None:
    assert words("ar").digest("daily", number) == said


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", ["0 briefs", "1 brief", "2 briefs", "3 briefs"]),
        ("fr", ["0 brève", "1 brève", "2 brèves", "3 brèves"]),
        ("he", ["0 תדריכים", "תדריך אחד", "שני תדריכים", "3 תדריכים"]),
    ],
)
def test_other_languages_have_theirs(language: str, said: list[str]) -> None:
    ours = words(language)
    for number, ending in enumerate(said):
        assert ours.digest("weekly", number).endswith(ending)


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("fr", "Vous recevez cet e-mail parce que vous suivez Iran, Tides et Fog."),
        (
            "he",
            "הודעה זו נשלחה אליך בעקבות בחירתך לעקוב אחר \u2068Iran\u2069, \u2068Tides\u2069 ו-\u2068Fog\u2069.",
        ),
        (
            "ar",
            "تصلك هذه الرسالة بناءً على متابعتك لما يلي: \u2068Iran\u2069 و\u2068Tides\u2069 و\u2068Fog\u2069.",
        ),
    ],
)
def test_the_reason_in_other_languages_fences_names_in_that_run_the_other_way(
    language: str, said: str
) -> None:
    assert words(language).reason(["Iran", "Tides", "Fog"]) == said
    assert "every brief" not in words(language).reason([])


def test_a_name_that_runs_the_same_way_needs_no_fence() -> None:
    assert words("he").isolated("איראן 2026") == "איראן 2026"
    assert words("he").isolated("2026") == "2026"
    assert words("en").isolated("Iran") == "Iran"
    assert words("en").isolated("איראן") == "\u2068איראן\u2069"


def test_weekdays_begin_with_monday() -> None:
    assert words("en").weekdays()[0] == "Monday"
    assert words("fr").weekdays()[6] == "dimanche"
    assert own_name("fr") == "Français"
