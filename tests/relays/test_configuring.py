"""RELAYS_FILE: what is read from it, and what is refused in one line that names the place."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from pytest_django import Settings

from dispatcher.errors import RelayUnreachable
from dispatcher.relays import configuring
from dispatcher.relays.relay import AnyRelay, Limits, MailApi, Relay, WarmUp

SECRET = "correct horse %40 battery"
Read = Callable[[str], list[AnyRelay]]


@pytest.fixture
def read(settings: Settings) -> Read:
    def read(text: str) -> list[AnyRelay]:
        settings.RELAYS_FILE = "/etc/dispatcher/relays.toml"
        settings.RELAYS = tomllib.loads(text)
        return configuring.configured()

    return read


def test_a_relay_needs_no_more_than_its_url(read: Read) -> None:
    assert read('[[relay]]\nurl = "smtp://relay.example.org"') == [
        Relay("relay.example.org", 25, timeout=30, final_timeout=600)
    ]


def test_all_that_can_be_said_of_a_relay(read: Read) -> None:
    (relay,) = read(
        f"""
        [[relay]]
        name = "main"
        url = "smtp://relay.example.org:587"
        user = "news@example.org"
        password = "{SECRET}"
        tls = "required"
        order = 2
        weight = 3
        timeout = 10
        final_timeout = 300
        messages = 100
        in_flight = 4
        rate = "3000/min"
        groups = {{ gmail = "20/s", microsoft = "50000/day" }}
        warm_up = {{ start = 2026-11-01, daily = [50, 100] }}
        """
    )
    assert relay.name == "main"
    assert relay == Relay(
        "relay.example.org",
        587,
        user="news@example.org",
        password=SECRET,
        timeout=10,
        final_timeout=300,
        messages=100,
        in_flight=4,
        label="main",
        needs_tls=True,
        order=2,
        weight=3,
        limits=Limits(
            rate=50.0,
            groups={"gmail": 20.0, "microsoft": 50_000 / 86_400},
            warm_up=WarmUp(date(2026, 11, 1), (50, 100)),
        ),
    )


def test_a_mail_api_is_named_by_its_backend(read: Read) -> None:
    (api,) = read(
        '[[relay]]\nkind = "anymail"\nbackend = "mailgun"\nrate = "10/s"\n'
        f'[relay.options]\napi_key = "{SECRET}"\nsender_domain = "mg.example.org"'
    )
    options = {"api_key": SECRET, "sender_domain": "mg.example.org"}
    full = "anymail.backends.mailgun.EmailBackend"
    assert api == MailApi("mailgun", full, options, timeout=30, limits=Limits(rate=10.0))
    assert SECRET not in repr(api)


def test_relays_come_in_their_order(read: Read) -> None:
    relays = read(
        "".join(
            f'[[relay]]\nurl = "smtp://{name}.example.org"\norder = {order}\n'
            for name, order in (("late", 3), ("first", 1), ("second", 1))
        )
    )
    assert [relay.name for relay in relays] == [
        "first.example.org:25",
        "second.example.org:25",
        "late.example.org:25",
    ]


@pytest.mark.parametrize(
    ("more", "needs_tls"),
    [
        ("", False),
        ('user = "ada"\npassword = "x"', True),
        ('user = "ada"\npassword = "x"\ntls = "opportunistic"', False),
        ('tls = "required"', True),
    ],
)
def test_tls_is_required_where_a_password_goes_over_the_net(
    read: Read, more: str, needs_tls: bool
) -> None:
    (relay,) = read(f'[[relay]]\nurl = "smtp://relay.example.org"\n{more}')
    (near,) = read(f'[[relay]]\nurl = "smtp://127.0.0.1"\n{more}')
    assert isinstance(relay, Relay)
    assert isinstance(near, Relay)
    assert relay.needs_tls == needs_tls
    assert near.needs_tls == ('tls = "required"' in more)


def test_groups_have_further_domains_and_further_groups_limits(read: Read) -> None:
    text = """
        [[relay]]
        url = "smtp://relay.example.org"
        groups = { gmail = "20/s", ministry = "5/s" }
        [groups.gmail]
        domains = ["school.example"]
        [groups.ministry]
        domains = ["Bücher.example"]
        """
    (relay,) = read(text)
    assert relay.limits.groups == {"gmail": 20.0, "ministry": 5.0}
    groups = configuring.groups()
    assert [
        groups.of(f"ada@{domain}")
        for domain in ("school.example", "gmail.com", "xn--bcher-kva.example", "example.org")
    ] == ["gmail", "gmail", "ministry", ""]


RELAY = '[[relay]]\nname = "main"\nurl = "smtp://relay.example.org"\n'
API = '[[relay]]\nname = "main"\nkind = "anymail"\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "it has no relay"),
        ("relay = 3", "it has no relay"),
        ("relay = [3]", "relay 1 must be a table"),
        ("[relays]", "relays is no key there; there are groups, relay"),
        (RELAY + 'colour = "red"', r"relay 1 \(main\): colour is no key there"),
        (RELAY + 'backend = "mailgun"', "backend is no key there"),
        (API + 'backend = "mailgun"\ntls = "required"', "tls is no key there"),
        (API, "backend is missing"),
        ('[[relay]]\nname = "main"', r"relay 1 \(main\): url is missing"),
        ('[[relay]]\nurl = "http://relay.example.org"', "relay 1: url must look like smtp://"),
        (RELAY + 'kind = "pigeon"', "kind must be"),
        (RELAY + 'tls = "no"', "tls must be"),
        (RELAY + "weight = 0", "weight must be a whole number from 1"),
        (RELAY + "order = true", "order must be a whole number from 0"),
        (RELAY + 'timeout = "10"', "timeout must be a whole number"),
        (RELAY + "user = 3", "user must be a text"),
        (RELAY + 'user = "ada"', "user and password go together"),
        (RELAY + 'user = "ada"\npassword = "ü"', "of ASCII characters"),
        (RELAY + "rate = 20", r"\(main\): rate must look like"),
        (RELAY + 'rate = "0/s"', "rate must look like"),
        (RELAY + 'groups = { gmail = "20 a second" }', "groups.gmail must look like"),
        (RELAY + 'groups = { ministry = "5/s" }', "groups.ministry is no group of domains"),
        (RELAY + 'warm_up = "slow"', "warm_up must be a table"),
        (RELAY + "warm_up = { start = 2026-11-01, daily = [] }", "warm_up.daily must be"),
        (RELAY + 'warm_up = { start = "2026-11-01", daily = [5] }', "warm_up.start must be"),
        (RELAY + "warm_up = { begin = 2026-11-01, daily = [5] }", "warm_up: begin is no key"),
        (RELAY + RELAY, "two relays are called main"),
        (RELAY + '[groups]\ngmail = ["x.example"]', "groups.gmail must be a table"),
        (RELAY + '[groups.gmail]\ndomains = "x.example"', "domains must be a list"),
        (RELAY + '[groups.gmail]\ndomains = ["a..b"]', "groups.gmail"),
        ('[[relay]]\nname = "a\\nb"\nurl = "smtp://relay.example.org"', "printable"),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_file_the_relay_and_the_key(
    read: Read, text: str, words: str
) -> None:
    with pytest.raises(RelayUnreachable, match=words) as refusal:
        read(text)
    assert str(refusal.value).startswith("RELAYS_FILE /etc/dispatcher/relays.toml")
    assert "\n" not in str(refusal.value)


def test_no_refusal_shows_a_password(read: Read) -> None:
    with pytest.raises(RelayUnreachable) as refusal:
        read(f'[[relay]]\nurl = "smtp://ada:{SECRET}@relay.example.org"\npassword = "{SECRET}é"')
    assert SECRET not in str(refusal.value)


def test_one_name_twice_is_refused_in_the_url_too(settings: Settings) -> None:
    settings.RELAY_URLS = ("smtp://relay.example.org", "smtp://ada:x@relay.example.org")
    with pytest.raises(RelayUnreachable, match=r"RELAY_URL: two relays .* relay.example.org:25"):
        configuring.configured()


def settings_with(path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """What dispatcher.settings makes of a file."""
    code = "from dispatcher import settings; print(settings.RELAYS)"
    return subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"RELAYS_FILE": str(path)} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_secrets_come_from_the_environment_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "relays.toml"
    path.write_text(RELAY + 'user = "ada"\npassword = "${RELAY_MAIN_PASSWORD}"')
    made = settings_with(path, RELAY_MAIN_PASSWORD='a"b\\n$c')
    (relay,) = eval(made.stdout)["relay"]  # noqa: S307  a printed dictionary of our own
    assert relay["password"] == 'a"b\\n$c'


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('password = "${RELAY_MAIN_PASSWORD}"', "RELAY_MAIN_PASSWORD, which RELAYS_FILE"),
        ("[[relay]", "cannot be read: "),
        (None, "No such file"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_at_start(
    tmp_path: Path, content: str | None, words: str
) -> None:
    path = tmp_path / "relays.toml"
    if content is not None:
        path.write_text(content)
    made = settings_with(path)
    assert made.returncode == 1
    last = made.stderr.strip().splitlines()[-1]
    assert words in last
    assert str(path) in last


def test_the_file_takes_the_place_of_the_url(read: Read, settings: Settings) -> None:
    settings.RELAY_URLS = ("smtp://mailpit:1025",)
    (relay,) = read(RELAY)
    assert relay == replace(Relay("relay.example.org", 25), label="main")
