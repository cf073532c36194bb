"""The sink takes letters however they are cut, and notes each before it answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.chaos.relay import Relay
from bench.sink_notes import SENT
from tests.bench.sinking import chunked, client, envelope, greeted, letter, sink

TAKEN = ["250 2.1.0 OK", "250 2.1.5 OK", "354 go on", "250 2.0.0 taken"]


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[Relay]:
    with sink(tmp_path) as relay:
        yield relay


def test_a_letter_is_noted_with_its_connection_before_it_is_answered(relay: Relay) -> None:
    with client(relay) as made:
        assert greeted(made).ask(letter("one", "r1@example.org"), 4) == TAKEN
        (noted,) = relay.notes().letters
    assert noted.message_id == "<one@example.org>"
    assert (noted.recipient, noted.answer, noted.connection) == ("r1@example.org", SENT, 1)
    assert relay.notes().connections[1].is_open(noted.at)


def test_what_comes_octet_by_octet_is_taken_as_what_comes_at_once(relay: Relay) -> None:
    both = letter("one", "r1@example.org") + letter("two", "jürgen@example.org")
    with client(relay) as made:
        greeted(made)
        for octet in both:
            made.say(bytes([octet]))
        assert made.hear(8) == TAKEN * 2
        assert made.ask(both, 8) == TAKEN * 2
    assert [each.message_id for each in relay.notes().letters] == [
        "<one@example.org>",
        "<two@example.org>",
    ] * 2
    assert relay.notes().letters[1].recipient == "jürgen@example.org"


def test_it_offers_what_a_good_relay_offers_and_chunking_when_told(relay: Relay) -> None:
    with client(relay) as made:
        offered = [line[4:] for line in greeted(made).ask(b"EHLO x\r\n", 6)[1:]]
    assert offered == ["PIPELINING", "8BITMIME", "SMTPUTF8", "SIZE 52428800", "ENHANCEDSTATUSCODES"]
    relay.set(chunking=True)
    with client(relay) as made:
        assert "250-CHUNKING" in greeted(made).ask(b"EHLO x\r\n", 7)


def test_chunks_make_a_letter_and_those_of_a_refused_one_are_swallowed(relay: Relay) -> None:
    relay.set(hard=100)
    with client(relay) as made:
        answers = greeted(made).ask(chunked("one", "r1@example.org"), 3)
        relay.set(hard=0)
        assert made.ask(b"RSET\r\n" + chunked("two", "r2@example.org"), 4)[3] == "250 2.0.0 taken"
    assert [answer[:3] for answer in answers] in (["250", "550", "503"], ["250", "250", "550"])
    assert [each.message_id for each in relay.notes().letters] == ["<two@example.org>"]


def test_a_letter_without_a_recipient_is_not_begun(relay: Relay) -> None:
    with client(relay) as made:
        assert greeted(made).ask(b"DATA\r\nRCPT TO:<r@example.org>\r\n", 2) == [
            "503 5.5.1 no recipient",
            "503 5.5.1 no sender",
        ]
        assert made.ask(envelope("r@example.org") + b"RSET\r\nDATA\r\n", 4)[3].startswith("503")


def test_a_client_that_quits_leaves_in_order_and_one_that_vanishes_does_not(relay: Relay) -> None:
    with client(relay) as made:
        assert greeted(made).ask(b"QUIT\r\n", 2) == ["221 2.0.0 bye", ""]
    with client(relay) as made:
        greeted(made)
    while not all(each.closed_at for each in relay.notes().connections.values()):
        relay.accepted()
    assert [each.is_lost for each in relay.notes().connections.values()] == [False, True]


def test_a_note_cut_short_is_not_read(tmp_path: Path, relay: Relay) -> None:
    with client(relay) as made:
        greeted(made).ask(letter("one", "r1@example.org"), 4)
    with (tmp_path / "letters").open("ab") as notes:
        notes.write(b"letter\t17000")
    assert len(relay.notes().letters) == 1


def test_the_control_channel_refuses_what_is_no_fault(relay: Relay) -> None:
    with pytest.raises(ValueError, match="rudeness"):
        relay.set(rudeness=1)
    assert relay.accepted() == 0


def test_the_first_line_says_where_it_listens(tmp_path: Path, relay: Relay) -> None:
    ready = json.loads((tmp_path / "sink.log").read_text())
    assert relay.url == f"smtp://127.0.0.1:{ready['smtp']}"
