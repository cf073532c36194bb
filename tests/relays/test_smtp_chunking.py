"""Letters by BDAT to a distant relay that offers CHUNKING (RFC 3030): several on their way at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from dispatcher.relays import wire
from dispatcher.relays.outcomes import Outcome, Parcel, Result
from dispatcher.relays.smtp import Session
from tests.relays.test_smtp import ADA, BO, CY, DATA, parcels
from tests.relays.ways import DISTANCE, WINDOW, Way, hand_over, relay_of, sink_of
from tests.scripted import Peer, scripted
from tests.sinks import Fate, Sink

OFFERS = ("PIPELINING", "CHUNKING", "ENHANCEDSTATUSCODES")
OK = "250 2.0.0 ok"
TAKEN = [OK] * 4
DI = "di@example.org"


@pytest.fixture
def sink() -> Iterator[Sink]:
    with sink_of(Way.CHUNKED) as running:
        yield running


def results(outcomes: list[Outcome]) -> list[Result]:
    return [outcome.result for outcome in outcomes]


def hear_whole(peer: Peer) -> bytes:
    """The four commands of a letter, and its octets."""
    commands = [peer.hear() for _ in range(4)]
    assert commands[0] == "RSET"
    name, size, last = commands[3].split()
    assert (name, last) == ("BDAT", "LAST")
    return peer.hear_octets(int(size))


def distant(talk: Callable[[Peer], None], seconds: float = DISTANCE) -> Callable[[Peer], None]:
    """With an answer to NOOP that takes so long that a few letters may be on their way."""

    def whole(peer: Peer) -> None:
        assert peer.hear() == "NOOP"
        peer.wait(seconds)
        peer.say(OK)
        talk(peer)

    return whole


def give(
    talk: Callable[[Peer], None],
    *addresses: str,
    data: bytes = DATA,
    timeout: float = 5.0,
    small: bool = False,
) -> list[Outcome]:
    with scripted(distant(talk), offers=OFFERS, greeting_seconds=DISTANCE, small=small) as url:
        session = Session.connect(relay_of(url, timeout=timeout))
        outcomes = list(session.hand_over(parcels(*addresses, data=data)))
        assert not session.is_open()
    return outcomes


def test_letters_go_without_waiting_until_so_many_are_on_their_way() -> None:
    def talk(peer: Peer) -> None:
        for _ in range(WINDOW):
            assert hear_whole(peer) == DATA
        peer.say(*TAKEN)
        assert hear_whole(peer) == DATA  # and not before
        peer.say(*TAKEN * 3)
        peer.say("421 4.3.2 enough")

    outcomes = give(talk, ADA, BO, CY, DI)

    assert results(outcomes) == [Result.ACCEPTED] * 4


def test_a_near_relay_gets_data_so_that_one_letter_is_in_doubt_at_most() -> None:
    with sink_of(Way.CHUNKED, distance=0.0) as sink:
        sink.fates[ADA] = Fate.CUT_AFTER_DOT
        outcomes = hand_over(sink, ADA, BO, CY, in_flight=1)

    assert results(outcomes) == [Result.UNKNOWN, Result.HELD_BACK]


def test_data_is_not_changed_whatever_dots_it_has(sink: Sink) -> None:
    dots = b".\r\n..\r\n\n.\n.x\r.\r\nno end"
    outcomes = hand_over(sink, *parcels(ADA, BO, data=dots))

    assert results(outcomes) == [Result.ACCEPTED] * 2
    assert [letter.data for letter in sink.letters] == [dots] * 2


def test_a_break_leaves_whole_letters_unknown_and_the_others_not(sink: Sink) -> None:
    sink.fates[BO] = Fate.CUT_AFTER_DOT
    outcomes = hand_over(sink, ADA, BO, CY, DI, ADA)

    assert results(outcomes)[:3] == [Result.ACCEPTED, Result.UNKNOWN, Result.UNKNOWN]
    # The fourth was written when the first was answered, when the cut may have been there already.
    assert {o.result for o in outcomes[3:]} <= {Result.UNKNOWN, Result.DEFERRED}
    assert len(outcomes) == 4
    assert sink.addresses == [ADA, BO]


def test_a_letter_that_is_partly_written_when_it_breaks_is_deferred() -> None:
    def talk(peer: Peer) -> None:
        hear_whole(peer)
        peer.hear_octets(1_000)

    # Were the relay's buffers not small, the system might take a second letter whole in its stead.
    outcomes = give(talk, ADA, BO, CY, data=b"x" * 8_000_000, small=True)

    assert results(outcomes) == [Result.UNKNOWN, Result.DEFERRED]


def test_what_was_answered_before_a_break_stands() -> None:
    def talk(peer: Peer) -> None:
        for _ in range(WINDOW):
            hear_whole(peer)
        peer.say(*TAKEN, OK, OK, "550 5.1.1 no", "503 5.5.1 no", OK, OK)

    outcomes = give(talk, ADA, BO, CY)

    assert results(outcomes) == [Result.ACCEPTED, Result.FAILED, Result.UNKNOWN]


@pytest.mark.parametrize("known", range(4))
def test_after_421_as_its_last_word_the_relay_has_taken_none_of_the_others(known: int) -> None:
    def talk(peer: Peer) -> None:
        for _ in range(WINDOW):
            hear_whole(peer)
        peer.say(*TAKEN, *TAKEN[:known], "421 4.3.2 closing down")

    outcomes = give(talk, ADA, BO, CY)

    assert results(outcomes) == [Result.ACCEPTED, Result.DEFERRED, Result.HELD_BACK]
    assert outcomes[1].code == "4.3.2"


def test_a_relay_that_goes_on_after_421_is_heard_to_the_end() -> None:
    def talk(peer: Peer) -> None:
        for _ in range(WINDOW):
            hear_whole(peer)
        peer.say(OK, OK, "421 4.7.0 not so fast", "503 5.5.1 no", *TAKEN, OK, OK)

    outcomes = give(talk, ADA, BO, CY, DI)

    assert results(outcomes) == [Result.DEFERRED, Result.ACCEPTED, Result.UNKNOWN]


def test_421_and_then_silence_leaves_the_others_unknown() -> None:
    def talk(peer: Peer) -> None:
        for _ in range(WINDOW):
            hear_whole(peer)
        peer.say(OK, "421 4.7.0 not so fast")
        assert peer.is_left()

    outcomes = give(talk, ADA, BO, CY, timeout=0.5)

    assert results(outcomes) == [Result.DEFERRED, Result.UNKNOWN, Result.UNKNOWN]


@pytest.mark.parametrize(
    ("replies", "result"),
    [
        (["500 5.5.1 what", OK, OK, "554 no"], Result.DEFERRED),
        ([OK, "550 5.7.1 you", "503 no", "503 no"], Result.DEFERRED),
        ([OK, "503 5.5.1 nested", OK, OK], Result.ACCEPTED),
        ([OK, OK, "550 5.1.1 no", OK], Result.FAILED),
        ([OK, OK, OK, "354 go on"], Result.UNKNOWN),
        ([OK, OK, "354 go on"], Result.UNKNOWN),
        (["what"], Result.UNKNOWN),
    ],
)
def test_odd_answers_end_the_session_with_the_outcome_that_is_sure(
    replies: list[str], result: Result
) -> None:
    def talk(peer: Peer) -> None:
        hear_whole(peer)
        peer.say(*replies, "421 4.3.2 bye")

    (outcome,) = give(talk, ADA)

    assert outcome.result is result


def test_after_what_is_no_reply_nothing_more_is_believed() -> None:
    def talk(peer: Peer) -> None:
        for _ in range(WINDOW):
            hear_whole(peer)
        peer.say(OK, OK, "what", OK, *TAKEN, *TAKEN)

    assert results(give(talk, ADA, BO, CY)) == [Result.UNKNOWN] * WINDOW


@pytest.mark.parametrize("after", [OK, "554 5.6.0 no", "what", "250-and"])
def test_a_reply_too_many_leaves_the_last_letter_unknown(after: str) -> None:
    """Wherever it came in: what was taken for the answer to the letter may be that to a command."""

    def talk(peer: Peer) -> None:
        hear_whole(peer)
        hear_whole(peer)
        peer.say(*TAKEN, *TAKEN, after)
        assert peer.is_left()

    outcomes = give(talk, ADA, BO, timeout=0.5)

    assert results(outcomes) == [Result.ACCEPTED, Result.UNKNOWN]


def test_a_goodbye_after_the_last_answer_leaves_nothing_in_doubt() -> None:
    def talk(peer: Peer) -> None:
        hear_whole(peer)
        peer.say(*TAKEN, "421 4.3.2 enough")
        assert peer.is_left()

    assert results(give(talk, ADA)) == [Result.ACCEPTED]


def test_a_reply_too_many_that_shifts_an_answer_to_rset_ends_all_belief() -> None:
    def talk(peer: Peer) -> None:
        for _ in range(WINDOW):
            hear_whole(peer)
        # One too many for the first letter, which then is refused at its end.
        peer.say(OK, OK, OK, OK, "554 5.6.0 no", *TAKEN, *TAKEN)
        assert peer.is_left()

    outcomes = give(talk, ADA, BO, CY)

    assert results(outcomes)[1:] == [Result.UNKNOWN] * 2


@pytest.mark.parametrize("refusal", [["503 5.5.1 what", OK], [OK, "503 5.5.1 nested"]])
def test_after_a_letter_that_is_taken_in_spite_of_a_refusal_no_more_are_written(
    refusal: list[str],
) -> None:
    """It may have gone to whom the one before was for, and so may the next."""

    def talk(peer: Peer) -> None:
        for _ in range(WINDOW):
            hear_whole(peer)
        peer.say(*refusal, OK, OK)

    outcomes = give(talk, ADA, BO, CY, DI)

    first = Result.ACCEPTED if refusal[0] == OK else Result.UNKNOWN
    assert results(outcomes) == [first, Result.UNKNOWN, Result.UNKNOWN]


def test_what_is_no_reply_after_421_leaves_the_others_unknown() -> None:
    def talk(peer: Peer) -> None:
        for _ in range(WINDOW):
            hear_whole(peer)
        peer.say(OK, OK, OK, "421 4.3.2 closing down", "what")
        assert peer.is_left()

    outcomes = give(talk, ADA, BO, CY)

    assert results(outcomes) == [Result.DEFERRED, Result.UNKNOWN, Result.UNKNOWN]


def test_two_ends_that_both_have_much_to_say_do_not_wait_for_each_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(wire, "MOST_UNREAD", 1_000_000)
    much = f"250 {'x' * 7_000}"

    def talk(peer: Peer) -> None:
        for _ in range(16):
            hear_whole(peer)
            peer.say(*[much] * 4)  # more than the buffers take, while the client is writing still
        assert peer.hear() == "QUIT"

    with scripted(distant(talk, 0.02), offers=OFFERS, greeting_seconds=0.02, small=True) as url:
        session = Session.connect(relay_of(url, in_flight=16, timeout=3.0))
        letters = parcels(*[ADA] * 16, data=b"x" * 1_000_000)
        assert results(list(session.hand_over(letters))) == [Result.ACCEPTED] * 16
        session.close()


def test_letters_on_their_way_have_outcomes_before_a_fault_of_the_parcels_goes_on(
    sink: Sink,
) -> None:
    def asked() -> Iterator[Parcel]:
        yield from parcels(ADA, BO)
        raise LookupError

    session = Session.connect(relay_of(sink))
    outcomes: list[Outcome] = []
    with pytest.raises(LookupError):
        outcomes.extend(session.hand_over(asked()))
    outcomes.extend(session.hand_over(parcels(CY)))
    session.close()

    assert sink.addresses == [ADA, BO, CY]
