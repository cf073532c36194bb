"""What a pool holds back and sends on, with limits configured or imposed: real relays, a real Valkey."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from pytest_django import Settings
from redis import Redis

from dispatcher.errors import RelayUnreachable
from dispatcher.relays import choosing
from dispatcher.relays.domains import Groups
from dispatcher.relays.outcomes import Outcome, Parcel, Result
from dispatcher.relays.pacing import Pacing, spoken
from dispatcher.relays.pool import Pool
from dispatcher.relays.relay import Limits, Relay, WarmUp
from tests.relays.test_smtp import DATA
from tests.sinks import Sink


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as running:
        yield running


def relay(sink: Sink, limits: Limits | None = None, *, order: int = 0, weight: int = 1) -> Relay:
    there = Relay.of(sink.url, timeout=2)
    return replace(there, limits=limits or Limits(), order=order, weight=weight)


@contextmanager
def pool_of(*relays: Relay) -> Iterator[Pool]:
    pool = Pool(relays)
    try:
        yield pool
    finally:
        pool.close()


def to(*addresses: str) -> list[Parcel]:
    return [Parcel(n, "b@news.example.org", address, DATA) for n, address in enumerate(addresses)]


def many(number: int, domain: str) -> list[str]:
    return [f"r{n}@{domain}" for n in range(number)]


def sent(pool: Pool, *addresses: str, is_urgent: bool = False) -> list[Outcome]:
    return list(pool.hand_over(to(*addresses), is_urgent=is_urgent))


def count(outcomes: list[Outcome]) -> dict[Result, int]:
    return dict(Counter(outcome.result for outcome in outcomes))


def commands(valkey: Redis) -> int:
    return int(valkey.info("stats")["total_commands_processed"])


def test_without_any_limit_a_batch_asks_valkey_nothing(sink: Sink, valkey: Redis) -> None:
    with pool_of(relay(sink)) as pool:
        sent(pool, "ada@example.org")  # which looks, once in a second
        before = commands(valkey)
        pool._pacing.look_at += 60
        assert pool.wait(is_urgent=False) == 0.0
        assert count(sent(pool, *many(20, "gmail.com"))) == {Result.ACCEPTED: 20}
        assert commands(valkey) == before + 1, "the one that asks how many there were"


def test_beyond_the_limit_of_a_group_its_letters_are_held_back_and_others_go(sink: Sink) -> None:
    addresses = [a for pair in zip(many(9, "gmail.com"), many(9, "example.org")) for a in pair]  # noqa: B905
    with pool_of(relay(sink, Limits(groups={"gmail": 1.0}))) as pool:
        outcomes = sent(pool, *addresses)

    assert [outcome.key for outcome in outcomes] == list(range(18)), "in order"
    held = [outcome for outcome in outcomes if outcome.result is Result.HELD_BACK]
    assert {addresses[outcome.key].partition("@")[2] for outcome in held} == {"gmail.com"}
    assert len(held) == 9 - 3, "a quiet bucket holds five, of which a quarter is for urgent ones"
    port = sink.port
    assert held[0].relay == f"127.0.0.1:{port}"
    assert held[0].text == f"gmail through 127.0.0.1:{port} takes 60 a minute now"
    assert all(1 <= outcome.wait <= 30 for outcome in held)
    assert len(sink.letters) == 12


def test_what_is_held_back_in_a_batch_is_told_times_one_after_another(sink: Sink) -> None:
    with pool_of(relay(sink, Limits(rate=1.0))) as pool:
        held = [o for o in sent(pool, *many(100, "example.org")) if o.result is Result.HELD_BACK]

    waits = sorted({round(outcome.wait) for outcome in held})
    assert waits == [30, 60, 90, 120]
    assert held == sorted(held, key=lambda outcome: round(outcome.wait))


def test_where_one_relay_has_no_room_letters_go_by_the_next(sink: Sink) -> None:
    with Sink() as second, pool_of(relay(sink, Limits(rate=1.0)), relay(second, order=1)) as pool:
        outcomes = sent(pool, *many(60, "example.org"))

    assert count(outcomes) == {Result.ACCEPTED: 60}
    assert (len(sink.letters), len(second.letters)) == (3, 57)
    assert sink.connections == second.connections == 1


def test_where_no_relay_has_room_the_one_that_will_first_is_named(sink: Sink) -> None:
    slow, quick = Limits(rate=0.01), Limits(rate=1.0)
    with Sink() as second, pool_of(relay(sink, slow), relay(second, quick)) as pool:
        held = [o for o in sent(pool, *many(20, "example.org")) if o.result is Result.HELD_BACK]
        assert {outcome.relay for outcome in held} == {f"127.0.0.1:{second.port}"}


def test_what_a_batch_did_not_need_is_there_for_the_next_worker(sink: Sink) -> None:
    limited = relay(sink, Limits(rate=8.0))
    with pool_of(limited) as one, pool_of(limited) as other:
        results = [count(sent(pool, *many(3, "example.org"))) for pool in (one, other) * 5]
    assert results == [{Result.ACCEPTED: 3}] * 10, "thirty of eight times five, less a quarter"


def test_urgent_letters_go_where_routine_ones_are_held_back(sink: Sink) -> None:
    with pool_of(relay(sink, Limits(rate=4.0))) as pool:
        assert count(sent(pool, *many(40, "example.org")))[Result.HELD_BACK] == 25
        assert count(sent(pool, *many(5, "example.org"), is_urgent=True)) == {Result.ACCEPTED: 5}


def test_a_batch_for_a_relay_that_is_full_waits_before_it_is_begun(sink: Sink) -> None:
    with pool_of(relay(sink, Limits(rate=4.0))) as pool:
        assert pool.wait(is_urgent=False) == 0.0
        sent(pool, *many(40, "example.org"))
        first, second = pool.wait(is_urgent=False), pool.wait(is_urgent=False)
        assert 1 <= first < second, "each is promised a turn of its own"
        assert pool.wait(is_urgent=True) == 0.0


@pytest.mark.parametrize("answer", ["421 4.7.28 unusual rate", "450 4.7.1 slow down"])
def test_a_refusal_for_the_pace_slows_the_group_and_holds_its_rest_back(
    sink: Sink, answer: str
) -> None:
    addresses = [*many(6, "gmail.com"), *many(3, "example.org"), "late@gmail.com"]
    sink.answers["r5@gmail.com"] = answer
    with pool_of(relay(sink)) as pool:
        outcomes = sent(pool, *addresses)
        assert [o.result for o in outcomes] == [
            *[Result.ACCEPTED] * 5,
            Result.DEFERRED,
            *[Result.ACCEPTED] * 3,
            Result.HELD_BACK,
        ]
        assert "gmail" in outcomes[-1].text
        with pool_of(relay(sink)) as another:
            sent(another, "ada@example.org")
            limits = another._pacing.relays[outcomes[-1].relay].imposed
            assert limits == {"gmail": pytest.approx(5, abs=0.5)}


def test_what_another_worker_met_with_is_known_within_a_second(sink: Sink) -> None:
    with pool_of(relay(sink)) as pool, pool_of(relay(sink)) as another:
        sent(pool, "ada@gmail.com")
        another._pacing.slow_down(relay(sink), "gmail")
        assert count(sent(pool, "ada@gmail.com")) == {Result.ACCEPTED: 1}
        pool._pacing.look_at = 0.0  # the second is over
        assert count(sent(pool, "ada@gmail.com")) == {Result.HELD_BACK: 1}


def test_a_grey_list_of_one_domain_slows_nobody(sink: Sink) -> None:
    sink.answers = dict.fromkeys(many(9, "example.org"), "451 4.7.1 greylisted")
    with pool_of(relay(sink)) as pool:
        outcomes = sent(pool, *many(9, "example.org"), "ada@gmail.com")
    assert outcomes[-1].result is Result.ACCEPTED


def test_a_relay_that_refuses_one_letter_after_another_for_the_pace_is_slowed(sink: Sink) -> None:
    sink.answers = dict.fromkeys(many(30, "example.org"), "450 4.7.1 too much mail from you")
    with pool_of(relay(sink)) as pool:
        outcomes = sent(pool, *many(30, "example.org"), "ada@gmail.com")
    assert count(outcomes) == {Result.DEFERRED: 10, Result.HELD_BACK: 21}
    assert outcomes[-1].text.startswith(f"127.0.0.1:{sink.port} takes 3")


@pytest.mark.parametrize(
    ("answer", "before", "is_slowed"),
    [
        ("421 too busy", 0, True),
        ("421 4.3.2 closing down", 0, False),
        ("421 Max message per connection reached", 12, False),
        ("421 4.7.0 too many letters", 12, True),
    ],
)
def test_a_421_is_for_the_pace_unless_it_only_ends_the_connection(
    sink: Sink, answer: str, before: int, is_slowed: bool
) -> None:
    sink.answers["ada@example.org"] = answer
    with pool_of(relay(sink)) as pool:
        outcomes = sent(pool, *many(before, "example.org"), "ada@example.org", "bo@example.org")
    last = Result.HELD_BACK if is_slowed else Result.ACCEPTED
    assert [outcome.result for outcome in outcomes[before:]] == [Result.DEFERRED, last]


@contextmanager
def greeting_421() -> Iterator[str]:
    """A relay that takes no conversation, and says why."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"421 4.7.0 too many connections from you\r\n")
                connection.recv(1024)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"smtp://127.0.0.1:{server.getsockname()[1]}"
        thread.join()


