"""What the sink does wrong on order, and what it notes of that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.chaos.relay import Relay
from bench.sink_faults import Fate, Faults
from bench.sink_notes import DROPPED, HUNG, SENT
from tests.bench.sinking import client, greeted, letter, sink

ADDRESSES = [f"reader{number}@example.org" for number in range(2_000)]


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[Relay]:
    with sink(tmp_path) as relay:
        yield relay


def test_every_so_manieth_letter_is_taken_and_its_connection_dropped(relay: Relay) -> None:
    relay.set(drop_every=2)
    with client(relay) as made:
        both = letter("one", "r1@example.org") + letter("two", "r2@example.org")
        answers = greeted(made).ask(both + letter("three", "r3@example.org"), 8)
    assert answers[3] == "250 2.0.0 taken"
    assert answers[7] == ""
    assert [each.answer for each in relay.notes().letters] == [SENT, DROPPED]


def test_a_silent_relay_takes_nothing(relay: Relay) -> None:
    relay.set(hang="silent")
    with client(relay) as made:
        made.connection.settimeout(0.2)
        made.say(letter("one", "r1@example.org"))
        with pytest.raises(TimeoutError):
            made.hear()
    assert relay.accepted() == 0


def test_a_relay_that_hangs_after_the_dot_has_the_letter(relay: Relay) -> None:
    relay.set(hang="after")
    with client(relay) as made:
        made.connection.settimeout(0.2)
        assert greeted(made).ask(letter("one", "r1@example.org"), 3)[2] == "354 go on"
        with pytest.raises(TimeoutError):
            made.hear()
    (noted,) = relay.notes().letters
    assert noted.answer == HUNG


def test_a_connection_ends_politely_after_its_limit(relay: Relay) -> None:
    relay.set(limit=1)
    with client(relay) as made:
        both = letter("one", "r1@example.org") + letter("two", "r2@example.org")
        answers = greeted(made).ask(both, 6)
    assert answers[3:] == [
        "250 2.0.0 taken",
        "421 4.3.2 sink.example.org closes this connection",
        "",
    ]
    assert relay.accepted() == 1


def test_refused_for_now_is_taken_later_and_refused_for_good_never(relay: Relay) -> None:
    relay.set(soft=50, hard=50, soft_tries=2)
    soft = next(each for each in ADDRESSES if relay.faults.fate(each) is Fate.SOFT)
    hard = next(each for each in ADDRESSES if relay.faults.fate(each) is Fate.HARD)
    relay.set(soft=50)  # which begins the count anew
    codes = []
    for address in (soft, hard) * 3:
        with client(relay) as made:
            answers = greeted(made).ask(letter("one", address), 4)
            codes.append(next((each[:3] for each in answers if each[0] in "45"), "taken"))
    assert codes == ["450", "550", "450", "550", "taken", "550"]


def test_the_fates_of_addresses_have_the_shares_that_were_asked() -> None:
    faults = Faults(soft=10, hard=5)
    fates = Counter(faults.fate(address) for address in ADDRESSES)
    assert fates[Fate.SOFT] == pytest.approx(200, abs=60)
    assert fates[Fate.HARD] == pytest.approx(100, abs=45)
    assert faults.fate("READER1@example.org") is faults.fate("reader1@example.org")


def test_a_relay_that_refuses_comes_back_on_its_port(relay: Relay) -> None:
    with client(relay) as made:
        greeted(made)
        relay.set(refuse=True)
        with pytest.raises(ConnectionRefusedError), client(relay):
            pass
        assert made.ask(b"NOOP\r\n")[0].startswith("421")
    relay.set(refuse=False)
    with client(relay) as made:
        greeted(made)


def test_connections_with_nothing_under_way_are_ended_on_request(relay: Relay) -> None:
    with client(relay) as idle, client(relay) as busy:
        greeted(idle)
        greeted(busy).ask(b"MAIL FROM:<b@example.org>\r\n")
        relay.end_connections()
        assert idle.hear(2)[0].startswith("421")
        assert busy.ask(b"NOOP\r\n") == ["250 2.0.0 OK"]
