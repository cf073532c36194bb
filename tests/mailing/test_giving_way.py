"""Routine letters stand aside while urgent ones go out, and never for long."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from redis import Redis

from dispatcher.mailing import giving_way
from dispatcher.mailing.giving_way import Way


@pytest.fixture(autouse=True)
def _nothing_announced(settings: Any) -> Iterator[None]:
    valkey = Redis.from_url(settings.REDIS_URL)
    valkey.delete(giving_way.KEY)
    yield
    valkey.delete(giving_way.KEY)


def seconds_of(way: Way, letters: int = 1) -> float:
    began = time.monotonic()
    for _ in range(letters):
        way.give()
    return time.monotonic() - began


def test_a_routine_batch_waits_until_the_urgent_letters_are_gone() -> None:
    giving_way.announce()
    assert seconds_of(Way(is_urgent=False)) >= giving_way.LASTS - 0.1


def test_a_routine_batch_waits_no_longer_than_its_patience(settings: Any) -> None:
    Redis.from_url(settings.REDIS_URL).set(giving_way.KEY, 1, ex=60)
    way = Way(is_urgent=False)
    assert seconds_of(way) >= giving_way.MOST - 0.1
    asked = Redis.from_url(settings.REDIS_URL).info("commandstats")["cmdstat_exists"]["calls"]
    seconds_of(way, 10 * giving_way.EVERY)
    stats = Redis.from_url(settings.REDIS_URL).info("commandstats")["cmdstat_exists"]
    assert stats["calls"] == asked  # its patience is at an end, so it does not even look


def test_an_urgent_batch_announces_itself_and_waits_for_none(settings: Any) -> None:
    Way(is_urgent=True).give()
    assert Redis.from_url(settings.REDIS_URL).exists(giving_way.KEY)
    Redis.from_url(settings.REDIS_URL).set(giving_way.KEY, 1, ex=60)
    before = Redis.from_url(settings.REDIS_URL).ttl(giving_way.KEY)
    assert before > 1
    seconds_of(Way(is_urgent=True))
    assert Redis.from_url(settings.REDIS_URL).pttl(giving_way.KEY) <= giving_way.LASTS * 1000


def test_without_valkey_nobody_waits(settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    giving_way.announce()
    assert seconds_of(Way(is_urgent=False)) < giving_way.LASTS
