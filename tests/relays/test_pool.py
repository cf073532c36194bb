"""Connections kept and replaced, and the next relay when one is away."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
import pytest_django

from dispatcher.errors import RelayUnreachable
from dispatcher.relays import choosing
from dispatcher.relays import pool as pools
from dispatcher.relays.outcomes import Outcome, Parcel, Result
from dispatcher.relays.pool import Pool
from dispatcher.relays.relay import Relay
from tests.relays.test_smtp import ADA, BO, CY, parcels
from tests.sinks import Fate, Sink, refusing_url, silent_url


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as running:
        yield running


def make_pool(*urls: str) -> Pool:
    return Pool([Relay.of(url, timeout=0.5) for url in urls])


def results(pool: Pool, *addresses: str) -> list[Result]:
    return [outcome.result for outcome in pool.hand_over(parcels(*addresses))]


def test_outcomes_come_in_the_order_of_the_parcels(sink: Sink) -> None:
    sink.answers[BO] = "550 5.1.1 no such user"
    pool = make_pool(sink.url)
    outcomes = list(pool.hand_over(parcels(ADA, BO, CY)))
    pool.close()

    assert [(o.key, o.result) for o in outcomes] == [
        (1, Result.ACCEPTED),
        (2, Result.FAILED),
        (3, Result.ACCEPTED),
    ]


def test_parcels_are_taken_one_by_one_as_they_are_sent(sink: Sink) -> None:
    kept_when_asked = []

    def asked() -> Iterator[Parcel]:
        for parcel in parcels(ADA, BO, CY):
            kept_when_asked.append(len(sink.letters))
            yield parcel

    pool = make_pool(sink.url)
    list(pool.hand_over(asked()))
    pool.close()

    assert kept_when_asked == [0, 1, 2]


def test_a_connection_is_kept_from_greeting_through_batches(sink: Sink) -> None:
    pool = make_pool(sink.url)
    assert pool.greet() == sink.url.removeprefix("smtp://")
    assert results(pool, ADA, BO) == [Result.ACCEPTED] * 2
    assert results(pool, CY) == [Result.ACCEPTED]
    pool.close()

    assert sink.connections == 1


def test_a_connection_that_the_relay_closed_between_batches_is_replaced(sink: Sink) -> None:
    pool = make_pool(sink.url)
    assert results(pool, ADA) == [Result.ACCEPTED]
    sink.hang_up()
    assert results(pool, BO) == [Result.ACCEPTED]
    pool.close()

    assert sink.connections == 2


def test_a_connection_that_lay_idle_for_long_is_replaced(
    sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = make_pool(sink.url)
    results(pool, ADA)
    monkeypatch.setattr(pools, "IDLE_SECONDS", 0.0)
    results(pool, BO)
    pool.close()

    assert sink.connections == 2


@pytest.mark.parametrize(
    ("fate", "result"),
    [(Fate.CUT_AFTER_DOT, Result.UNKNOWN), (Fate.CUT_AT_DATA, Result.DEFERRED)],
)
def test_after_a_cut_the_following_letters_go_over_a_new_connection(
    sink: Sink, fate: Fate, result: Result
) -> None:
    sink.fates[ADA] = sink.fates[CY] = fate
    pool = make_pool(sink.url)
    given = results(pool, ADA, BO, CY, BO)
    pool.close()

    assert given == [result, Result.ACCEPTED, result, Result.ACCEPTED]
    assert sink.connections == 3


def test_after_421_the_following_letters_go_over_a_new_connection(sink: Sink) -> None:
    sink.answers[ADA] = "421 4.3.2 closing down"
    pool = make_pool(sink.url)
    given = results(pool, BO, ADA, BO)
    pool.close()

    assert given == [Result.ACCEPTED, Result.DEFERRED, Result.ACCEPTED]
    assert sink.connections == 2


def test_a_living_second_relay_is_used_when_the_first_is_dead(sink: Sink) -> None:
    with refusing_url() as dead:
        pool = make_pool(dead, sink.url)
        outcomes = list(pool.hand_over(parcels(ADA, BO)))
        pool.close()

    assert {o.relay for o in outcomes} == {sink.url.removeprefix("smtp://")}
    assert sink.addresses == [ADA, BO]


def test_the_second_relay_is_used_when_the_first_refuses_the_password(sink: Sink) -> None:
    with Sink(users={"ada": "right"}) as first:
        pool = make_pool(first.url.replace("//", "//ada:wrong@"), sink.url)
        assert results(pool, BO) == [Result.ACCEPTED]
        pool.close()

    assert sink.addresses == [BO]


def test_a_relay_that_dies_between_letters_hands_over_to_the_second(sink: Sink) -> None:
    with Sink() as first:
        pool = make_pool(first.url, sink.url)
        outcomes = pool.hand_over(parcels(ADA, BO, CY))
        given = [next(outcomes).result]
    given += [outcome.result for outcome in outcomes]
    pool.close()

    assert given == [Result.ACCEPTED, Result.DEFERRED, Result.ACCEPTED]
    assert (first.addresses, sink.addresses) == ([ADA], [CY])


def test_when_every_relay_is_dead_the_refusal_names_them_and_the_setting() -> None:
    with refusing_url() as dead, silent_url() as silent:
        pool = make_pool(dead, silent)
        with pytest.raises(RelayUnreachable) as refusal:
            list(pool.hand_over(parcels(ADA, BO)))

    words = str(refusal.value)
    assert "\n" not in words
    for named in ("RELAY_URL", dead.removeprefix("smtp://"), silent.removeprefix("smtp://")):
        assert named in words


def test_a_refused_password_is_told_in_the_relays_words_without_the_password() -> None:
    with Sink(users={"ada": "right"}) as sink:
        pool = make_pool(sink.url.replace("//", "//ada:hunter2@"))
        with pytest.raises(RelayUnreachable, match=r"535 5\.7\.8 Authentication") as refusal:
            pool.greet()
    assert "hunter2" not in str(refusal.value)


def test_a_relay_that_breaks_every_connection_is_given_up_and_the_rest_is_not_begun(
    sink: Sink,
) -> None:
    addresses = [f"reader{n}@example.org" for n in range(50)]
    sink.fates = dict.fromkeys(addresses, Fate.CUT_AT_RCPT)
    pool = make_pool(sink.url)
    outcomes: list[Outcome] = []
    with pytest.raises(RelayUnreachable):
        outcomes.extend(pool.hand_over(parcels(*addresses)))

    *tried, last = outcomes
    assert [o.result for o in tried] == [Result.DEFERRED] * choosing.BREAKS
    assert (last.result, "RELAY_URL" in last.text) == (Result.HELD_BACK, True), "it never left"
    assert 29 < last.wait <= 30, "until the relay is tried again"
    assert sink.connections == choosing.BREAKS


def test_a_relay_that_takes_no_letters_of_ours_gives_way_to_the_second(sink: Sink) -> None:
    addresses = [f"reader{n}@example.org" for n in range(10)]
    with Sink(users={"ada": "right"}) as first:
        pool = make_pool(first.url, sink.url)
        given = results(pool, *addresses)
        pool.close()

    assert given == [Result.DEFERRED] * choosing.BREAKS + [Result.ACCEPTED] * (10 - choosing.BREAKS)
    assert sink.addresses == addresses[choosing.BREAKS :]


def test_no_parcels_open_no_connection(sink: Sink) -> None:
    assert results(make_pool(sink.url)) == []
    assert sink.connections == 0


def test_without_any_relay_it_is_said_how_to_set_one(settings: pytest_django.Settings) -> None:
    settings.RELAY_URLS = ()
    with pytest.raises(RelayUnreachable, match="Set RELAY_URL"):
        pools.configured()


def test_a_connection_that_is_spent_is_replaced_in_the_midst_of_a_batch(sink: Sink) -> None:
    pool = Pool([replace(Relay.of(sink.url), messages=2)])
    assert results(pool, ADA, BO, CY, ADA, BO) == [Result.ACCEPTED] * 5
    pool.close()

    assert sink.connections == 3


def test_an_idle_connection_is_closed_though_no_batch_comes(
    sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pools, "IDLE_SECONDS", 0.02)
    pool = make_pool(sink.url)
    results(pool, ADA)
    assert pool._timer
    pool._timer.join(5)
    assert not pool._sessions

    monkeypatch.undo()
    assert results(pool, BO) == [Result.ACCEPTED]
    pool.close()
    assert sink.connections == 2


def test_a_connection_in_use_is_not_closed_by_the_idle_timer(
    sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = make_pool(sink.url)
    outcomes = pool.hand_over(parcels(ADA, BO))
    next(outcomes)
    monkeypatch.setattr(pools, "IDLE_SECONDS", 0.0)
    timer = threading.Thread(target=pool._close_idle)
    timer.start()
    timer.join()
    monkeypatch.undo()
    assert [outcome.result for outcome in outcomes] == [Result.ACCEPTED]
    pool.close()

    assert sink.connections == 1


def test_two_threads_that_watch_at_once_set_one_timer(
    sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the timer's own thread does when it has closed what was idle, and a batch that ends then."""
    made = []
    both = threading.Barrier(2)

    class Slow(threading.Timer):
        def __init__(self, *args: Any) -> None:
            made.append(self)
            with suppress(threading.BrokenBarrierError):
                both.wait(0.2)
            super().__init__(*args)

    pool = make_pool(sink.url)
    results(pool, ADA)
    assert pool._timer
    pool._timer.cancel()
    pool._timer = None
    monkeypatch.setattr(threading, "Timer", Slow)
    other = threading.Thread(target=pool._watch)
    other.start()
    pool._watch()
    other.join()
    pool.close()

    assert len(made) == 1
