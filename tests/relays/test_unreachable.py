"""No relay takes a connection any more: what never left is no attempt, and takes no room from others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from dispatcher.errors import RelayUnreachable
from dispatcher.relays import choosing
from dispatcher.relays.outcomes import Outcome, Parcel, Result
from dispatcher.relays.pool import Pool
from dispatcher.relays.relay import Limits, Relay
from dispatcher.relays.routing import ASIDE
from tests.relays.test_pacing import count, many, pool_of, relay, sent, to
from tests.sinks import Fate, Sink, refusing_url

ACCEPTED, HELD_BACK = Result.ACCEPTED, Result.HELD_BACK


def outcomes_until_unreachable(pool: Pool, waiting: Iterator[Parcel]) -> list[Outcome]:
    outcomes: list[Outcome] = []
    with pytest.raises(RelayUnreachable):
        outcomes.extend(pool.hand_over(waiting))
    return outcomes


def test_letters_held_back_and_set_aside_have_their_outcomes_and_the_others_are_not_taken() -> None:
    with Sink(pipelining=True) as first, refusing_url() as dead:
        narrow = relay(first, Limits(groups={"gmail": 1.0, "yahoo": 1.0}))
        wide = replace(Relay.of(dead), order=1, limits=Limits(groups={"yahoo": 1.0}))
        first.fates = dict.fromkeys(many(5, "example.org"), Fate.CUT_AFTER_DOT)
        addresses = [
            *many(5, "example.org"),  # by the first: one is cut off, one taken ahead, and so on
            "ada@yahoo.com",  # for which neither has room
            *many(ASIDE, "gmail.com"),  # set aside for the second while the first breaks for good
            "late@gmail.com",
        ]
        waiting = iter(to(*addresses))
        with pool_of(narrow, wide) as pool:
            emptied(pool, narrow, "gmail", "yahoo")
            emptied(pool, wide, "yahoo")
            outcomes = outcomes_until_unreachable(pool, waiting)

    assert [parcel.address for parcel in waiting] == ["late@gmail.com"]
    assert [o.key for o in outcomes] == list(range(len(addresses) - 1))
    pair = [Result.UNKNOWN, HELD_BACK]
    assert [o.result for o in outcomes[:5]] == [*pair, *pair, Result.UNKNOWN]
    assert {o.result for o in outcomes[5:]} == {HELD_BACK}
    assert all(o.wait >= 1 for o in outcomes[5:])
    assert "yahoo" in outcomes[5].text
    assert {o.text[:22] for o in outcomes[6:]} == {"No relay takes letters"}


def emptied(pool: Pool, of: Relay, *groups: str) -> None:
    for group in groups:
        buckets = pool._pacing.relays[of.name].buckets_for(group)
        while pool._pacing.buckets.take(9, buckets, "days", None, is_urgent=True).granted:
            pass


def test_tokens_of_letters_that_found_no_relay_are_there_for_the_next_batch() -> None:
    with Sink() as sink:
        port = sink.port
    gone = Relay("127.0.0.1", port, timeout=1, limits=Limits(rate=1.0))
    with pool_of(gone) as pool:
        outcomes = outcomes_until_unreachable(pool, iter(to(*many(2, "example.org"))))
    assert [o.result for o in outcomes] == [HELD_BACK]
    with Sink(port=port), pool_of(gone) as again:
        assert count(sent(again, *many(3, "example.org"))) == {ACCEPTED: 3}


def test_a_relay_that_is_back_as_the_last_resort_is_no_longer_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 1_000.0
    monkeypatch.setattr(choosing, "monotonic", lambda: now)
    one, other = Relay("127.0.0.1", 1), Relay("127.0.0.1", 2)
    roster = choosing.Roster([one, other])
    for _ in range(5):
        roster.fails(one, "Connection refused")
    for _ in range(2):
        roster.fails(other, "Connection refused")
    now += choosing.LAST_RESORT_SECONDS
    assert not roster.is_away(one)
    roster.answers(one)
    now += choosing.LAST_RESORT_SECONDS
    assert not roster.is_away(other)
    assert not roster.is_away(one), "though it was to be left alone for minutes"
