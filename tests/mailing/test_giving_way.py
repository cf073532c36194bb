"""Routine letters stand aside while urgent ones go out, and never for long."""

from __future__ import annotations

import time
from typing import Any

import pytest
from redis import Redis

from dispatcher import signs
from dispatcher.mailing import dispatching, giving_way, matching
from dispatcher.mailing.giving_way import Way
from tests.makers import make_brief, make_reader, make_topic


def test_a_routine_batch_waits_until_the_urgent_letters_are_gone() -> None:
    giving_way.announce()
    Way(is_urgent=False).give()
    assert not signs.is_there(signs.URGENT)


def test_a_routine_batch_waits_no_longer_than_its_patience(valkey: Redis) -> None:
    signs.leave(signs.URGENT, kept=60)
    way = Way(is_urgent=False)
    began = time.monotonic()
    way.give()
    assert time.monotonic() - began >= giving_way.MOST
    asked = valkey.info("commandstats")["cmdstat_exists"]["calls"]
    for _ in range(10 * giving_way.EVERY):
        way.give()
    stats = valkey.info("commandstats")["cmdstat_exists"]
    assert stats["calls"] == asked  # its patience is at an end, so it does not even look


def test_an_urgent_batch_announces_itself_and_waits_for_none(valkey: Redis) -> None:
    signs.leave(signs.URGENT, kept=60)
    Way(is_urgent=True).give()
    assert 0 < int(valkey.pttl("dispatcher:sign:urgent letters")) <= giving_way.LASTS * 1000


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_urgent", [True, False])
def test_an_urgent_brief_is_announced_as_soon_as_it_is_matched(
    is_urgent: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(giving_way, "LASTS", 60.0)
    topic = make_topic()
    make_reader(any_of=[topic])
    dispatch = dispatching.release(make_brief(topics=[topic], urgent=is_urgent), by="ada")
    matching.match(dispatch.pk)
    assert signs.is_there(signs.URGENT) == is_urgent


def test_without_valkey_nobody_waits(settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    giving_way.announce()
    way = Way(is_urgent=False)
    way.give()
    assert not signs.is_there(signs.URGENT)
    assert way._patience > 0
