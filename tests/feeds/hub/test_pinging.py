"""Foreign hubs are told of each feed that changed: once, again when they fail, and not when push is off."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_network
from urllib.parse import parse_qs

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings
from redis import Redis

from dispatcher import environment, queue
from dispatcher.feeds import websub
from dispatcher.feeds.hub import errands, standing, sweeping
from dispatcher.feeds.models_hub import HubPing, HubTopic
from tests.feeds.hub.asking import FEED, let_pass, ping, publish
from tests.outbound.peers import Answered, peer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def loopback_is_allowed(settings: Settings) -> None:
    settings.OUTBOUND_NETWORKS = (ip_network("127.0.0.0/8"),)


def test_every_feed_that_changed_is_told_once_to_every_hub(
    settings: Settings, valkey: Redis
) -> None:
    with peer() as one, peer() as other:
        settings.FEED_HUBS = (f"{one.url}/hub", other.url)
        publish()
        ping()
        assert not one.asked, "it would fetch what a web process has not seen yet"
        let_pass(websub.SEEN)
        for _ in range(3):
            ping()
        forms = [parse_qs(asked.body.decode()) for asked in one.asked]
        told = {form["hub.url"][0] for form in forms}
        assert (
            len(told) == len(forms) == len(other.asked) == 9
        )  # all, a topic, a kind; in three formats
        assert FEED in told
        assert all(form["hub.mode"] == ["publish"] for form in forms)
        assert all(form["hub.topic"] == form["hub.url"] for form in forms)
        assert one.asked[0].headers["Content-Type"] == "application/x-www-form-urlencoded"
        publish("Another")
        let_pass(websub.SEEN)
        ping()
        assert len(one.asked) == 18


def test_no_foreign_hub_learns_of_a_readers_own_feed(settings: Settings) -> None:
    settings.FEED_HUBS = ("https://hub.example.org/", "own")
    secret = "http://news.example.org/feeds/mine/secret.atom"
    websub.announce([secret])
    assert not HubTopic.objects.exists()
    HubTopic.objects.create(url=secret)
    websub.announce([secret, FEED])
    assert [each.topic.url for each in HubPing.objects.all()] == [FEED]
    assert "hub.example.org" not in websub.link_header(secret)
    assert websub.hubs_of(secret) == ()
    assert websub.hubs_of(FEED)[0] == "https://hub.example.org/"


def test_a_hub_that_fails_is_told_again_later(settings: Settings) -> None:
    with peer(lambda _: Answered(500)) as hub:
        settings.FEED_HUBS = (hub.url,)
        websub.announce([FEED])
        let_pass(websub.SEEN)
        ping()
        ping()
        assert len(hub.asked) == 1
        assert standing.counts().hubs_failing == 1
        let_pass(errands.PAUSES[0] + timedelta(seconds=1))
        hub.answer = lambda _: Answered(204)
        ping()
        ping()
    assert len(hub.asked) == 2
    assert standing.counts().hubs_failing == 0


def test_a_lost_nudge_is_swept(settings: Settings, valkey: Redis) -> None:
    settings.FEED_HUBS = ("https://hub.example.org/",)
    websub.announce([FEED, FEED])
    assert valkey.llen(queue.OUTBOUND) == 1
    valkey.flushall()
    let_pass(timedelta(seconds=16))
    sweeping.sweep()
    sweeping.sweep()
    assert valkey.llen(queue.OUTBOUND) == 1


def test_a_hub_that_is_set_no_longer_is_not_told(settings: Settings) -> None:
    with peer() as hub:
        settings.FEED_HUBS = (hub.url,)
        websub.announce([FEED])
        settings.FEED_HUBS = ("own",)
        ping()
    assert hub.asked == []


def test_push_can_be_off(settings: Settings) -> None:
    settings.FEED_HUBS = ()
    publish()
    assert not HubTopic.objects.exists()
    assert not HubPing.objects.exists()
    assert websub.hubs() == ()


@pytest.mark.parametrize(
    ("value", "means"),
    [
        ("", ("own",)),
        ("own", ("own",)),
        ("none", ()),
        ("https://hub.example.org/ own", ("https://hub.example.org/", "own")),
        ("http://a.example/ http://a.example/", ("http://a.example/",)),
    ],
)
def test_the_setting_names_hubs(
    monkeypatch: pytest.MonkeyPatch, value: str, means: tuple[str, ...]
) -> None:
    monkeypatch.setenv("FEED_HUB_URL", value)
    assert environment.hubs("FEED_HUB_URL") == means


@pytest.mark.parametrize(
    "value", ["hub", "ftp://x/", "https://u:p@hub.example/", "none own", "https://h/>"]
)
def test_what_is_no_hub_is_refused_at_the_start(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("FEED_HUB_URL", value)
    with pytest.raises(ImproperlyConfigured, match="FEED_HUB_URL"):
        environment.hubs("FEED_HUB_URL")
