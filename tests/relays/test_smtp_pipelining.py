"""Letters by DATA to a relay that offers PIPELINING (RFC 2920): what travels together, and in what order."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dispatcher.relays.outcomes import Outcome, Parcel, Result
from dispatcher.relays.relay import Relay
from dispatcher.relays.smtp import Session
from tests.relays.test_smtp import ADA, BO, CY, DATA, parcels
from tests.relays.ways import Way, hand_over, relay_of, sink_of
from tests.scripted import Peer, scripted
from tests.sinks import Fate, Sink

OK, GO = "250 2.1.0 ok", "354 go on"


@pytest.fixture
def sink() -> Iterator[Sink]:
    with sink_of(Way.PIPELINED) as running:
        yield running


def connect(url: str) -> Session:
    return Session.connect(Relay.of(url, timeout=1.0, final_timeout=1.0))


def results(outcomes: list[Outcome]) -> list[Result]:
    return [outcome.result for outcome in outcomes]


def test_the_end_of_a_letter_and_the_next_ones_commands_travel_together() -> None:
    def talk(peer: Peer) -> None:
        assert peer.hear(3) == "DATA"
        peer.say(OK, OK, GO)
        for key in (2, 3):
            assert peer.hear_letter() == DATA
            assert peer.hear() == f"MAIL FROM:<bounce-{key}@news.example.org>"
            assert peer.hear(2) == "DATA"
            peer.say("250 2.0.0 kept", OK, OK, GO)
        assert peer.hear_letter() == DATA
        peer.say("250 2.0.0 kept")
        assert peer.hear() == "QUIT"
        peer.say("221 2.0.0 bye")
        assert peer.is_left()

    with scripted(talk) as url:
        session = connect(url)
        assert results(list(session.hand_over(parcels(ADA, BO, CY)))) == [Result.ACCEPTED] * 3
        session.close()


def test_an_outcome_is_given_before_the_next_letters_text_is_written() -> None:
    def talk(peer: Peer) -> None:
        peer.hear(3)
        peer.say(OK, OK, GO)
        peer.hear_letter()
        peer.hear(3)
        peer.say("250 2.0.0 kept", OK, OK, GO)
        assert peer.is_left()  # with nothing of the second letter

    with scripted(talk) as url:
        session = connect(url)
        outcomes = session.hand_over(parcels(ADA, BO))
        assert next(outcomes).result is Result.ACCEPTED
        outcomes.close()
        assert session.is_broken


def test_one_parcel_is_taken_ahead_and_no_more(sink: Sink) -> None:
    taken = []

    def asked() -> Iterator[Parcel]:
        for parcel in parcels(ADA, BO, CY, ADA):
            taken.append(parcel.key)
            yield parcel

    session = Session.connect(relay_of(sink))
    ahead = [[*taken] for _ in session.hand_over(asked())]
    session.close()

    assert ahead == [[1, 2], [1, 2, 3], [1, 2, 3, 4], [1, 2, 3, 4]]


def test_a_letter_for_nobody_is_ended_with_a_lone_dot(sink: Sink) -> None:
    sink.invites_all = True
    sink.answers[BO] = "550 5.1.1 no such user"
    outcomes = hand_over(sink, BO, ADA, BO, BO, CY, BO)

    assert [(o.result, o.code) for o in outcomes if o.key in {1, 3, 4, 6}] == [
        (Result.FAILED, "5.1.1")
    ] * 4
    assert sink.addresses == [ADA, CY]
    assert sink.connections == 1


def test_who_stops_at_a_refusal_leaves_a_session_that_can_be_used(sink: Sink) -> None:
    sink.invites_all = True
    sink.answers[BO] = "550 5.1.1 no such user"
    session = Session.connect(relay_of(sink))
    outcomes = session.hand_over(parcels(BO, CY))
    assert next(outcomes).result is Result.FAILED
    outcomes.close()

    assert session.is_open()
    assert results(list(session.hand_over(parcels(ADA)))) == [Result.ACCEPTED]
    session.close()
    assert (sink.addresses, sink.connections) == ([ADA], 1)


def test_a_relay_that_does_not_forget_a_refused_letter_gets_no_other_into_it(sink: Sink) -> None:
    sink.holds_on = True
    sink.data_answers = {ADA: "554 5.6.0 not this"}
    outcomes = hand_over(sink, ADA, BO, CY)

    assert results(outcomes) == [Result.FAILED, Result.DEFERRED]
    assert outcomes[1].text == "503 Error: nested MAIL command"
    assert sink.letters == []


@pytest.mark.parametrize("fate", [Fate.CUT_AFTER_DOT, Fate.HANG_AFTER_DOT])
def test_only_the_letter_whose_end_was_written_is_unknown(sink: Sink, fate: Fate) -> None:
    sink.fates[BO] = fate
    outcomes = hand_over(sink, ADA, BO, CY, ADA, timeout=0.3)

    assert results(outcomes) == [Result.ACCEPTED, Result.UNKNOWN, Result.HELD_BACK]
    assert "before its turn" in outcomes[2].text
    assert outcomes[2].wait > 0
    assert sink.addresses == [ADA, BO]


@pytest.mark.parametrize(
    ("replies", "result", "text"),
    [
        (["421 4.3.2 no"], Result.DEFERRED, "421 4.3.2 no"),
        ([OK, "421 4.3.2 no"], Result.DEFERRED, "421 4.3.2 no"),
        ([OK, OK, "421 4.3.2 no"], Result.DEFERRED, "421 4.3.2 no"),
        ([OK, "550 5.1.1 no", "421 4.3.2 bye"], Result.FAILED, "550 5.1.1 no"),
        ([OK, "550 5.1.1 no"], Result.FAILED, "550 5.1.1 no"),
        ([OK], Result.DEFERRED, "the connection broke on the way: the relay closed it"),
        ([], Result.DEFERRED, "the connection broke on the way: the relay closed it"),
        ([OK, OK, "250 ok"], Result.DEFERRED, "the connection broke on the way: 250 is no answer"),
        ([OK, OK, GO, "421 4.4.2 too slow"], Result.DEFERRED, "it says more than it was asked"),
        (["503 5.5.1 no", OK, GO], Result.DEFERRED, "503 5.5.1 no"),
        (["451 4.3.0 no", OK, GO], Result.DEFERRED, "451 4.3.0 no"),  # no dot may go now
        (["354 go", OK, GO], Result.DEFERRED, "the connection broke on the way"),
        ([OK, OK, "HTTP/1.1 200 OK"], Result.DEFERRED, "the answer is not SMTP: HTTP/1.1 200 OK"),
    ],
)
def test_an_end_amid_a_letters_commands_leaves_that_letter_and_no_other(
    replies: list[str], result: Result, text: str
) -> None:
    def talk(peer: Peer) -> None:
        peer.hear(3)
        peer.say(*replies)

    with scripted(talk) as url:
        session = connect(url)
        (outcome,) = session.hand_over(parcels(ADA, BO))

    assert outcome.result is result
    assert text in outcome.text
    assert session.is_broken


@pytest.mark.parametrize(
    ("replies", "given"),
    [
        (["421 4.3.2 no"], [Result.DEFERRED, Result.HELD_BACK]),
        (["250 kept", "421 4.3.2 no"], [Result.ACCEPTED, Result.DEFERRED]),
        (["250 kept", OK, "421 4.3.2 no"], [Result.ACCEPTED, Result.DEFERRED]),
        (["250 kept"], [Result.ACCEPTED, Result.DEFERRED]),
        (["554 no", OK, OK], [Result.FAILED, Result.DEFERRED]),
        (["554 no", "503 nested", OK, GO], [Result.FAILED, Result.DEFERRED]),
        (["354 go on"], [Result.UNKNOWN, Result.HELD_BACK]),
        (["hello"], [Result.UNKNOWN, Result.HELD_BACK]),
    ],
)
def test_an_end_after_a_letter_leaves_nothing_doubled(
    replies: list[str], given: list[Result]
) -> None:
    def talk(peer: Peer) -> None:
        peer.hear(3)
        peer.say(OK, OK, GO)
        peer.hear_letter()
        peer.hear(3)
        peer.say(*replies)

    with scripted(talk) as url:
        session = connect(url)
        outcomes = list(session.hand_over(parcels(ADA, BO)))

    assert results(outcomes) == given
    assert session.is_broken


@pytest.mark.parametrize("reset", ["421 4.3.2 no", "500 5.5.1 what"])
def test_a_relay_that_will_not_forget_a_refused_letter_is_left(reset: str) -> None:
    def talk(peer: Peer) -> None:
        peer.hear(3)
        peer.say(OK, "550 5.1.1 no", "503 5.5.1 no")
        assert peer.hear() == "RSET"
        peer.say(reset)

    with scripted(talk) as url:
        session = connect(url)
        refused, next_one = session.hand_over(parcels(ADA, BO))

    assert refused.result is Result.FAILED
    assert (next_one.result, next_one.text) == (Result.DEFERRED, reset)
    assert session.is_broken


def test_a_refusal_within_a_letter_is_heard_when_the_relay_hangs_up() -> None:
    def talk(peer: Peer) -> None:
        peer.hear(3)
        peer.say(OK, OK, GO)
        peer.hear_octets(1_000_000)
        peer.say("552 5.3.4 too large")

    with scripted(talk) as url:
        session = connect(url)
        letters = parcels(ADA, BO, data=(b"x" * 996 + b"\r\n") * 20_000)
        outcomes = list(session.hand_over(letters))

    assert results(outcomes) == [Result.FAILED, Result.HELD_BACK]
    assert outcomes[0].code == "5.3.4"


def test_a_letter_without_a_line_end_gets_one_so_that_the_lone_dot_is_alone(sink: Sink) -> None:
    outcomes = hand_over(sink, *parcels(ADA, BO, data=b"Subject: x\r\n\r\nno end"))

    assert results(outcomes) == [Result.ACCEPTED] * 2
    assert [letter.data for letter in sink.letters] == [b"Subject: x\r\n\r\nno end\r\n"] * 2
