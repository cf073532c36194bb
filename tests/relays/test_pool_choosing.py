"""Which relay is next: in order, by weight, and how long one that fails is left alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
import pytest_django

from dispatcher.errors import RelayUnreachable
from dispatcher.relays import choosing, standing
from dispatcher.relays import pool as pools
from dispatcher.relays.outcomes import Result
from dispatcher.relays.pool import Pool
from dispatcher.relays.relay import Relay
from tests.relays.test_pool import make_pool, results
from tests.relays.test_smtp import ADA, BO
from tests.sinks import Fate, Sink, refusing_url


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as running:
        yield running


def test_a_dead_relay_is_left_alone_for_a_while() -> None:
    with refusing_url() as dead:
        pool = make_pool(dead)
        with pytest.raises(RelayUnreachable, match="Connection refused"):
            pool.greet()
        with pytest.raises(RelayUnreachable, match="left alone"):
            pool.greet()


def test_a_relay_that_was_left_alone_is_tried_again(
    sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choosing, "LEAVE_ALONE_SECONDS", 0.0)
    sink.fates[ADA] = Fate.CUT_AT_RCPT
    pool = make_pool(sink.url)
    given = results(pool, *[ADA] * choosing.BREAKS, BO)
    pool.close()

    assert given == [Result.DEFERRED] * choosing.BREAKS + [Result.ACCEPTED]


def test_a_relay_that_goes_on_failing_is_left_alone_longer_each_time(
    sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1_000.0
    monkeypatch.setattr(choosing, "monotonic", lambda: now)
    with refusing_url() as dead:
        ill, well = Relay.of(dead), Relay.of(sink.url)
        roster = choosing.Roster([ill, well])
        pauses = []
        for _ in range(7):
            roster.fails(ill, "Connection refused")
            pauses.append(roster.away_seconds(ill))
            now += pauses[-1]
            assert not roster.is_away(ill), "one try may bring it back"
        assert pauses == [30, 60, 120, 240, 480, 600, 600]
        roster.answers(ill)
        roster.fails(ill, "Connection refused")
        assert roster.away_seconds(ill) == 30


def test_when_every_relay_is_away_none_is_left_alone_for_long(
    sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1_000.0
    monkeypatch.setattr(choosing, "monotonic", lambda: now)
    with refusing_url() as dead:
        ill, well = Relay.of(dead), Relay.of(sink.url)
        roster = choosing.Roster([ill, well])
        for _ in range(5):
            roster.fails(ill, "Connection refused")
        assert roster.away_seconds(ill) == 480
        roster.fails(well, "closing down")
        assert roster.away_seconds(ill) == roster.away_seconds(well) == 30


def test_a_batch_waits_while_every_relay_is_left_alone() -> None:
    with refusing_url() as dead:
        pool = make_pool(dead)
        assert pool.wait(is_urgent=False) == 0.0
        with pytest.raises(RelayUnreachable):
            pool.greet()
        assert 29 < pool.wait(is_urgent=True) <= 30


def test_equals_share_batches_by_weight_and_a_later_one_gets_none(sink: Sink) -> None:
    with Sink() as second, Sink() as spare:
        heavy = replace(Relay.of(sink.url), weight=3)
        pool = Pool([heavy, Relay.of(second.url), replace(Relay.of(spare.url), order=1)])
        for _ in range(8):
            results(pool, ADA, BO)
        pool.close()
        taken = [len(each.letters) for each in (sink, second, spare)]
        connections = [each.connections for each in (sink, second, spare)]

    assert taken == [12, 4, 0]
    assert connections == [1, 1, 0], "each connection is kept while others are used"


def test_the_desk_can_see_who_is_left_alone_and_what_is_limited(
    sink: Sink, settings: pytest_django.Settings
) -> None:
    with refusing_url() as dead:
        settings.RELAY_URLS = (dead, sink.url)
        pool = Pool(pools.configured())
        results(pool, ADA)
        pool._pacing.slow_down(pools.configured()[1], "gmail")
        away, there = standing.standing()
        pool.close()

    assert (away.relay, there.relay) == tuple(
        url.removeprefix("smtp://") for url in settings.RELAY_URLS
    )
    assert 29 < away.away_seconds <= 30
    assert "Connection refused" in away.away_words
    assert (there.away_seconds, there.away_words) == (0.0, "")
    assert (away.imposed, there.imposed) == ({}, {"gmail": 5.0})


def test_each_relay_is_tried_once_for_a_letter_though_pauses_end_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(choosing, "LEAVE_ALONE_SECONDS", 0.0)
    with refusing_url() as one, refusing_url() as other:
        pool = make_pool(one, other)
        with pytest.raises(RelayUnreachable):
            results(pool, ADA)
