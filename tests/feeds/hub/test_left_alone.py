"""Callbacks and hubs that have too much to do and say for how long: they are left alone until then."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_network

import pytest
from pytest_django import Settings

from dispatcher.feeds import websub
from dispatcher.feeds.hub import errands
from dispatcher.feeds.models_hub import HubSubscription
from tests.feeds.hub.asking import FEED, ask, let_pass, ping, publish, push, subscribe, verify
from tests.outbound.peers import Answered, Asked, echo, peer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def loopback_is_allowed(settings: Settings) -> None:
    settings.OUTBOUND_NETWORKS = (ip_network("127.0.0.0/8"),)


@pytest.mark.parametrize("status", [429, 503])
def test_a_callback_that_asks_to_be_left_alone_is_as_far_as_our_longest_pause(status: int) -> None:
    asked = "300"

    def busy(_: Asked) -> Answered:
        return Answered(status, headers={"Retry-After": asked})

    with peer() as own:
        subscribe(own.url)
        own.answer = busy
        publish()
        push()
        let_pass(timedelta(seconds=290))
        push()
        assert len(own.of("POST")) == 1
        let_pass(timedelta(seconds=11))
        asked = "9999999"
        push()
        assert len(own.of("POST")) == 2
        let_pass(errands.PAUSES[-1] - timedelta(seconds=9))
        push()
        assert len(own.of("POST")) == 2
        let_pass(timedelta(seconds=10))
        asked = "1"
        push()
        let_pass(timedelta(seconds=290))
        push()
        assert len(own.of("POST")) == 3, "our own pauses are no shorter for it"


@pytest.mark.parametrize("status", [429, 503])
def test_a_callback_that_asks_to_be_left_alone_for_a_while_is_asked_then(status: int) -> None:
    with peer(lambda _: Answered(status, headers={"Retry-After": "300"})) as own:
        ask(own.url)
        verify()
        let_pass(timedelta(seconds=290))
        verify()
        assert len(own.asked) == 1
        own.answer = echo
        let_pass(timedelta(seconds=11))
        verify()
    assert (len(own.asked), HubSubscription.objects.count()) == (2, 1)


def test_a_hub_that_asks_to_be_left_alone_for_a_while_is_told_then(settings: Settings) -> None:
    with peer(lambda _: Answered(503, headers={"Retry-After": "300"})) as hub:
        settings.FEED_HUBS = (hub.url,)
        websub.announce([FEED])
        let_pass(websub.SEEN)
        ping()
        let_pass(timedelta(seconds=290))
        ping()
        assert len(hub.asked) == 1
        let_pass(timedelta(seconds=11))
        ping()
    assert len(hub.asked) == 2
