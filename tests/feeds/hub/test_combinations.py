"""Combinations of topics that somebody has pushed: they are kept whatever strangers ask for, or refused."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_network
from itertools import combinations

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from dispatcher.feeds import keeping, publishing
from dispatcher.feeds.hub import verifying
from dispatcher.feeds.models import FeedChannel
from dispatcher.feeds.models_hub import HubRequest, HubSubscription
from tests.feeds.hub.asking import ask, publish, push, subscribe, verify
from tests.makers import make_topic
from tests.outbound.peers import peer

pytestmark = pytest.mark.django_db(transaction=True)
FOLDER = "http://news.example.org/feeds"
PAIR = f"{FOLDER}/any/fog,ice.atom"


@pytest.fixture(autouse=True)
def little_room(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.OUTBOUND_NETWORKS = (ip_network("127.0.0.0/8"),)
    monkeypatch.setattr(keeping, "MOST", 3)
    for name in ("Fog", "Ice", "Tides", "Wind"):
        make_topic(name)
    publishing.build_all()


def kept() -> set[str]:
    return set(FeedChannel.objects.filter(is_standing=False).values_list("key", flat=True))


def nobody_asks_for(span: timedelta) -> None:
    FeedChannel.objects.update(asked_at=timezone.now() - span)


def strangers_ask() -> None:
    for pair in combinations(("fog", "ice", "tides", "wind"), 2):
        nobody_asks_for(timedelta(days=2))
        assert Client().get(f"/feeds/each/{','.join(pair)}.rss").status_code == 200


def test_strangers_end_nobodys_push_with_combinations_of_theirs() -> None:
    with peer() as own:
        subscribe(own.url, topic=PAIR)
        strangers_ask()
        assert len(kept()) == 3
        publish(topics=[make_topic("Fog")])
        push()
    assert [b"Pilots return" in asked.body for asked in own.of("POST")] == [True]


def test_a_feed_that_is_to_be_pushed_is_kept_while_its_callback_is_yet_to_agree() -> None:
    ask("https://reader.example.org/", topic=PAIR)
    strangers_ask()
    assert "any/fog,ice" in kept()
    HubRequest.objects.all().delete()
    strangers_ask()
    assert "any/fog,ice" not in kept()


def test_a_feed_is_forgotten_once_nobody_has_it_pushed() -> None:
    with peer() as own:
        subscribe(own.url, topic=PAIR)
    nobody_asks_for(timedelta(days=60))
    assert (keeping.forget(), kept()) == (0, {"any/fog,ice"})
    HubSubscription.objects.update(expires_at=timezone.now())
    assert (keeping.forget(), kept()) == (1, set())


def test_a_combination_that_there_is_no_room_for_is_refused_and_any_other_feed_is_not() -> None:
    for pair in ("fog,tides", "fog,wind", "ice,tides"):
        assert Client().get(f"/feeds/any/{pair}.atom").status_code == 200
    answer = ask("https://reader.example.org/", topic=PAIR)
    assert (answer.status_code, answer["Retry-After"]) == (429, "3600")
    assert "combinations" in answer.content.decode()
    assert not HubRequest.objects.exists()
    for feed in ("any/fog,tides.rss", "topics/ice.json", "all.atom", "urgent.atom"):
        assert ask("https://reader.example.org/", topic=f"{FOLDER}/{feed}").status_code == 202


def test_who_finds_the_room_gone_before_its_callback_was_asked_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with peer() as own:
        assert ask(own.url, topic=PAIR).status_code == 202
        FeedChannel.objects.filter(is_standing=False).delete()
        monkeypatch.setattr(keeping, "MOST", 0)
        verifying.verify()
        verify()
    [asked] = own.asked
    assert (asked.query["hub.mode"], "combinations" in asked.query["hub.reason"]) == (
        "denied",
        True,
    )
    assert not HubSubscription.objects.exists()
