"""A carrier that says no, or fails, just before a letter is written: it does not go, and no other does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from dispatcher.relays import choosing
from dispatcher.relays.outcomes import Outcome, Parcel, Result
from dispatcher.relays.pool import Pool
from dispatcher.relays.relay import Limits, Relay
from dispatcher.relays.smtp import Session
from tests.relays.test_mail_api import api
from tests.relays.test_mail_api import parcels as whole_letters
from tests.relays.test_pacing import count, pool_of, relay, sent
from tests.relays.test_smtp import ADA, BO, CY, DATA, parcels
from tests.relays.ways import WINDOW, Way, relay_of
from tests.relays.web import web
from tests.scripted import Peer, scripted
from tests.sinks import Sink, refusing_url

ACCEPTED, HELD_BACK = Result.ACCEPTED, Result.HELD_BACK
DI = "di@example.org"


class _Lost(Exception):  # noqa: N818  as LeaseLost is
    pass


def until(address: str) -> Callable[[Parcel], bool]:
    """No from that address on, if only it is asked."""
    return lambda parcel: parcel.address != address


def failing_at(address: str) -> Callable[[Parcel], bool]:
    def may_go(parcel: Parcel) -> bool:
        if parcel.address == address:
            raise _Lost
        return True

    return may_go


def told(outcomes: list[Outcome]) -> list[tuple[Result, str, float]]:
    return [
        (o.result, o.text if o.result is HELD_BACK else "", o.wait if o.result is HELD_BACK else 0)
        for o in outcomes
    ]


STOPPED = (HELD_BACK, "stopped before its turn", 0.0)
GONE = (ACCEPTED, "", 0)


@pytest.mark.parametrize("where", range(4))
def test_from_the_first_no_on_no_letter_goes_and_none_is_taken(sink: Sink, where: int) -> None:
    addresses = [ADA, BO, CY, DI, *[f"more{n}@example.org" for n in range(9)]]
    waiting = iter(parcels(*addresses))
    session = Session.connect(relay_of(sink))
    outcomes = list(session.hand_over(waiting, until(addresses[where])))
    session.close()

    assert told(outcomes[: where + 1]) == [GONE] * where + [STOPPED]
    assert told(outcomes[where + 1 :]) in ([], [STOPPED]), "one may have been taken ahead"
    assert len(outcomes) + len(list(waiting)) == len(addresses)
    assert sink.addresses == addresses[:where]


def test_each_letter_is_asked_for_once_and_not_before_those_ahead_are_out_of_the_way(
    sink: Sink, way: Way
) -> None:
    asked: list[tuple[str, int]] = []

    def may_go(parcel: Parcel) -> bool:
        asked.append((parcel.address, len(outcomes)))
        return True

    outcomes: list[Outcome] = []
    session = Session.connect(relay_of(sink))
    outcomes.extend(session.hand_over(parcels(ADA, BO, CY, DI), may_go))
    session.close()

    ahead = WINDOW - 1 if way is Way.CHUNKED else 0
    assert [address for address, _ in asked] == [ADA, BO, CY, DI]
    assert [known for _, known in asked] == [max(0, n - ahead) for n in range(4)]


def test_what_the_carrier_raises_goes_on_and_no_letter_is_written_after_it(
    sink: Sink, way: Way
) -> None:
    outcomes: list[Outcome] = []
    session = Session.connect(relay_of(sink))
    with pytest.raises(_Lost):
        outcomes.extend(session.hand_over(parcels(ADA, BO, CY, DI), failing_at(CY)))
    is_open = session.is_open()
    session.close()

    assert told(outcomes) == [GONE] * 2, "those on their way are answered first"
    assert sink.addresses == [ADA, BO]
    assert is_open == (way is Way.CHUNKED), "a relay that waits for a letter is left"


def test_a_letter_that_was_invited_is_not_ended_when_it_may_not_go() -> None:
    ok = "250 2.1.0 ok"

    def talk(peer: Peer) -> None:
        peer.hear(3)
        peer.say(ok, ok, "354 go on")
        assert peer.hear_letter() == DATA
        peer.hear(3)
        peer.say("250 2.0.0 kept", ok, ok, "354 go on")
        assert peer.is_left()  # without a dot, or anything else

    with scripted(talk) as url:
        session = Session.connect(relay_of(url))
        outcomes = list(session.hand_over(parcels(ADA, BO, CY), until(BO)))

    assert told(outcomes) == [GONE, STOPPED, STOPPED]
    assert session.is_broken


@pytest.mark.parametrize("way", [Way.PLAIN, Way.PIPELINED])  # BDAT: its text goes before that
def test_a_letter_that_the_relay_refuses_is_not_asked_for(sink: Sink) -> None:
    sink.answers[BO] = "550 5.1.1 no such user"
    session = Session.connect(relay_of(sink))
    outcomes = list(session.hand_over(parcels(ADA, BO), until(BO)))
    session.close()

    assert [o.result for o in outcomes] == [ACCEPTED, Result.FAILED]


def test_a_pool_ends_where_the_carrier_stops_and_goes_on_with_the_next_batch(sink: Sink) -> None:
    waiting = iter(parcels(ADA, BO, CY, DI, ADA, BO))
    with pool_of(Relay.of(sink.url, timeout=2)) as pool:
        outcomes = list(pool.hand_over(waiting, may_go=until(BO)))
        left = [parcel.address for parcel in waiting]
        again = sent(pool, CY)

    assert told(outcomes[:2]) == [GONE, STOPPED]
    assert set(told(outcomes[2:])) <= {STOPPED}
    assert [*left] == [CY, DI, ADA, BO][len(outcomes) - 2 :]
    assert [o.result for o in again] == [ACCEPTED]
    assert sink.addresses == [ADA, CY]


def test_a_relay_is_not_left_alone_for_what_the_carrier_broke_off(sink: Sink) -> None:
    with pool_of(Relay.of(sink.url, timeout=2)) as pool:
        for _ in range(choosing.BREAKS + 1):
            assert told(list(pool.hand_over(parcels(ADA), may_go=until(ADA)))) == [STOPPED]
            with pytest.raises(_Lost):
                list(pool.hand_over(parcels(ADA), may_go=failing_at(ADA)))
        assert [o.result for o in sent(pool, BO)] == [ACCEPTED]


def test_the_carrier_is_asked_after_a_connection_has_come_about() -> None:
    with refusing_url() as dead, Sink() as sink:
        pool = Pool([Relay.of(dead), Relay.of(sink.url)])
        asked_at = []

        def may_go(_: Parcel) -> bool:
            asked_at.append(sink.connections)
            return False

        assert told(list(pool.hand_over(parcels(ADA), may_go=may_go))) == [STOPPED]
        pool.close()

    assert asked_at == [1]
    assert sink.letters == []


@pytest.mark.parametrize("is_lost", [False, True])
def test_letters_set_aside_do_not_go_either_and_their_tokens_are_there_for_others(
    is_lost: bool,
) -> None:
    """The first relay has room for three and stops at the third; by then others wait for the second."""
    few, enough = Limits(groups={"gmail": 1.0}), Limits(groups={"gmail": 20.0})
    addresses = [
        "a@gmail.com",
        "b@gmail.com",
        "c@gmail.com",
        *[f"r{n}@gmail.com" for n in range(8)],
    ]
    stop = failing_at("e@example.org") if is_lost else until("e@example.org")
    with Sink() as first, Sink() as second:
        one, two = relay(first, few), relay(second, enough, order=1)
        with pool_of(one, two) as pool:
            given = [
                Parcel(n, "b@example.org", a, DATA)
                for n, a in enumerate([*addresses, "e@example.org", "f@example.org"])
            ]
            outcomes: list[Outcome] = []
            try:
                outcomes.extend(pool.hand_over(given, may_go=stop))
            except _Lost:
                assert is_lost
            else:
                assert told(outcomes) == [GONE] * 3 + [STOPPED] * (len(outcomes) - 3)
                assert {o.key for o in outcomes} >= set(range(12)), "every parcel taken"
        assert (len(first.letters), len(second.letters)) == (3, 0)
        with pool_of(two) as again:
            gone = count(sent(again, *[f"x{n}@gmail.com" for n in range(75)]))
    assert gone == {ACCEPTED: 75}, "all that a quiet bucket holds for routine letters"


def test_a_mail_api_is_not_asked_to_send_what_may_not_go() -> None:
    with web(200, id="<1@mg.example.org>", message="Queued.") as mailgun:
        pool = Pool([replace(api(mailgun.url), messages=9)])
        addresses = ["ada@example.org", "bo@example.org", "cy@example.org"]
        outcomes = list(pool.hand_over(whole_letters(*addresses), may_go=until("bo@example.org")))
        with pytest.raises(_Lost):
            list(pool.hand_over(whole_letters(ADA), may_go=failing_at(ADA)))
        pool.close()

    assert told(outcomes) == [GONE, STOPPED]
    assert len(mailgun.requests) == 1
