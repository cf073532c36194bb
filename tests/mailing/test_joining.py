"""How often somebody may ask for letters, whoever they say they are, and what a puzzle asks of them."""

from __future__ import annotations

import hashlib
import sys
import time
from ipaddress import ip_network
from typing import Any

import pytest
from django.test import Client, RequestFactory
from redis import Redis

from dispatcher import visitors
from dispatcher.audience import limiting, puzzles
from dispatcher.audience.joining import Wish
from dispatcher.audience.models import SignUp
from dispatcher.audience.rules import EVERYTHING
from dispatcher.errors import NotSolved, QueueUnreachable, TooManySignUps
from dispatcher.mailing import joining
from dispatcher.mailing.models import Notice

pytestmark = pytest.mark.django_db
FORM = {"address": "ada@example.org", "everything": "yes", "cadence": "at once"}


def ask(address: str = "ada@example.org", visitor: str = "192.0.2.1", solution: str = "") -> None:
    joining.ask(Wish(address, EVERYTHING, "test"), visitor=visitor, solution=solution)


def solved() -> str:
    posed = puzzles.pose()
    for number in range(posed.most):
        if hashlib.sha256(f"{posed.salt}{number}".encode()).hexdigest() == posed.challenge:
            return f"{posed.salt}:{number}:{posed.signature}"
    raise AssertionError("no number fits")


def test_an_address_gets_three_letters_a_day_in_any_spelling_of_its_case() -> None:
    for number in range(10):
        ask("ADA@example.org" if number % 2 else "ada@example.org", f"192.0.2.{number}")
    assert Notice.objects.count() == 3
    assert SignUp.objects.count() == 3


@pytest.mark.parametrize(
    ("spellings", "letters"),
    [
        (("ada+{}@example.org", "Ada+{}+x@example.org", "ada@example.org"), 3),
        (("ada.l+{}@gmail.com", "a.d.a.l@googlemail.com", "adal+{}@gmail.com"), 3),
        (("ada.l@example.org", "adal@example.org"), 6),
        (("+{}@example.org",), 10),
    ],
)
def test_a_mailbox_gets_three_letters_a_day_under_all_of_its_addresses(
    spellings: tuple[str, ...], letters: int
) -> None:
    for number in range(10):
        ask(spellings[number % len(spellings)].format(number), f"192.0.2.{number}")
    assert Notice.objects.count() == letters
    assert SignUp.objects.earliest("pk").address == spellings[0].format(0), "as it was typed"


def test_ten_thousand_sign_ups_of_one_address_make_three_letters(
    capsys: pytest.CaptureFixture[str],
) -> None:
    began = time.perf_counter()
    for number in range(10_000):
        ask(visitor=f"10.0.{number // 256}.{number % 256}")
    took = time.perf_counter() - began
    assert (Notice.objects.count(), SignUp.objects.count()) == (3, 3)
    with capsys.disabled():
        sys.stdout.write(f"\n10,000 sign-ups of one address: {took:.1f} s\n")


def test_each_of_a_flood_gets_the_same_answer(client: Client) -> None:
    answers = set()
    for number in range(300):
        headers = {"X-Forwarded-For": f"10.0.{number // 256}.{number % 256}"}
        answer = client.post("/join", FORM, headers=headers)
        answers.add((answer.status_code, answer["Location"], answer.content))
    assert len(answers) == 1
    assert Notice.objects.count() == 3


def test_one_visitor_is_told_to_wait_and_an_ipv6_household_is_one(settings: Any) -> None:
    settings.JOIN_PER_VISITOR = 2
    for visitor, other in (("192.0.2.1", "192.0.2.2"), ("2001:db8::1", "2001:db8:0:1::1")):
        ask("a@example.org", visitor)
        ask("b@example.org", visitor)
        with pytest.raises(TooManySignUps, match="from here"):
            ask("c@example.org", visitor)
        ask("d@example.org", other)
    with pytest.raises(TooManySignUps):
        ask("e@example.org", "2001:db8::2")


def test_a_full_site_tells_everybody_and_a_flood_of_one_address_does_not_fill_it(
    settings: Any,
) -> None:
    settings.JOIN_PER_SITE = 4
    for number in range(50):
        ask("ada@example.org", f"192.0.2.{number}")
    ask("b@example.org", "198.51.100.1")
    for address in ("c@example.org", "ada@example.org"):
        with pytest.raises(TooManySignUps, match="Very many"):
            ask(address, "198.51.100.2")
    assert Notice.objects.count() == 4


