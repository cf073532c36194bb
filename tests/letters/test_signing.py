from __future__ import annotations

import re

import dkim.canonicalization
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher.letters.compiled import Compiled, Part
from dispatcher.letters.compiling import compile_letter
from dispatcher.letters.headers import headers
from dispatcher.letters.keys import BadKey
from dispatcher.letters.rendering import Letter
from dispatcher.letters.signing import Signer
from dispatcher.letters.slots import SlotValues
from dispatcher.letters.stamping import Stamper, stamp
from tests.letters import samples
from tests.letters.full_render import parsed
from tests.letters.readers import readers
from tests.letters.samples import compiled
from tests.letters.signers import AT, DOMAIN, KINDS, signer, verdicts
from tests.letters.tampering import HARM, HARMLESS

_SIGNATURE = re.compile(rb"DKIM-Signature: [!-~ ]+\r\n(?: [!-~][!-~ ]*\r\n)+")
_OFTEN = settings(max_examples=100, deadline=None)


def signed(kind: str = "both", values: SlotValues | None = None) -> bytes:
    return signer(kind).prepare(compiled()).sign(values or samples.reader(), at=AT)


def tags(raw: bytes) -> dict[str, str]:
    """The tags of the first signature, without white space."""
    found = _SIGNATURE.match(raw)
    assert found
    value = "".join(found[0].decode().partition(":")[2].split())
    return dict(tag.split("=", 1) for tag in value.split(";"))


@given(st.sampled_from(KINDS), readers)
@_OFTEN
def test_the_letter_of_any_reader_is_verified(kind: str, values: SlotValues) -> None:
    assert all(verdicts(signed(kind, values), signer(kind)))


@given(st.sampled_from(KINDS), readers)
@_OFTEN
def test_under_its_signatures_a_letter_is_what_was_stamped(kind: str, values: SlotValues) -> None:
    raw, stamped = signed(kind, values), stamp(compiled(), values)
    assert raw.endswith(stamped)
    fields = raw.removesuffix(stamped)
    assert re.fullmatch(rb"(?:%b){%d}" % (_SIGNATURE.pattern, len(signer(kind).keys)), fields)
    assert max(map(len, fields.split(b"\r\n"))) <= 78
    with_signatures, without = parsed(raw), parsed(stamped)
    assert not with_signatures.defects
    del with_signatures["DKIM-Signature"]
    assert list(map(str, with_signatures.values())) == list(map(str, without.values()))


@given(readers)
@_OFTEN
def test_a_stamped_body_is_its_own_relaxed_form(values: SlotValues) -> None:
    _, body = Stamper(compiled()).parts(values)
    assert dkim.canonicalization.Relaxed.canonicalize_body(body) == body


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("harm", HARM)
def test_no_signature_outlives_harm(kind: str, harm: str) -> None:
    assert not any(verdicts(HARM[harm](signed(kind)), signer(kind)))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("change", HARMLESS)
def test_signatures_outlive_what_relays_do(kind: str, change: str) -> None:
    assert all(verdicts(HARMLESS[change](signed(kind)), signer(kind)))


def test_a_letter_without_reply_to_can_be_given_none() -> None:
    letter = samples.RENDERER.render_with_slots("alert", samples.alert().mapping())
    plain = compile_letter(letter, headers(samples.facts(reply_to="")))
    raw = signer("rsa").prepare(plain).sign(samples.reader(), at=AT)
    assert verdicts(raw, signer("rsa")) == [True]
    assert verdicts(b"Reply-To: m@example.net\r\n" + raw, signer("rsa")) == [False]


def test_every_header_of_a_letter_is_signed_and_those_that_stand_once_are_signed_as_such() -> None:
    raw = signed()
    listed = tags(raw)["h"].split(":")
    assert set(listed) == {name.lower() for name in parsed(stamp(compiled(), samples.reader()))}
    for name in ("from", "to", "subject", "list-unsubscribe", "list-unsubscribe-post"):
        assert listed.count(name) == 2, name


def test_a_signature_says_who_when_and_how_and_neither_a_length_nor_an_end() -> None:
    said = tags(signed("rsa"))
    assert set(said) == {"v", "a", "c", "d", "s", "t", "h", "bh", "b"}
    assert (said["v"], said["a"], said["c"]) == ("1", "rsa-sha256", "relaxed/relaxed")
    assert (said["d"], said["s"], said["t"]) == (DOMAIN, "rsa.2026", str(AT))
    assert tags(signed("ed25519"))["a"] == "ed25519-sha256"


def test_the_same_values_at_the_same_time_give_the_same_bytes() -> None:
    assert signed() == signed()


def test_a_raw_address_is_signed_as_it_stands() -> None:
    raw = signed(values=samples.reader(name="Jörg", address="jörg@xn--bcher-kva.example"))
    assert "jörg@".encode() in raw
    assert verdicts(raw, signer("both")) == [True, True]


def test_a_letter_stored_with_white_space_that_is_relaxed_is_verified_all_the_same() -> None:
    letter = compile_letter(
        Letter("s", "slotabcn0\n", "<p>h</p>\n", nonce="abc"), {"From": "a@b.c"}
    )
    opening, *others = letter.body.constants
    stored = Compiled(
        letter.head, Part((opening, *others[:-1], others[-1] + b"a  \t b \r\n"), letter.body.fills)
    )
    raw = signer("both").prepare(stored).sign(samples.reader(), at=AT)
    assert raw.endswith(b"a  \t b \r\n")
    assert verdicts(raw, signer("both")) == [True, True]


@pytest.mark.parametrize(
    "domain", ["", "bücher.example", "a..b", "a b", "x;d=y", "a." * 127 + "ab"]
)
def test_a_domain_that_is_none_signs_nothing(domain: str) -> None:
    with pytest.raises(BadKey, match="is no domain"):
        Signer(domain, signer("rsa").keys)


def test_a_signer_has_keys_each_under_a_selector_of_its_own() -> None:
    (key,) = signer("rsa").keys
    with pytest.raises(BadKey, match="no key"):
        Signer(DOMAIN, [])
    with pytest.raises(BadKey, match="same selector"):
        Signer(DOMAIN, [key, key])
