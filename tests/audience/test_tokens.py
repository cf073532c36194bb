"""Sealed ids: what was sealed comes back, for its purpose only, and nothing else does."""

from __future__ import annotations

import hmac
import time

import pytest
from django.conf import settings as django_settings
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from dispatcher.audience import tokens
from dispatcher.audience.tokens import Purpose, seal, unseal
from dispatcher.errors import BadToken

IDS = st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=3)
ALPHABET = "0123456789abcdef"


@given(st.sampled_from(Purpose), IDS)
def test_what_was_sealed_comes_back(purpose: Purpose, ids: list[int]) -> None:
    token = seal(purpose, *ids)
    assert unseal(purpose, token, count=len(ids)) == tuple(ids)
    assert seal(purpose, *ids) == token


@given(IDS)
def test_a_token_survives_mail_systems(ids: list[int]) -> None:
    """In a local part (64 octets with a prefix), in any case, without anything to escape."""
    token = seal(Purpose.RETURN_PATH, *ids[:1])
    assert set(token) <= set(ALPHABET)
    assert len(token) <= 54
    assert unseal(Purpose.RETURN_PATH, token.upper(), count=len(ids[:1])) == tuple(ids[:1])
    assert unseal(Purpose.RETURN_PATH, token.title(), count=len(ids[:1])) == tuple(ids[:1])


@given(st.sampled_from(Purpose), st.sampled_from(Purpose), st.integers(0, 2**40))
def test_a_token_is_good_for_one_purpose(one: Purpose, other: Purpose, number: int) -> None:
    if one is other:
        return
    with pytest.raises(BadToken):
        unseal(other, seal(one, number), count=1)


def test_a_token_is_good_under_one_secret(settings: Settings) -> None:
    token = seal(Purpose.LEAVE, 7)
    settings.SECRET_KEY = "another"
    with pytest.raises(BadToken):
        unseal(Purpose.LEAVE, token, count=1)


@pytest.mark.parametrize("ids", [(1,), (7, 12), (300, 5, 2**40)])
def test_a_token_altered_in_any_place_is_refused(ids: tuple[int, ...]) -> None:
    token = seal(Purpose.MANAGE, *ids)
    for place, was in enumerate(token):
        for put in ALPHABET.replace(was, ""):
            with pytest.raises(BadToken):
                unseal(Purpose.MANAGE, token[:place] + put + token[place + 1 :], count=len(ids))


@pytest.mark.parametrize("ids", [(1,), (7, 12), (300, 5, 2**40)])
def test_a_token_cut_or_lengthened_is_refused(ids: tuple[int, ...]) -> None:
    token = seal(Purpose.MANAGE, *ids)
    longer = [token + more for more in ("a", "=", "====", " ", "\n", "\0", token)]
    for wrong in [token[:length] for length in range(len(token))] + [token[1:], *longer]:
        with pytest.raises(BadToken):
            unseal(Purpose.MANAGE, wrong, count=len(ids))


@given(st.text(max_size=80))
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(BadToken):
        unseal(Purpose.LEAVE, text, count=1)


def test_digits_that_are_not_ascii_are_refused() -> None:
    number = next(n for n in range(1000) if "7" in seal(Purpose.LEAVE, n))
    with pytest.raises(BadToken):
        unseal(Purpose.LEAVE, seal(Purpose.LEAVE, number).replace("7", "\uff17"), count=1)


def test_a_token_of_other_ids_than_asked_for_is_refused() -> None:
    with pytest.raises(BadToken):
        unseal(Purpose.LEAVE, seal(Purpose.LEAVE, 1, 2), count=1)


def test_enormous_input_is_refused_at_once() -> None:
    began = time.perf_counter()
    for text in ("a" * 10_000_000, "é" * 10_000_000, "=" * 10_000_000):
        with pytest.raises(BadToken):
            unseal(Purpose.LEAVE, text, count=1)
    assert time.perf_counter() - began < 3


@given(st.sampled_from(Purpose), st.binary(max_size=40))
def test_the_signature_is_that_of_hmac(purpose: Purpose, payload: bytes) -> None:
    secret = django_settings.SECRET_KEY.encode()
    key = hmac.digest(secret, b"dispatcher token: " + purpose.encode(), "sha256")
    begun = tokens._keyed(purpose, django_settings.SECRET_KEY)
    assert tokens._mac(*begun, payload) == hmac.digest(key, payload, "sha256")[:12]