def test_counts_end_by_themselves_and_hold_no_address(valkey: Redis) -> None:
    ask()
    keys = [str(key, "ascii") for key in valkey.scan_iter("dispatcher:join:*")]
    assert len(keys) == 3
    for key in keys:
        assert 0 < valkey.ttl(key) <= limiting.DAY
        assert "ada" not in key
        assert "192" not in key


def test_the_page_answers_429_with_a_time_to_come_back(settings: Any, client: Client) -> None:
    settings.JOIN_PER_VISITOR = 1
    client.post("/join", FORM)
    answer = client.post("/join", FORM)
    assert (answer.status_code, answer["Retry-After"]) == (429, "3600")


def test_without_valkey_no_letter_is_asked_for(settings: Any, client: Client) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    with pytest.raises(QueueUnreachable):
        ask()
    assert client.post("/join", FORM).status_code == 503
    assert not SignUp.objects.exists()


@pytest.mark.parametrize(
    ("peer", "forwarded", "visitor"),
    [
        ("198.51.100.9", "", "198.51.100.9"),
        ("198.51.100.9", "192.0.2.1", "198.51.100.9"),
        ("127.0.0.1", "192.0.2.1", "192.0.2.1"),
        ("127.0.0.1", "203.0.113.7, 192.0.2.1", "192.0.2.1"),
        ("127.0.0.1", "203.0.113.7, 192.0.2.1, 10.0.0.4", "192.0.2.1"),
        ("127.0.0.1", "203.0.113.7, nonsense", "127.0.0.1"),
        ("127.0.0.1", "10.0.0.1, " * 500 + "10.0.0.2", "10.0.0.1"),
        ("::ffff:127.0.0.1", "192.0.2.1", "192.0.2.1"),
        ("", "192.0.2.1", ""),
    ],
)
def test_only_what_a_trusted_proxy_says_of_its_visitor_counts(
    settings: Any, peer: str, forwarded: str, visitor: str
) -> None:
    settings.TRUSTED_PROXIES = (ip_network("127.0.0.0/8"), ip_network("10.0.0.0/8"))
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    request = RequestFactory().get("/join", REMOTE_ADDR=peer, headers=headers)
    assert visitors.ip_of(request) == visitor


def test_a_puzzle_is_asked_for_only_where_it_is_switched_on(settings: Any) -> None:
    ask()
    settings.JOIN_CAPTCHA = True
    with pytest.raises(NotSolved):
        ask()
    ask(solution=solved())
    assert Notice.objects.count() == 2


def test_a_solution_is_good_for_once(settings: Any) -> None:
    settings.JOIN_CAPTCHA = True
    solution = solved()
    ask(solution=solution)
    with pytest.raises(NotSolved, match="sent before"):
        ask(solution=solution)


@pytest.mark.parametrize(
    "change",
    [
        lambda salt, number, signature: f"{salt}:{(int(number) + 1) % puzzles.MOST}:{signature}",
        lambda salt, number, signature: f"{salt}:{number}:{'0' * 32}",
        lambda salt, number, signature: f"{salt}0:{number}:{signature}",
        lambda salt, number, signature: f"{salt}:{number}",
        lambda salt, number, signature: f"{salt}:0{'0' * 300}{number}:{signature}",
        lambda salt, number, signature: f":{number}:é",
        lambda salt, number, signature: "::",
        lambda salt, number, signature: f"{salt}:٣:{signature}",
    ],
)
def test_a_forged_solution_is_refused(settings: Any, change: Any) -> None:
    with pytest.raises(NotSolved):
        puzzles.check(change(*solved().split(":")))


def test_a_solution_that_comes_too_late_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr(puzzles, "LIFE", 0)
        solution = solved()
    with pytest.raises(NotSolved, match="too long"):
        puzzles.check(solution)


def test_a_page_with_a_puzzle_says_so_and_keeps_what_was_typed(
    settings: Any, client: Client
) -> None:
    settings.JOIN_CAPTCHA = True
    posed = client.get("/join/puzzle")
    assert posed["Cache-Control"] == "no-store"
    assert set(posed.json()) == {"salt", "challenge", "signature", "most"}
    answer = client.post("/join", FORM)
    assert answer.status_code == 422
    assert "ada@example.org" in answer.content.decode()
    assert client.post("/join", {**FORM, "solution": solved()}).status_code == 303
