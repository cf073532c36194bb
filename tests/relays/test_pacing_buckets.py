"""Token buckets in a real Valkey: what is granted, what is promised, what a refusal does."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from time import monotonic

import pytest
from django.conf import settings
from redis import Redis

from dispatcher.relays.buckets import DAY, Answer, Bucket, Buckets
from dispatcher.relays.relay import WarmUp
from tests.relays.clocks import Clock

DAYS = "dispatcher:pace:a:days"


def bucket(rate: float | None, name: str = "a") -> Bucket:
    return Bucket(f"dispatcher:pace:{name}", rate)


def take(buckets: Buckets, *of: Bucket, letters: int = 100, is_urgent: bool = False) -> Answer:
    return buckets.take(letters, of, DAYS, None, is_urgent=is_urgent)


def take_all(buckets: Buckets, *of: Bucket, is_urgent: bool = False) -> int:
    """What is there to be had at this moment."""
    total = 0
    while granted := take(buckets, *of, is_urgent=is_urgent).granted:
        total += granted
    return total


def test_without_a_limit_letters_go_in_lumps(buckets: Buckets) -> None:
    assert take(buckets, bucket(None), letters=40) == Answer(40)
    assert take(buckets, bucket(None), letters=500) == Answer(100)


def test_no_more_than_a_second_is_granted_at_once(buckets: Buckets) -> None:
    assert take(buckets, bucket(20.0)) == Answer(20)


def test_a_quiet_bucket_holds_five_seconds_and_a_quarter_is_for_urgent_letters(
    buckets: Buckets,
) -> None:
    assert take_all(buckets, bucket(20.0)) == 75
    assert take_all(buckets, bucket(20.0), is_urgent=True) == 25


@pytest.mark.parametrize("rate", [0.58, 3.0, 20.0, 700.0])
def test_over_time_the_rate_is_kept_and_used(buckets: Buckets, clock: Clock, rate: float) -> None:
    take_all(buckets, bucket(rate))
    total = 0
    for _ in range(200):
        clock.now += 3.0
        total += take_all(buckets, bucket(rate))

    assert total == pytest.approx(600 * rate, abs=1)


def test_a_letter_needs_a_token_of_its_group_and_of_its_relay(buckets: Buckets) -> None:
    relay, gmail = bucket(4.0), bucket(100.0, "gmail")
    assert take_all(buckets, relay, gmail) == 15
    answer = take(buckets, relay, gmail)
    assert (answer.short, answer.rate) == (0, 4.0)
    assert take_all(buckets, bucket(100.0, "gmail")) == 375 - 15


def test_those_who_wait_are_promised_turns_one_after_another(
    buckets: Buckets, clock: Clock
) -> None:
    take_all(buckets, bucket(20.0))  # which ends with a promise, too
    waits = [take(buckets, bucket(20.0)).wait for _ in range(3)]

    assert waits == pytest.approx([10, 15, 20], abs=0.01)
    clock.now += 5
    assert take_all(buckets, bucket(20.0)) == pytest.approx(100, abs=1), "what it waited for"


def test_promises_end_within_a_quarter_of_an_hour_and_then_they_are_spread(
    buckets: Buckets, clock: Clock
) -> None:
    waits = []
    for _ in range(2_000):
        waits.append(take(buckets, bucket(20.0)).wait)
        clock.now += 0.0137

    assert max(waits) <= 900
    assert len({round(wait) for wait in waits[-200:]}) > 50


def test_a_promise_given_back_brings_the_next_ones_forward(buckets: Buckets) -> None:
    take_all(buckets, bucket(20.0))
    first = take(buckets, bucket(20.0))
    buckets.give_back(
        0, [bucket(20.0)], DAYS, is_urgent=False, promised=first.short, unused=first.promised, day=0
    )

    assert take(buckets, bucket(20.0)).wait == pytest.approx(first.wait, abs=0.01)


def test_tokens_given_back_can_be_taken_again(buckets: Buckets) -> None:
    take_all(buckets, bucket(20.0))
    buckets.give_back(15, [bucket(20.0)], DAYS, is_urgent=False, promised=-1, unused=0, day=0)

    assert take_all(buckets, bucket(20.0)) == 15


def test_urgent_letters_never_wait_behind_routine_ones(buckets: Buckets, clock: Clock) -> None:
    for _ in range(50):
        take(buckets, bucket(20.0))
    take_all(buckets, bucket(20.0), is_urgent=True)

    urgent = take(buckets, bucket(20.0), is_urgent=True)
    assert urgent.wait <= 10.01
    clock.now += urgent.wait
    assert take(buckets, bucket(20.0)).granted == 0, "while urgent ones wait"
    assert take(buckets, bucket(20.0), is_urgent=True).granted == 20


def test_a_look_takes_nothing_and_says_no_to_a_few_tokens(buckets: Buckets, clock: Clock) -> None:
    assert take(buckets, bucket(20.0), letters=0).granted
    assert take_all(buckets, bucket(20.0)) == 75
    clock.now += 0.1
    assert take(buckets, bucket(20.0), letters=0).wait > 0
    clock.now += 0.2
    assert take(buckets, bucket(20.0), letters=0).granted


def test_a_refusal_halves_the_configured_rate_and_empties_the_bucket(buckets: Buckets) -> None:
    sending(buckets, bucket(20.0), at=20)
    assert buckets.halve(bucket(20.0), letters=0) == pytest.approx(10, rel=0.05)
    assert take_all(buckets, bucket(20.0), is_urgent=True) == 0


def sending(buckets: Buckets, of: Bucket, *, at: int) -> None:
    """Ten seconds of letters at that rate, up to now."""
    clock = buckets._clock
    assert isinstance(clock, Clock)
    for _ in range(10):
        buckets.look([of], [at])
        clock.now += 1.0


def test_where_no_rate_is_configured_the_one_that_was_observed_is_halved(buckets: Buckets) -> None:
    sending(buckets, bucket(None), at=800)
    assert buckets.halve(bucket(None), letters=800) == pytest.approx(400, rel=0.15)


def test_the_observed_rate_is_right_from_the_first_second(buckets: Buckets, clock: Clock) -> None:
    buckets.look([bucket(None)], [1_000])
    assert buckets.halve(bucket(None), letters=0) == pytest.approx(500, rel=0.15)


def test_a_refusal_of_a_trickle_leaves_room_for_what_comes_next(buckets: Buckets) -> None:
    buckets.look([bucket(None)], [1])
    assert buckets.halve(bucket(None), letters=0) == 5


def test_refusals_within_ten_seconds_are_one_event(buckets: Buckets, clock: Clock) -> None:
    sending(buckets, bucket(None), at=800)
    first = buckets.halve(bucket(None), letters=0)
    clock.now += 9.9
    assert buckets.halve(bucket(None), letters=0) == pytest.approx(first)
    clock.now += 0.2
    buckets.look([bucket(None)], [4_000])
    assert buckets.halve(bucket(None), letters=0) == pytest.approx(first / 2)


def test_an_imposed_limit_grows_in_quiet_minutes_until_it_is_gone(
    buckets: Buckets, clock: Clock
) -> None:
    sending(buckets, bucket(None), at=800)
    first = buckets.halve(bucket(None), letters=0)
    seen = []
    for _ in range(7):
        clock.now += 60
        seen += buckets.look([bucket(None)], [0])

    assert seen[:6] == pytest.approx([first * 1.25**n for n in range(1, 7)], rel=0.001)
    assert seen[6] is None, "past double the rate that was refused"
    assert take(buckets, bucket(None)) == Answer(100)


def test_an_imposed_limit_is_gone_when_it_reaches_the_configured_one(
    buckets: Buckets, clock: Clock
) -> None:
    sending(buckets, bucket(20.0), at=20)
    buckets.halve(bucket(20.0), letters=0)
    clock.now += 180
    assert buckets.look([bucket(20.0)], [0]) == [pytest.approx(19.5, rel=0.05)]
    clock.now += 60
    assert buckets.look([bucket(20.0)], [0]) == [None]
    assert take(buckets, bucket(20.0)).granted == 20


def test_no_refusal_stops_a_relay_altogether(buckets: Buckets, clock: Clock) -> None:
    for _ in range(40):
        buckets.halve(bucket(None), letters=1)
        buckets.halve(bucket(0.5, "slow"), letters=1)
        clock.now += 10
    assert buckets.halve(bucket(None), letters=1) == 1
    assert buckets.halve(bucket(0.5, "slow"), letters=1) == 0.0625


PLAN = WarmUp(date(2026, 6, 1), (40, 100))


@pytest.mark.parametrize(("days", "routine", "urgent"), [(-1, 0, 0), (0, 30, 10), (1, 75, 25)])
def test_a_warm_up_plan_is_kept_by_the_day(
    buckets: Buckets, clock: Clock, days: int, routine: int, urgent: int
) -> None:
    clock.now += days * 86_400
    for is_urgent, most in ((False, routine), (True, urgent)):
        total = 0
        while granted := buckets.take(7, [bucket(None)], DAYS, PLAN, is_urgent=is_urgent).granted:
            total += granted
        assert total == most

    answer = buckets.take(1, [bucket(None)], DAYS, PLAN, is_urgent=True)
    assert answer.short == DAY
    assert 12 * 3_600 <= answer.wait <= 12 * 3_600 + 600, "until the next day, UTC"
    buckets.give_back(
        5, [bucket(None)], DAYS, is_urgent=False, promised=-1, unused=0, day=answer.day
    )
    assert buckets.take(9, [bucket(None)], DAYS, PLAN, is_urgent=True).granted == min(5, urgent)


def test_after_the_warm_up_plan_there_is_no_maximum(buckets: Buckets, clock: Clock) -> None:
    clock.now += 2 * 86_400
    for _ in range(20):
        assert buckets.take(100, [bucket(None)], DAYS, PLAN, is_urgent=False) == Answer(100)


def test_workers_together_never_take_more_than_the_rate(valkey: Redis) -> None:
    """By Valkey's own clock, from several threads with connections of their own."""

    def greedy(_: int) -> int:
        own = Buckets(settings.REDIS_URL)
        return sum(take(own, bucket(200.0)).granted for _ in range(150))

    began = monotonic()
    with ThreadPoolExecutor(4) as threads:
        total = sum(threads.map(greedy, range(4)))
    took = monotonic() - began

    assert 750 <= total <= 750 + 200.0 * took + 1


def test_a_valkey_that_was_wiped_knows_the_script_again(buckets: Buckets, valkey: Redis) -> None:
    take(buckets, bucket(20.0))
    valkey.script_flush()
    valkey.flushall()
    assert take(buckets, bucket(20.0)) == Answer(20)


def test_who_is_left_alone_is_told_for_as_long(buckets: Buckets) -> None:
    buckets.note_away("a", "Connection refused", 30)
    (first, second) = buckets.away(["a", "b"])
    assert first[0] == "Connection refused"
    assert 29 < first[1] <= 30
    assert second == ("", 0.0)

    buckets.note_away("a", "", 0)
    assert buckets.away(["a"]) == [("", 0.0)]


def test_a_turn_is_as_long_as_the_letters_that_wait_for_it(buckets: Buckets) -> None:
    take_all(buckets, bucket(20.0))
    first = take(buckets, bucket(20.0)).wait
    few = buckets.take(0, [bucket(20.0)], DAYS, None, is_urgent=False, waiting=10)
    assert few.letters == 10
    assert few.wait == pytest.approx(first + 0.5, abs=0.01)
