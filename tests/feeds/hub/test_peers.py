"""With Flask-WebSub, which others wrote: its subscriber at our hub, and our feeds by its hub."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

import psutil
import pytest
from pytest_django import Settings

from dispatcher.feeds.hub import sweeping
from dispatcher.feeds.models_hub import HubPing, HubSubscription
from tests.feeds.hub.asking import let_pass, publish, subscribe
from tests.feeds.hub.running import address, certificate, flask_peer, site, start_worker
from tests.outbound.peers import Answered, Asked, echo, peer
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)


def test_its_subscriber_discovers_our_hub_subscribes_and_gets_what_is_published(
    tmp_path: Path, settings: Settings
) -> None:
    """Over TLS, for over anything else it takes no secret; so every push is verified by it."""
    settings.PUBLIC_URL = address("https")
    pem = certificate(tmp_path)
    publish("An old one")
    with (
        site(tmp_path / "ours", pem=pem, PUBLIC_URL=settings.PUBLIC_URL),
        flask_peer(tmp_path / "theirs", trusting=pem) as theirs,
    ):
        feed = f"{settings.PUBLIC_URL}/feeds/all.atom"
        found = theirs.do("subscribe", url=feed)
        assert found["topic_url"] == feed
        assert found["hub_url"] == f"{settings.PUBLIC_URL}/feeds/hub"
        until(lambda: theirs.said("agreed"))
        subscription = until(HubSubscription.objects.first)
        assert subscription.secret

        publish("A new one")
        [pushed] = until(lambda: theirs.said("pushed"))
        assert (pushed["topic"], pushed["callback"]) == (feed, found["callback"])
        assert "A new one" in pushed["pushed"]

        HubSubscription.objects.update(secret="another one, so that what we sign is wrong")
        until(lambda: HubSubscription.objects.get().told == 1)
        publish("A third one")
        until(lambda: HubSubscription.objects.get().told == 2)
        assert len(theirs.said("pushed")) == 1, "it did not believe the signature"

        theirs.do("unsubscribe", callback=found["callback"])
        until(lambda: HubSubscription.objects.get().ended_at)
        assert HubSubscription.objects.get().ended_reason == "unsubscribed"


def test_its_hub_takes_our_word_and_its_subscriber_gets_what_is_published(
    tmp_path: Path, settings: Settings
) -> None:
    settings.PUBLIC_URL = address()
    with flask_peer(tmp_path / "theirs", hub=settings.CELERY_BROKER_URL) as theirs:
        hub = f"{theirs.url}/hub"
        settings.FEED_HUBS = (hub,)
        publish("An old one")
        with site(tmp_path / "ours", PUBLIC_URL=settings.PUBLIC_URL, FEED_HUB_URL=hub):
            feed = f"{settings.PUBLIC_URL}/feeds/all.atom"
            found = theirs.do("subscribe", url=feed)
            assert found["hub_url"] == hub
            until(lambda: theirs.said("agreed"))
            publish("A new one")
            pushed = until(
                lambda: [each for each in theirs.said("pushed") if "A new" in each["pushed"]]
            )
            assert pushed[0]["topic"] == feed
            until(lambda: not HubPing.objects.filter(told=0).exists())


def test_a_worker_that_is_killed_while_it_pushes_loses_no_subscription(
    tmp_path: Path, settings: Settings
) -> None:
    settings.OUTBOUND_NETWORKS = (ip_network("127.0.0.0/8"),)
    settings.PUBLIC_URL = address()

    def kill(asked: Asked) -> Answered:
        if asked.method == "POST" and len(own.of("POST")) == 1:
            for process in victims:
                process.kill()
            return Answered(500)
        return echo(asked)

    with peer(kill) as own, site(tmp_path, PUBLIC_URL=settings.PUBLIC_URL) as ours:
        subscribe(own.url, topic=f"{settings.PUBLIC_URL}/feeds/all.atom")
        worker = psutil.Process(ours.pids()[1])
        victims = [*worker.children(recursive=True), worker]
        publish()
        until(lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE)
        ours.forget("outbound")
        assert HubSubscription.objects.get().holder
        start_worker(ours)
        let_pass(timedelta(seconds=21))
        sweeping.sweep()
        until(lambda: HubSubscription.objects.get().told == 1)
        assert len(own.of("POST")) == 2
