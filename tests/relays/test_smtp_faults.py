"""A session and a relay that says too much, too little or nothing, or goes: nothing waits for ever."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator

import pytest

from dispatcher.relays.outcomes import Outcome, Result
from dispatcher.relays.smtp import Session
from tests.relays.test_smtp import ADA, BO, CERTIFICATE, CY, DATA, _tls, parcels
from tests.relays.ways import Way, hand_over, relay_of, sink_of
from tests.scripted import Peer, scripted
from tests.sinks import Fate, Sink

OK, GO = "250 2.1.0 ok", "354 go on"
LARGE = (b"x" * 996 + b"\r\n") * 30_000  # more than the buffers of both ends take


@pytest.fixture(params=[*Way])
def sink(request: pytest.FixtureRequest) -> Iterator[Sink]:
    with sink_of(Way(request.param)) as running:
        yield running


@pytest.fixture
def began() -> float:
    return time.monotonic()


@pytest.mark.parametrize("said", ["421 4.4.2 idle for too long", "250 2.0.0 by the way"])
def test_what_is_said_unasked_is_noticed_before_the_next_letter(sink: Sink, said: str) -> None:
    session = Session.connect(relay_of(sink))
    list(session.hand_over(parcels(ADA)))
    sink.say(said)

    assert not session.is_open()
    assert session.is_broken


def test_421_while_idle_defers_who_does_not_look(sink: Sink) -> None:
    session = Session.connect(relay_of(sink))
    list(session.hand_over(parcels(ADA)))
    sink.say("421 4.4.2 idle for too long")
    first, *others = session.hand_over(parcels(BO, CY))

    assert (first.result, first.text) == (Result.DEFERRED, "421 4.4.2 idle for too long")
    assert {outcome.result for outcome in others} <= {Result.HELD_BACK}
    assert sink.addresses == [ADA]


def test_a_relay_that_says_more_than_it_is_asked_is_not_open() -> None:
    def talk(peer: Peer) -> None:
        peer.hear(3)
        peer.say(OK, OK, GO)
        peer.hear_letter()
        peer.say("250 kept", "250 and again")
        assert peer.is_left()

    with scripted(talk) as url:
        session = Session.connect(relay_of(url))
        (outcome,) = session.hand_over(parcels(ADA))

    assert outcome.result is Result.ACCEPTED
    assert session.is_broken


@pytest.mark.parametrize(
    "answer", [b"250 " + b"x" * 100_000, b"250-and so on\r\n" * 20_000, b"\0" * 300_000]
)
def test_a_reply_without_end_is_given_up(answer: bytes) -> None:
    def talk(peer: Peer) -> None:
        peer.hear(3)
        try:
            peer.say_octets(answer)
        except ConnectionError:
            return
        assert peer.is_left()

    with scripted(talk) as url:
        session = Session.connect(relay_of(url))
        (outcome,) = session.hand_over(parcels(ADA))

    assert outcome.result is Result.DEFERRED
    assert "not SMTP" in outcome.text or "for 1 s" in outcome.text


def test_a_relay_that_drips_is_given_up_after_the_timeout(began: float) -> None:
    def talk(peer: Peer) -> None:
        peer.hear(3)
        try:
            for _ in range(200):
                peer.say_octets(b"2")
                peer.wait(0.01)
        except ConnectionError:
            return
        raise AssertionError("it was heard for two seconds")

    with scripted(talk) as url:
        session = Session.connect(relay_of(url, timeout=0.2))
        (outcome,) = session.hand_over(parcels(ADA))

    assert outcome.result is Result.DEFERRED
    assert time.monotonic() - began < 1.5


def test_a_relay_that_takes_no_octets_is_given_up_after_the_timeout(began: float) -> None:
    def talk(peer: Peer) -> None:
        peer.hear(3)
        peer.say(OK, OK, GO)
        finished.wait(5)

    finished = threading.Event()
    with scripted(talk) as url:
        session = Session.connect(relay_of(url, timeout=0.3))
        outcomes = list(session.hand_over(parcels(ADA, BO, data=LARGE)))
        finished.set()

    assert [o.result for o in outcomes] == [Result.DEFERRED, Result.HELD_BACK]
    assert "takes no more octets" in outcomes[0].text
    assert time.monotonic() - began < 2


def test_the_answer_to_a_letters_end_has_a_deadline_of_its_own(sink: Sink, began: float) -> None:
    sink.fates[ADA] = Fate.HANG_AFTER_DOT
    session = Session.connect(relay_of(sink, timeout=30.0, final_timeout=0.3))
    first, *_ = session.hand_over(parcels(ADA))

    assert first.result is Result.UNKNOWN
    assert "no answer for 0.3 s" in first.text
    assert time.monotonic() - began < 5


def test_a_relay_that_hangs_at_a_command_is_given_up_after_the_timeout(
    sink: Sink, began: float
) -> None:
    sink.fates[ADA] = Fate.HANG_AT_RCPT
    session = Session.connect(relay_of(sink, timeout=0.3, final_timeout=30.0))
    first, *_ = session.hand_over(parcels(ADA))

    assert "no answer for 0.3 s" in first.text
    assert time.monotonic() - began < 5


def test_what_the_relay_said_right_after_the_greeting_is_not_lost() -> None:
    def talk(peer: Peer) -> None:
        if peer.hear() == "NOOP":
            peer.say(OK)

    offers = ("PIPELINING", "HELP\r\n250 2.0.0 and so on")
    with scripted(talk, offers=offers) as url:
        session = Session.connect(relay_of(url))
        assert not session.is_open()


def test_a_relay_that_hangs_up_without_a_goodbye_does_not_hold_up_the_close(began: float) -> None:
    with scripted(lambda peer: None) as url:
        session = Session.connect(relay_of(url, timeout=30.0))
        session.close()
        session.close()

    assert session.is_broken
    assert time.monotonic() - began < 5


def test_a_session_interrupted_anywhere_is_not_used_again(sink: Sink) -> None:
    sink.fates[BO] = Fate.HANG_AFTER_DOT
    session = Session.connect(relay_of(sink, timeout=5.0))
    outcomes: list[Outcome] = []
    before = signal.signal(signal.SIGALRM, _interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        with pytest.raises(_Interrupted):
            outcomes.extend(session.hand_over(parcels(ADA, BO, CY)))
    finally:
        signal.signal(signal.SIGALRM, before)

    assert session.is_broken
    assert not session.is_open()


class _Interrupted(BaseException):
    """As a worker's time limit is."""


def _interrupt(_number: int, _frame: object) -> None:
    raise _Interrupted


@pytest.mark.parametrize("way", [*Way])
@pytest.mark.parametrize("implicit_tls", [False, True])
def test_large_letters_and_small_go_whole_over_tls(
    way: Way, implicit_tls: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    with sink_of(way, tls=_tls(), implicit_tls=implicit_tls) as sink:
        large = parcels(ADA, BO, CY, data=LARGE[: 998 * 300])
        small = parcels(ADA, BO, CY, data=DATA)
        outcomes = hand_over(sink, *large, *small, *large)

    assert [o.result for o in outcomes] == [Result.ACCEPTED] * 9
    assert [x.data for x in sink.letters] == [p.data for p in (*large, *small, *large)]


def test_a_relay_that_must_have_tls_and_offers_none_is_told_nothing(sink: Sink) -> None:
    with pytest.raises(OSError, match="it offers no TLS"):
        Session.connect(relay_of(sink, needs_tls=True))
