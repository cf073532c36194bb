"""What a reader's values may be: nothing that breaks a header, a line or a page."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.letters.slots import UnsafeValue, check_address
from tests.letters import samples


@pytest.mark.parametrize(
    "slot", ["name", "manage_url", "message_id", "address", "unsubscribe_mailto"]
)
@pytest.mark.parametrize("harm", ["\r\nBcc: x@example.org", "\n", "\0", "\x85", "\u2028", "\ud800"])
def test_a_value_that_could_break_a_letter_is_refused_by_the_name_of_its_slot(
    slot: str, harm: str
) -> None:
    with pytest.raises(UnsafeValue, match=f"“{slot}”"):
        samples.reader(**{slot: getattr(samples.reader(), slot) + harm})


@pytest.mark.parametrize(
    ("slot", "value"),
    [
        ("manage_url", "javascript:alert(1)"),
        ("manage_url", "https://example.org/a b"),
        ("manage_url", "https://example.org/é"),
        ("unsubscribe_url", 'https://example.org/"><script>'),
        ("unsubscribe_url", "https://example.org/" + "a" * 900),
        ("unsubscribe_mailto", "leave@example.org"),
        ("message_id", "17@example.org"),
        ("message_id", "<17@example.org>, <18@example.org>"),
        ("address", "ada@bücher.example"),
        ("address", "ada lovelace@example.org"),
        ("address", "ada@example.org, bob@example.org"),
        ("address", "@example.org"),
        ("address", "ada"),
        ("reason", " "),
    ],
)
def test_a_value_of_the_wrong_form_is_refused(slot: str, value: str) -> None:
    with pytest.raises(UnsafeValue, match=f"“{slot}”"):
        samples.reader(**{slot: value})


def test_a_date_without_a_zone_is_refused() -> None:
    with pytest.raises(UnsafeValue, match="“date”"):
        samples.reader(date=samples.reader().date.replace(tzinfo=None))


def test_a_reason_that_comes_in_lines_is_one_sentence() -> None:
    assert samples.reader(reason="Because\nyou  asked.").reason == "Because you asked."


@given(st.text(st.sampled_from('aZ9.@-_+\u00e9\u3000 "\n'), max_size=40))
def test_an_ascii_address_is_judged_as_any_other(address: str) -> None:
    """A letter more that needs SMTPUTF8 makes no address good or bad."""
    assert _is_refused(address) == _is_refused(f"é{address}") or address.startswith((".", "@"))


@pytest.mark.parametrize("local_part", ["a" * 64, "é" * 32])
def test_an_address_has_at_most_320_octets(local_part: str) -> None:
    domain = ".".join(["b" * 63] * 4)
    check_address("address", f"{local_part}@{domain}")
    with pytest.raises(UnsafeValue, match="“address”"):
        check_address("address", f"a{local_part}@{domain}")


def _is_refused(address: str) -> bool:
    try:
        check_address("address", address)
    except UnsafeValue:
        return True
    return False
