"""What is a mail address, and the one spelling that is stored."""

from __future__ import annotations

import time

import idna
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dispatcher.audience import addresses
from dispatcher.audience.addresses import normalise
from dispatcher.errors import BadAddress
from dispatcher.letters.slots import check_address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("ada@example.org", "ada@example.org"),
        ("  ada@example.org\n", "ada@example.org"),
        ("Ada.Lovelace@Example.ORG", "Ada.Lovelace@example.org"),
        ("o'brien+news@example.org", "o'brien+news@example.org"),
        ("a!#$%&'*+/=?^_`{|}~-b@example.org", "a!#$%&'*+/=?^_`{|}~-b@example.org"),
        ("zoë@example.org", "zoë@example.org"),
        ("zoe\u0308@example.org", "zoë@example.org"),
        ("用户@例子.example", "用户@xn--fsqu00a.example"),
        ("ada@Bücher.example", "ada@xn--bcher-kva.example"),
        ("ada@XN--BCHER-KVA.example", "ada@xn--bcher-kva.example"),
        ("ada@faß.example", "ada@xn--fa-hia.example"),
        ("ada@example。org", "ada@example.org"),
        ("ada@exаmple.org", "ada@xn--exmple-4nf.org"),  # a Cyrillic а is no Latin a
        ("ada@a--b.example.museum", "ada@a--b.example.museum"),
        ("a" * 64 + "@example.org", "a" * 64 + "@example.org"),
        ("ada@" + "b" * 63 + ".example", "ada@" + "b" * 63 + ".example"),
    ],
)
def test_an_address_has_one_spelling(text: str, address: str) -> None:
    assert normalise(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "@",
        "ada",
        "ada@",
        "@example.org",
        "ada@example",
        "ada@example.org.",
        "ada@.example.org",
        "ada@example..org",
        "ada@-example.org",
        "ada@example-.org",
        "ada@exa_mple.org",
        "ada@exa mple.org",
        "ada@[127.0.0.1]",
        "ada@192.0.2.1",
        "ada@example.123",
        "ada@xn--zz.example",
        "ada@☃.example",
        "ada@" + "b" * 64 + ".example",
        "ada@" + ".".join(["b" * 50] * 5) + ".example",
        ".ada@example.org",
        "ada.@example.org",
        "ada..b@example.org",
        "ada@b@example.org",
        "ada b@example.org",
        '"ada b"@example.org',
        "<ada@example.org>",
        "Ada <ada@example.org>",
        "ada@example.org, bo@example.org",
        "mailto:ada@example.org",
        "a" * 65 + "@example.org",
        "é" * 33 + "@example.org",
        "ada\r\nBcc: bo@example.org",
        "ada@example.org\r\nBcc: bo@example.org",
        "ada\x00@example.org",
        "ada@example.org\x00",
        "ada\u2028b@example.org",
        "ada\u200b@example.org",
        "\u202eada@example.org",
        "\ufdd0@example.org",
        "\ud800@example.org",
        "ada@\ud800.example",
        "ada\u037eb@example.org",  # a Greek question mark, which NFC makes a semicolon
    ],
)
def test_what_is_no_address_is_refused_in_one_printable_line(text: str) -> None:
    with pytest.raises(BadAddress) as refusal:
        normalise(text)
    words = str(refusal.value)
    assert words.isprintable()
    assert len(words) < 500


_LOCALS = st.text(max_size=30) | st.from_regex(r"[a-z0-9.!'+_-]{1,20}", fullmatch=True)
_DOMAINS = st.text(max_size=20) | st.from_regex(r"[a-zà-ž0-9.-]{1,20}\.[a-z]{2,3}", fullmatch=True)


@given(st.text(max_size=80) | st.builds("{}@{}".format, _LOCALS, _DOMAINS))
@example("İ@example.org")
@example("ada@İ.example")
@example("\u1e9b\u0323@example.org")
def test_what_is_accepted_stays_as_it_is_and_can_be_put_into_a_letter(text: str) -> None:
    try:
        address = normalise(text)
    except BadAddress:
        return
    assert normalise(address) == address
    check_address("address", address)


@pytest.mark.parametrize("part", ["a", "é", "b.", "\u0660", "。", "-", "a\u0301", "@", "."])
def test_enormous_input_is_refused_at_once(part: str) -> None:
    began = time.perf_counter()
    for text in (part * 1_000_000, f"{part * 1_000_000}@example.org", f"a@{part * 1_000_000}"):
        with pytest.raises(BadAddress):
            normalise(text)
    assert time.perf_counter() - began < 3


@given(
    st.from_regex(
        r"[A-Za-z0-9-]{1,9}(--?[a-z]{0,30}){0,3}(\.[A-Za-z0-9-]{1,40}){0,4}\.?", fullmatch=True
    )
)
@example("a" * 63 + ".example")
@example("a" * 64 + ".example")
@example("example." + "a" * 64)
@example("example.123")
@example("example.-a")
@example("ab--cd.example")
@example("xn--bcher-kva.example")
@example(".".join(["a" * 60] * 4) + ".example")
@example(".".join(["a" * 60] * 4) + ".example.org")
def test_what_needs_no_idna_is_spelt_as_idna_would_spell_it(domain: str) -> None:
    try:
        spelt = idna.encode(domain, uts46=True, std3_rules=True).decode().lower()
    except idna.IDNAError:
        spelt = ""
    if addresses._DOMAIN.fullmatch(spelt) and len(spelt) <= 252:
        assert normalise(f"a@{domain}") == f"a@{spelt}"
    else:
        with pytest.raises(BadAddress):
            normalise(f"a@{domain}")
