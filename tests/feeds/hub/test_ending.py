"""Feeds that end, since a topic was merged or retired: subscriptions end with them, and foreign hubs are told."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_network
from urllib.parse import parse_qs

import pytest
from django.test import Client
from pytest_django import Settings

from dispatcher.briefs import curating
from dispatcher.feeds import publishing, websub
from dispatcher.feeds.models_hub import HubPing, HubSubscription
from tests.feeds.hub.asking import let_pass, ping, push, subscribe, verify
from tests.feeds.releasing import MARCH, release
from tests.makers import make_topic
from tests.outbound.peers import peer

pytestmark = pytest.mark.django_db(transaction=True)
FOLDER = "http://news.example.org/feeds"
ENDING = ("topics/fog.atom", "any/fog,ice.json", "not/fog.rss")


@pytest.fixture(autouse=True)
def topics(settings: Settings) -> None:
    settings.OUTBOUND_NETWORKS = (ip_network("127.0.0.0/8"),)
    for name in ("Fog", "Ice", "Tides"):
        make_topic(name)
    release("News", topics=[make_topic("Fog")], at=MARCH)
    publishing.build_all()


def retire() -> None:
    curating.retire("fog", by="ada")
    publishing.republish()


def merge() -> None:
    curating.merge("fog", "tides", by="ada")
    publishing.republish()


def retire_and_build_all() -> None:
    curating.retire("fog", by="ada")
    publishing.build_all()


@pytest.mark.parametrize("end", [retire, merge, retire_and_build_all])
def test_subscriptions_end_with_their_feed_and_their_callbacks_are_told(
    end: Callable[[], None],
) -> None:
    with peer() as own:
        for number, feed in enumerate((*ENDING, "topics/ice.atom")):
            subscribe(f"{own.url}/{number}", topic=f"{FOLDER}/{feed}")
        asked = len(own.asked)
        end()
        push()
        verify()
        publishing.republish()
        push()
    told = [each.query for each in own.asked[asked:]]
    assert {each["hub.mode"] for each in told} == {"denied"}
    assert sorted(each["hub.topic"] for each in told) == sorted(f"{FOLDER}/{one}" for one in ENDING)
    left = HubSubscription.objects.get(ended_at=None)
    assert left.topic.url == f"{FOLDER}/topics/ice.atom"
    assert set(HubSubscription.objects.exclude(pk=left.pk).values_list("ended_reason")) == {
        ("feed ended",)
    }


def test_foreign_hubs_are_told_and_find_the_feed_gone(client: Client, settings: Settings) -> None:
    with peer() as hub:
        settings.FEED_HUBS = (hub.url,)
        HubPing.objects.all().delete()
        retire()
        let_pass(websub.SEEN)
        ping()
        told = {parse_qs(each.body.decode())["hub.url"][0] for each in hub.asked}
    assert {f"{FOLDER}/topics/fog.{form}" for form in ("atom", "rss", "json")} <= told
    assert client.get("/feeds/topics/fog.atom").status_code == 410
