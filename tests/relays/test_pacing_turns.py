"""Turns that are promised, tokens that are given back, and rates so slow that a day counts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime

import pytest
from redis import Redis

from dispatcher.relays.buckets import Bucket, Buckets
from dispatcher.relays.domains import Groups
from dispatcher.relays.outcomes import Result
from dispatcher.relays.pacing import Pacing
from dispatcher.relays.pool import Pool
from dispatcher.relays.relay import Limits, Relay, WarmUp
from tests.relays.clocks import Clock
from tests.relays.test_pacing import count, many, relay, sent, to
from tests.relays.test_pacing_buckets import bucket, take, take_all
from tests.sinks import Sink

HOUR, DAY = 3_600, 86_400
ACCEPTED = {Result.ACCEPTED: 1}


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as running:
        yield running


@pytest.fixture
def second() -> Iterator[Sink]:
    with Sink() as running:
        yield running


def pool_at(clock: Clock, *relays: Relay) -> Pool:
    return Pool(relays, Pacing(relays, Groups(), clock=clock))


def whole(of: Relay) -> Bucket:
    """The bucket of all that goes by that relay."""
    return Bucket(f"dispatcher:pace:{of.name}:of:", of.limits.rate)


def emptied(buckets: Buckets, of: Relay) -> None:
    while buckets.take(100, [whole(of)], "days", None, is_urgent=True, is_promised=False).granted:
        pass


def next_wait(buckets: Buckets, of: Relay, *, is_urgent: bool) -> float:
    """What the next one is told who comes to this relay, without being promised anything."""
    return buckets.take(0, [whole(of)], "days", None, is_urgent=is_urgent, is_promised=False).wait


@pytest.mark.parametrize("is_urgent", [False, True])
def test_who_goes_by_another_relay_is_promised_no_turn_at_the_first(
    sink: Sink, second: Sink, buckets: Buckets, clock: Clock, is_urgent: bool
) -> None:
    slow, quick = relay(sink, Limits(rate=20.0)), relay(second, Limits(rate=100.0), order=1)
    emptied(buckets, slow)
    before = next_wait(buckets, slow, is_urgent=False)
    with closing(pool_at(clock, slow, quick)) as pool:
        for _ in range(30):
            assert pool.wait(is_urgent=is_urgent) == 0.0
            outcomes = pool.hand_over(to(*many(3, "example.org")), is_urgent=is_urgent)
            assert next(outcomes).result is Result.ACCEPTED
            assert next_wait(buckets, slow, is_urgent=False) == before, "also in mid-batch"
            assert count([*outcomes]) == {Result.ACCEPTED: 2}

    assert next_wait(buckets, slow, is_urgent=False) == before
    clock.now += before
    assert take(buckets, whole(slow)).granted == 20, "no urgent letters keep it for themselves"


def test_a_turn_is_promised_at_the_relay_where_it_comes_first_and_there_alone(
    sink: Sink, second: Sink, buckets: Buckets, clock: Clock
) -> None:
    slow, quick = relay(sink, Limits(rate=20.0)), relay(second, Limits(rate=100.0))
    for each in (slow, quick):
        emptied(buckets, each)
    before = next_wait(buckets, slow, is_urgent=False)
    with closing(pool_at(clock, slow, quick)) as pool:
        waits = [pool.wait() for _ in range(3)]

    assert waits == pytest.approx([1, 2, 3])
    assert next_wait(buckets, slow, is_urgent=False) == before


def test_letters_that_are_held_back_have_turns_one_after_another_over_batches(
    sink: Sink, buckets: Buckets, clock: Clock
) -> None:
    there = relay(sink, Limits(rate=20.0))
    emptied(buckets, there)
    with closing(pool_at(clock, there)) as one, closing(pool_at(clock, there)) as other:
        waits = [round(sent(pool, *many(100, "example.org"))[0].wait) for pool in (one, other) * 2]
    assert waits == [5, 10, 15, 20]


NIGHT = datetime(2026, 6, 1, 23, 59, 59, tzinfo=UTC).timestamp()


def test_tokens_of_yesterday_add_nothing_to_what_may_go_today(sink: Sink, clock: Clock) -> None:
    there = relay(sink, Limits(warm_up=WarmUp(date(2026, 6, 1), (40, 40, 1_000))))
    clock.now = NIGHT
    with closing(pool_at(clock, there)) as late, closing(pool_at(clock, there)) as early:
        outcomes = late.hand_over(to(*many(9, "example.org")))
        assert next(outcomes).result is Result.ACCEPTED
        clock.now += 2
        today = count(sent(early, *many(60, "example.org")))
        outcomes.close()
        assert today[Result.ACCEPTED] == 30, "a quarter is for urgent ones"
        assert count(sent(early, "ada@example.org")) == {Result.HELD_BACK: 1}
        clock.now -= 3
        assert count(sent(late, "ada@example.org")) == ACCEPTED, "they are yesterday's again"


@pytest.mark.parametrize("rate", [1 / DAY, 7 / DAY, 1 / HOUR])
def test_the_slowest_rates_are_kept_and_used(buckets: Buckets, clock: Clock, rate: float) -> None:
    take_all(buckets, bucket(rate))
    total = 0
    for _ in range(400):
        clock.now += 0.25 / rate
        total += take_all(buckets, bucket(rate))

    assert total == pytest.approx(100, abs=1)


def test_what_is_counted_often_takes_nothing_from_a_slow_bucket(
    buckets: Buckets, clock: Clock, valkey: Redis
) -> None:
    slow = bucket(1 / DAY)
    take_all(buckets, slow)
    before = float(valkey.hget(slow.key, "tokens") or 0)
    for _ in range(500):
        clock.now += 0.02
        buckets.look([slow], [1])

    took = float(valkey.hget(slow.key, "tokens") or 0) - before
    assert took == pytest.approx(10 / DAY, rel=0.01)


def test_a_slow_bucket_is_kept_at_least_until_it_is_full(buckets: Buckets, valkey: Redis) -> None:
    for rate, seconds in ((1 / DAY, 2 * DAY), (20.0, DAY)):
        slow = bucket(rate, str(rate))
        take(buckets, slow)
        assert seconds <= int(valkey.ttl(slow.key)) <= seconds + HOUR
