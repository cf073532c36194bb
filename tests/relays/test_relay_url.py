"""RELAY_URL as a value: what is read, what is refused, and that a password is never shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from dispatcher.errors import RelayUnreachable
from dispatcher.relays import pool
from dispatcher.relays.relay import Relay

SECRET = "hunter2"


@pytest.mark.parametrize(
    ("url", "relay"),
    [
        ("smtp://relay.example.org", Relay("relay.example.org", 25)),
        ("smtp://relay.example.org:587/", Relay("relay.example.org", 587)),
        ("smtps://relay.example.org", Relay("relay.example.org", 465, implicit_tls=True)),
        ("SMTP://Relay.Example.ORG", Relay("relay.example.org", 25)),
        ("smtp://bücher.example", Relay("xn--bcher-kva.example", 25)),
        ("smtp://[::1]:1025", Relay("::1", 1025)),
        ("smtp://my_relay:1025", Relay("my_relay", 1025)),
        (
            "smtps://ada%40example.org:a%3Ab%2Fc@relay.example.org",
            Relay("relay.example.org", 465, True, "ada@example.org", "a:b/c"),
        ),
    ],
)
def test_a_relay_url_is_read(url: str, relay: Relay) -> None:
    assert Relay.of(url) == relay


@pytest.mark.parametrize(
    "url",
    [
        "",
        "relay.example.org:25",
        f"http://ada:{SECRET}@relay.example.org",
        f"smtp://ada:{SECRET}@",
        f"smtp://ada:{SECRET}@relay.example.org:twenty",
        f"smtp://ada:{SECRET}@relay.example.org:99999",
        f"smtp://ada:{SECRET}/x@relay.example.org",
        f"smtp://ada:{SECRET}?x@relay.example.org",
        f"smtp://ada:{SECRET}#x@relay.example.org",
        f"smtp://ada:{SECRET}é@relay.example.org",
        f"smtp://ada:{SECRET}@[::1",
        f"smtp://ada:{SECRET}@relay\u2100.example.org",
        f"smtp://ada:{SECRET}@relay..example.org",
        f"smtp://ada:{SECRET}@{'r' * 64}.example.org",
    ],
)
def test_a_malformed_relay_url_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ValueError, match="RELAY_URL must look like") as refusal:
        Relay.of(url)
    assert SECRET not in str(refusal.value)
    assert refusal.value.__cause__ is None


def test_a_relay_does_not_show_its_password() -> None:
    assert SECRET not in repr(Relay.of(f"smtp://ada:{SECRET}@relay.example.org"))


@given(st.text(max_size=60).map("smtp://".__add__) | st.text(max_size=60))
def test_any_text_is_a_relay_or_refused(text: str) -> None:
    try:
        relay = Relay.of(text)
    except ValueError as refusal:
        assert "RELAY_URL" in str(refusal)  # noqa: PT017  both ends are right
    else:
        assert relay.host
        assert 0 < relay.port < 65536


def test_a_malformed_setting_is_a_refusal_that_names_it(settings: Settings) -> None:
    settings.RELAY_URLS = ("smtp://relay.example.org", f"smtp://ada:{SECRET}/@relay.example.org")
    with pytest.raises(RelayUnreachable, match="RELAY_URL"):
        pool.configured()
