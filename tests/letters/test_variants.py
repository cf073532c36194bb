"""A letter in several languages: kept in one column, chosen by the reader's."""

from __future__ import annotations

import pytest

from dispatcher.letters.compiled import Compiled, UnreadableCompiled
from dispatcher.letters.compiling import compile_letter
from dispatcher.letters.headers import headers
from dispatcher.letters.stamping import stamp
from dispatcher.letters.variants import Variants
from tests.letters import samples
from tests.letters.full_render import body, full_render, parsed
from tests.letters.samples import BRIEF, HEBREW, alert, facts

OURS = ("en", "ar", "fr", "he")


def compiled(language: str, document: object = BRIEF) -> Compiled:
    context = alert(document, chrome=language)  # type: ignore[arg-type]
    letter = samples.RENDERER.render_with_slots("alert", context.mapping())
    return compile_letter(letter, headers(facts(subject=letter.subject)))


@pytest.fixture(scope="module")
def variants() -> Variants:
    return Variants({language: compiled(language) for language in OURS})


def test_it_comes_back_as_it_was_stored(variants: Variants) -> None:
    stored = variants.to_bytes()
    again = Variants.from_bytes(memoryview(stored))
    assert again == variants
    assert list(again.compiled) == list(OURS)
    assert again.to_bytes() == stored


def test_a_letter_that_was_stored_alone_is_everybodys(variants: Variants) -> None:
    alone = Variants.from_bytes(variants.compiled["en"].to_bytes())
    assert alone.compiled == {"en": variants.compiled["en"]}
    assert alone.language("he") == "en"


@pytest.mark.parametrize("end", [0, 3, 6, 10, 40, -1])
def test_what_is_cut_short_is_refused(variants: Variants, end: int) -> None:
    with pytest.raises(UnreadableCompiled):
        Variants.from_bytes(variants.to_bytes()[:end])


def test_a_reader_gets_the_variant_of_their_language_or_the_first(variants: Variants) -> None:
    assert [variants.language(tag) for tag in ("he-IL", "iw", "fr-CA", "de", "", "ar")] == [
        *("he", "he", "fr", "en", "en", "ar")
    ]


@pytest.mark.parametrize("document", [BRIEF, HEBREW], ids=["english", "hebrew"])
@pytest.mark.parametrize("language", OURS)
def test_what_a_reader_gets_is_what_a_full_render_gives(language: str, document: object) -> None:
    context = alert(document, chrome=language, urgent=True)  # type: ignore[arg-type]
    letter = samples.RENDERER.render_with_slots("alert", context.mapping())
    told = facts(subject=letter.subject)
    values = samples.reader(
        name="نور", reason="הודעה זו נשלחה אליך: \u2068Iran\u2069 ו-\u2068Fog\u2069. " * 4
    )
    ours = parsed(stamp(compile_letter(letter, headers(told)), values))
    slow = parsed(full_render(context, told, values))
    for kind in ("plain", "html"):
        assert body(ours, kind) == body(slow, kind)
    assert ours["Subject"] == document.headline  # type: ignore[attr-defined]
    assert ours["Message-ID"] == slow["Message-ID"]
