"""What the tests of the hub have in common: a feed, callbacks on loopback, and time that is travelled."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.db import connections
from django.db.models import F
from django.test import Client

from dispatcher.feeds import publishing
from dispatcher.feeds.hub import pinging, pushing, verifying
from dispatcher.feeds.models_hub import HubPing, HubRequest, HubSubscription, HubTopic
from tests.feeds.releasing import release

FEED = "http://news.example.org/feeds/all.atom"


def publish(headline: str = "Pilots return", **said: Any) -> None:
    publishing.publish(release(headline, **said).pk)


def ask(
    callback: str, mode: str = "subscribe", topic: str = FEED, visitor: str = "", **fields: str
) -> Any:
    """The hub's answer to a request as a program makes it, without a token of any kind."""
    form = {"hub.mode": mode, "hub.callback": callback, "hub.topic": topic}
    form |= {f"hub.{name}": value for name, value in fields.items()}
    form = {name: value for name, value in form.items() if value}
    client = Client(enforce_csrf_checks=True, REMOTE_ADDR=visitor or "127.0.0.1")
    return client.post("/feeds/hub", form)


def verify() -> None:
    """What the queue would have done with the requests that are due."""
    for _ in range(HubRequest.objects.count()):
        verifying.verify()


def subscribe(callback: str, topic: str = FEED, **fields: str) -> HubSubscription:
    """A subscription that its callback has agreed to."""
    assert ask(callback, topic=topic, **fields).status_code == 202
    verify()
    return HubSubscription.objects.get(topic__url=topic, callback=callback)


def push() -> None:
    """What the queue would have done with all subscriptions."""
    for subscription in HubSubscription.objects.order_by("pk"):
        pushing.push(subscription.pk)


def ping() -> None:
    for each in HubPing.objects.order_by("pk"):
        pinging.ping(each.pk)


@contextmanager
def from_elsewhere() -> Iterator[None]:
    """Rows as another process sees them; for what a callback looks at while it is called."""
    try:
        yield
    finally:
        connections.close_all()


def let_pass(span: timedelta) -> None:
    """As if so much time had gone by: every moment in the hub's rows lies that much further back."""
    for model in (HubRequest, HubSubscription, HubPing, HubTopic):
        moments = [
            field.name for field in model._meta.fields if field.name.endswith(("_at", "_until"))
        ]
        model.objects.update(**{name: F(name) - span for name in moments})
