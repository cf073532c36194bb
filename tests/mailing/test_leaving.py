"""Leaving by many at once: each last letter is written once, and nudged without haste."""

from __future__ import annotations

import pytest
from redis import Redis

from dispatcher import queue
from dispatcher.audience import consent
from dispatcher.audience.models import Consent, Subscriber
from dispatcher.audience.rules import Rule
from dispatcher.mailing import leaving, notices
from dispatcher.mailing.models import Notice
from tests.makers import make_brief, make_dispatch, make_reader, make_topic
from tests.meanwhile import overtaken

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notices, "_nudged_at", float("-inf"))


def test_of_two_who_end_the_last_two_rules_at_once_one_bids_farewell() -> None:
    tides, fog = make_topic("Tides"), make_topic("Fog")
    reader = make_reader("ada@example.org", any_of=[tides])
    consent.subscribe(reader, Rule(topics=frozenset({fog.pk})), source="a test")
    of_fog = make_dispatch(make_brief("Fog", topics=[fog]))
    of_tides = make_dispatch(make_brief("Tides", topics=[tides]))
    assert (
        overtaken(
            lambda: leaving.leave_stream(reader.pk, of_fog.pk, source="another click"),
            by=lambda: leaving.leave_stream(reader.pk, of_tides.pk, source="a click"),
        )
        == 1
    )
    reader.refresh_from_db()
    assert reader.state == Subscriber.State.LEFT
    assert reader.consents.filter(act=Consent.Act.LEFT).count() == 2
    assert Notice.objects.get().facts["rules"] == "Briefs on Fog."


def test_who_is_gone_by_now_has_nothing_to_end() -> None:
    reader = make_reader(any_of=[make_topic("Tides")])
    rules = list(consent.live(reader))
    stranger = Subscriber(pk=reader.pk + 1, address="bob@example.org")
    assert consent.leave(stranger, rules, source="a click") == 0
    assert consent.live(reader).exists()


def test_farewells_are_nudged_once_a_second_and_the_rest_by_the_next_sweep(
    valkey: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    tides = make_topic("Tides")
    now = 1000.0
    monkeypatch.setattr("dispatcher.mailing.notices.monotonic", lambda: now)
    for number in range(3):
        reader = make_reader(f"r{number}@example.org", any_of=[tides])
        leaving.stop_everything(reader.pk, source="a click")
    assert valkey.llen(queue.URGENT) == 1
    now += 1
    reader = make_reader("r3@example.org", any_of=[tides])
    leaving.stop_everything(reader.pk, source="a click")
    assert valkey.llen(queue.URGENT) == 2
    assert notices.sweep() == 2, "those that nobody nudged yet"
    assert notices.sweep() == 0
    assert valkey.llen(queue.URGENT) == 4


def test_other_notices_never_wait(valkey: Redis) -> None:
    for _ in range(3):
        notices.post(Notice.Kind.CONFIRM, to="ada@example.org", link="http://news.example.org/x")
    assert valkey.llen(queue.URGENT) == 3
