from __future__ import annotations

from datetime import UTC, datetime

import pytest

from dispatcher.letters.languages import capitals, setting
from dispatcher.letters.paragraphs import Run, runs
from dispatcher.letters.words import words


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