def test_a_421_for_a_greeting_slows_the_whole_relay() -> None:
    with greeting_421() as url, pool_of(Relay.of(url, timeout=2)) as pool:
        with pytest.raises(RelayUnreachable, match="too many connections"):
            pool.greet()
        pool._pacing.look()
        (paced,) = pool._pacing.relays.values()
        assert paced.imposed == {"": 5}


def test_without_valkey_relays_with_a_limit_take_nothing_and_the_others_go_on(
    sink: Sink, settings: Settings
) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    with pool_of(relay(sink)) as free, pool_of(relay(sink, Limits(rate=5.0))) as limited:
        assert count(sent(free, "ada@gmail.com")) == {Result.ACCEPTED: 1}
        (held,) = sent(limited, "ada@gmail.com")
        assert limited.wait(is_urgent=True) > 0
    assert held.result is Result.HELD_BACK
    assert "while Valkey is away" in held.text
    assert 1 <= held.wait <= 15


def test_beyond_the_days_maximum_the_next_relay_takes_letters_or_tomorrow(sink: Sink) -> None:
    today = datetime.now(UTC).date()
    warming = Limits(warm_up=WarmUp(today - timedelta(days=1), (4, 8)))
    with Sink() as old:
        with pool_of(relay(sink, warming), relay(old, order=1)) as pool:
            assert count(sent(pool, *many(10, "example.org"))) == {Result.ACCEPTED: 10}
            assert (len(sink.letters), len(old.letters)) == (6, 4)
        with pool_of(relay(sink, warming)) as alone:
            (held,) = sent(alone, "ada@example.org")
            assert alone.wait(is_urgent=False) > 0
    assert held.text.endswith("has taken what its warm-up plan allows for today")
    assert held.wait <= 86_400 + 600


def test_a_relay_that_is_away_leaves_its_letters_to_the_next_and_keeps_no_tokens(
    sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = Relay("127.0.0.1", 1, timeout=1, limits=Limits(rate=1.0))
    with pool_of(gone, relay(sink, order=1)) as pool:
        assert count(sent(pool, *many(5, "example.org"))) == {Result.ACCEPTED: 5}
        monkeypatch.setattr(choosing, "LEAVE_ALONE_SECONDS", 0.0)
        again = Pacing([gone], Groups())
        assert (
            again.buckets.take(
                9, again.relays[gone.name].buckets_for(""), "days", None, is_urgent=True
            ).granted
            == 1
        )


@pytest.mark.parametrize(
    ("rate", "words"),
    [
        (700.0, "700 a second"),
        (20.0, "20 a second"),
        (1.5, "90 a minute"),
        (0.5787, "35 a minute"),
        (0.01, "36 an hour"),
        (0.00001, "1 a day"),
    ],
)
def test_a_rate_reads_as_a_person_would_say_it(rate: float, words: str) -> None:
    assert spoken(rate) == words
