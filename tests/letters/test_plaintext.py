from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.letters.plaintext import COLUMNS, Notes, ascii_url, underlined, width, wrapped


def test_a_link_becomes_a_numbered_note() -> None:
    notes = Notes()
    text = notes.plain('See <a href="https://example.org/?a=1&amp;b=2">the <em>report</em></a>.')
    assert text == "See the report\N{NO-BREAK SPACE}[1]."
    assert list(notes) == [(1, "https://example.org/?a=1&b=2")]


def test_the_same_address_keeps_its_number() -> None:
    notes = Notes()
    notes.link("one", "https://example.org/1")
    notes.link("two", "https://example.org/2")
    assert notes.link("again", "https://example.org/1").endswith("[1]")
    assert len(notes) == 2


@pytest.mark.parametrize("url", ["https://example.org/a", "mailto:ada@example.org"])
def test_a_link_whose_label_is_its_address_needs_no_note(url: str) -> None:
    notes = Notes()
    label = url.removeprefix("mailto:")
    assert notes.plain(f'<a href="{url}">{label}</a>') == label
    assert not notes


def test_a_note_is_never_parted_from_its_word() -> None:
    notes = Notes()
    text = "x" * 62 + " " + notes.link("1234567", "https://example.org/")
    assert wrapped(text).splitlines()[1] == "1234567 [1]"


@pytest.mark.parametrize(
    ("fragment", "text"),
    [
        ("one &amp; two &lt;three&gt;", "one & two <three>"),
        ("one<br>two <br/> three", "one\ntwo\nthree"),
        ("<b>bold</b> and <code>code</code>", "bold and code"),
        ("he said <q>no</q>", "he said “no”"),
        ("10<sup>-6</sup> m, CO<sub>2</sub>", "10⁻⁶ m, CO₂"),
        ("x<sup>n</sup> and a<sub>ij</sub>", "x^n and a_ij"),
        ('<a href="https://example.org/"></a>nothing', "nothing"),
        ("<a>no address</a>", "no address"),
        ("many   \n spaces", "many spaces"),
        ("never <em>shut", "never shut"),
    ],
)
def test_inline_tags_become_text(fragment: str, text: str) -> None:
    assert Notes().plain(fragment) == text


def test_a_bullet_hangs() -> None:
    lines = wrapped("• " + "word " * 20).splitlines()
    assert lines[0].startswith("  • word")
    assert lines[1].startswith("    word")


def test_an_address_that_is_longer_than_a_line_stays_whole() -> None:
    url = "https://example.org/" + "a" * 90
    assert url in wrapped(f"before {url} after").splitlines()


def test_wide_characters_count_for_two() -> None:
    assert width("日本語") == 6
    assert width("שלום") == 4
    assert width("e\u0301") == 1
    lines = wrapped("日" * 100).splitlines()
    assert [width(line) for line in lines] == [72, 72, 56]


def test_no_line_begins_with_closing_punctuation() -> None:
    text = "日" * 36 + "。" + "日" * 36
    assert all(not line.startswith("。") for line in wrapped(text).splitlines())


def test_an_emoji_of_several_parts_stays_whole() -> None:
    family = "👩‍👩‍👧‍👦"
    lines = wrapped("x" * 70 + " " + family * 3).splitlines()
    assert lines == ["x" * 70, family * 3]


def test_a_title_is_underlined_as_wide_as_it_is() -> None:
    assert underlined("日本") == "日本\n===="
    headline, rule = underlined("word " * 28).rsplit("\n", 1)
    assert len(headline.splitlines()) == 2
    assert len(rule) == max(map(len, headline.splitlines()))


def test_an_address_outside_ascii_is_percent_encoded() -> None:
    assert (
        ascii_url("https://example.org/é?a=%20&b=ü") == "https://example.org/%C3%A9?a=%20&b=%C3%BC"
    )


@given(st.text(st.characters(exclude_categories=("Cc", "Cs", "Zs", "Zl", "Zp")) | st.just(" ")))
def test_wrapping_keeps_every_word_and_the_width(text: str) -> None:
    lines = wrapped(text).splitlines() if text.strip() else []
    assert "".join(lines).replace(" ", "") == text.replace(" ", "") or text.startswith("• ")
    for line in lines:
        assert width(line) <= COLUMNS or " " not in line.strip(" •")


@given(st.text())
def test_no_fragment_breaks_the_reading(fragment: str) -> None:
    Notes().plain(fragment)
