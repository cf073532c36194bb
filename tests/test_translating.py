"""Which of our languages somebody is spoken to in."""

from __future__ import annotations

import gettext
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.letters.words import words
from dispatcher.translating import Sentence, catalog, languages, later, negotiated, spoken

OURS = ("en", "ar", "fr", "he")


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        *(("he", "he"), ("he-IL", "he"), ("iw", "he"), ("iw_IL", "he"), ("fr-CA", "fr")),
        *(("FR", "fr"), ("ar-EG", "ar"), ("ar-Arab-EG", "ar"), ("en-GB", "en"), ("de", "")),
        *(("", ""), ("-", ""), ("french", ""), ("zh-Hant-TW", ""), ("../../etc", "")),
    ],
)
def test_a_tag_finds_its_language(tag: str, language: str) -> None:
    assert spoken(tag) == language


def test_one_that_is_not_offered_is_not_found() -> None:
    assert spoken("he", ("en", "fr")) == ""
    assert spoken("pt-BR-x-y", ("pt-BR", "pt")) == "pt-BR"


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("he", "he"),
        ("he-IL,he;q=0.9,en-US;q=0.8,en;q=0.7", "he"),
        ("de-DE,de;q=0.9,fr;q=0.5,en;q=0.3", "fr"),
        ("en;q=0.3, ar;q=0.8", "ar"),
        ("fr;q=0.5,ar;q=0.5", "fr"),
        ("fr;q=0, he", "he"),
        ("fr;q=0", "en"),
        ("*", "en"),
        ("*;q=0.1, he;q=0.05", "en"),
        ("fr ; Q=0.4 , he;q = 0.9", "he"),
        ("", "en"),
        # What is no header of this kind at all.
        ("fr;q=nan,he;q=inf,ar;q=-1,de;q=1e999", "en"),
        ("fr;q=", "en"),
        (";;;,,,=;q=1", "en"),
        ("he" * 100_000, "en"),
        ("xx," * 100_000 + "he", "en"),
        ("\x00\ud800", "en"),
        ("fr\r\nSet-Cookie: a=b", "en"),
        ("../he", "en"),
        ("ｆｒ, ＨＥ", "en"),
    ],
)
def test_accept_language_finds_a_language_whatever_it_is(header: str, language: str) -> None:
    assert negotiated(header, OURS) == language


@given(st.text(alphabet="abehfrn-;q=.,*0123456789 \t", max_size=200))
def test_no_header_is_an_error(header: str) -> None:
    assert negotiated(header, OURS) in OURS


def test_there_are_four_languages_and_the_source_is_first() -> None:
    assert languages() == OURS


def test_a_sentence_is_english_until_it_is_said_in_another_language() -> None:
    sentence = later("The topic %(topic)s is no longer used.", topic="100% Iran")
    assert sentence == "The topic 100% Iran is no longer used."
    assert isinstance(sentence, Sentence)
    assert words("fr").say(sentence) == "Le thème 100% Iran n’est plus utilisé."
    assert words("fr").say(ValueError(sentence)) == words("fr").say(sentence)
    assert words("fr").say(ValueError("as it is")) == "as it is"
    assert words("fr").say("100%") == "100%"


def test_no_language_is_switched_for_a_process() -> None:
    """Threads that speak at the same moment each hear their own, and `gettext` itself hears nothing."""
    heard: dict[str, set[str]] = {language: set() for language in OURS}
    begin = threading.Barrier(len(OURS))

    def speak(language: str) -> None:
        begin.wait()
        for _ in range(300):
            heard[language].add(words(language).gettext("Unsubscribe"))

    threads = [threading.Thread(target=speak, args=(language,)) for language in OURS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(len(said) == 1 for said in heard.values())
    assert len({*heard["en"], *heard["fr"], *heard["he"], *heard["ar"]}) == 4
    assert gettext.gettext("Unsubscribe") == "Unsubscribe"
    assert catalog("he").gettext("no such message") == "no such message"
