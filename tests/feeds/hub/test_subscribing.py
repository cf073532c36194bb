"""Subscribing at our hub: taken at once, verified by the callback itself, replaced, ended."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone
from pytest_django import Settings
from redis import Redis

from dispatcher import queue
from dispatcher.audience import access
from dispatcher.feeds import documents, websub
from dispatcher.feeds.hub import limits, sweeping, verifying
from dispatcher.feeds.models_hub import HubRequest, HubSubscription
from tests.feeds.hub.asking import (
    FEED,
    ask,
    from_elsewhere,
    let_pass,
    publish,
    push,
    subscribe,
    verify,
)
from tests.makers import make_reader
from tests.outbound.peers import Answered, Asked, echo, peer

pytestmark = pytest.mark.django_db(transaction=True)
PUBLIC = "https://reader.example.org/callback"


@pytest.fixture(autouse=True)
def loopback_is_allowed(settings: Settings) -> None:
    settings.OUTBOUND_NETWORKS = (ip_network("127.0.0.0/8"),)


def live() -> int:
    return HubSubscription.objects.filter(ended_at=None).count()


def test_a_request_is_taken_at_once_and_the_callback_is_asked_by_a_job(valkey: Redis) -> None:
    with peer() as own:
        answer = ask(f"{own.url}/c?id=7", secret="s3cret", lease_seconds="7200")
        assert (answer.status_code, answer["Content-Type"]) == (202, "text/plain; charset=utf-8")
        assert (own.asked, live(), valkey.llen(queue.OUTBOUND)) == ([], 0, 1)
        verify()
        verify()
    [asked] = own.asked
    assert asked.path.startswith("/c?id=7&")
    assert asked.query["hub.mode"] == "subscribe"
    assert asked.query["hub.topic"] == FEED
    assert asked.query["hub.lease_seconds"] == "7200"
    assert len(asked.query["hub.challenge"]) > 30
    subscription = HubSubscription.objects.get()
    assert (subscription.secret, subscription.host) == ("s3cret", "127.0.0.1")
    assert abs(subscription.expires_at - timezone.now() - timedelta(hours=2)) < timedelta(minutes=1)
    assert not HubRequest.objects.exists()


@pytest.mark.parametrize(
    ("asked", "given"),
    [("", 864_000), ("1", 3_600), ("3600", 3_600), ("99999999999", 2_592_000), ("86400", 86_400)],
)
def test_a_lease_is_an_hour_to_thirty_days_and_ten_days_unless_asked(
    asked: str, given: int
) -> None:
    with peer() as own:
        subscribe(own.url, lease_seconds=asked)
    assert own.asked[0].query["hub.lease_seconds"] == str(given)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"mode": ""}, "hub.mode"),
        ({"mode": "publish"}, "hub.mode"),
        ({"callback": ""}, "hub.callback is missing"),
        ({"topic": ""}, "hub.topic is missing"),
        ({"callback": "reader"}, "hub.callback"),
        ({"callback": "ftp://reader.example.org/"}, "http://"),
        ({"callback": "http://ada:word@reader.example.org/"}, "password"),
        ({"callback": "http://reader.example.org/#a"}, "fragment"),
        ({"callback": "http://reader.example.org:25/"}, "port 25"),
        ({"callback": "http://10.0.0.1/"}, "public internet"),
        ({"callback": "http://169.254.169.254/latest/meta-data/"}, "public internet"),
        ({"callback": "http://0xa9fea9fe/"}, "public internet"),
        ({"callback": "http://[::1]/"}, "public internet"),
        ({"callback": "http://reader.example.org/\r\nHost: x"}, "ASCII"),
        ({"callback": "http://reader.example.org/" + "a" * 2_000}, "2,000"),
        ({"callback": "http://lesezeichen.example/ü"}, "ASCII"),
        ({"topic": "http://elsewhere.example.org/feeds/all.atom"}, "hub.topic"),
        ({"topic": "http://news.example.org/feeds/nothing.atom"}, "hub.topic"),
        ({"topic": "http://news.example.org/feeds/topics/none.atom"}, "hub.topic"),
        ({"topic": FEED + "?a=b"}, "hub.topic"),
        ({"topic": "http://news.example.org/desk/"}, "hub.topic"),
        ({"topic": FEED, "mode": "unsubscribe"}, "anybody subscribes"),
        ({"lease_seconds": "-1"}, "hub.lease_seconds"),
        ({"lease_seconds": "0"}, "hub.lease_seconds"),
        ({"lease_seconds": "soon"}, "hub.lease_seconds"),
        ({"lease_seconds": "9" * 5_000}, "hub.lease_seconds"),
        ({"lease_seconds": "٣٦٠٠"}, "hub.lease_seconds"),
        ({"secret": "x" * 200}, "hub.secret"),
        ({"secret": "ü" * 100}, "hub.secret"),
        ({"secret": "a\0b"}, "hub.secret"),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(wrong: dict[str, str], words: str) -> None:
    answer = ask(**{"callback": PUBLIC, **wrong})
    assert answer.status_code == 400
    assert words in answer.content.decode()
    assert answer.content.count(b"\n") == 1
    assert not HubRequest.objects.exists()


def test_a_request_that_is_far_too_large_or_no_form_is_refused() -> None:
    client = Client()
    assert client.post("/feeds/hub", {"hub.secret": "x" * 40_000}).status_code == 413
    assert client.post("/feeds/hub", b"\xff\x00", content_type="text/xml").status_code == 400
    assert client.put("/feeds/hub").status_code == 405


def test_a_name_that_leads_to_a_private_address_is_not_called(settings: Settings) -> None:
    settings.OUTBOUND_NETWORKS = ()
    with peer() as own:
        assert ask(own.url.replace("127.0.0.1", "localhost")).status_code == 202
        verify()
        assert (own.asked, live(), HubRequest.objects.count()) == ([], 0, 0)


def wrongly(answered: Answered) -> Any:
    return lambda _: answered


@pytest.mark.parametrize(
    "answer",
    [
        wrongly(Answered(404)),
        wrongly(Answered(200, b"yes")),
        wrongly(Answered(200, b"")),
        wrongly(Answered(200, b"\xff\xfe\x00" * 1_000)),
        wrongly(Answered(200, b"x" * 3_000_000)),
        lambda asked: Answered(302, headers={"Location": asked.path}),
        lambda asked: Answered(404, echo(asked).body),
        lambda asked: Answered(200, echo(asked).body + b"\n"),
        lambda asked: Answered(200, b" " + echo(asked).body),
        lambda asked: Answered(200, echo(asked).body + b"x" * 100_000),
    ],
    ids=[
        "404",
        "word",
        "empty",
        "binary",
        "huge",
        "302",
        "echoed 404",
        "line end",
        "space",
        "more",
    ],
)
def test_who_does_not_repeat_the_challenge_exactly_has_not_agreed(answer: Any) -> None:
    with peer(answer) as own:
        ask(own.url)
        verify()
        verify()
    assert (len(own.asked), live(), HubRequest.objects.count()) == (1, 0, 0)


def test_a_callback_that_is_away_for_a_moment_is_asked_again_three_times_in_all() -> None:
    with peer(wrongly(Answered(503))) as own:
        ask(own.url)
        verify()
        verify()
        assert len(own.asked) == 1
        let_pass(timedelta(seconds=11))
        verify()
        let_pass(timedelta(seconds=61))
        own.answer = echo
        verify()
        assert (len(own.asked), live()) == (3, 1)
    with peer(wrongly(Answered(500))) as other:
        ask(other.url)
        for _ in range(5):
            verify()
            let_pass(timedelta(minutes=2))
    assert (len(other.asked), live(), HubRequest.objects.count()) == (3, 1, 0)


def test_a_repeat_renews_the_lease_and_the_secret() -> None:
    with peer() as own:
        first = subscribe(own.url, secret="old", lease_seconds="3600")
        again = subscribe(own.url, secret="new", lease_seconds="86400")
    assert again.pk == first.pk
    assert again.secret == "new"
    assert again.expires_at - first.expires_at > timedelta(hours=22)


def test_until_the_callback_agrees_what_was_stays() -> None:
    with peer() as own:
        subscribe(own.url, secret="old")
        own.answer = wrongly(Answered(404))
        ask(own.url, secret="of a stranger")
        ask(own.url, "unsubscribe")
        verify()
        assert HubSubscription.objects.get(ended_at=None).secret == "old"
        own.answer = echo
        ask(own.url, "unsubscribe")
        verify()
    assert own.asked[-1].query["hub.mode"] == "unsubscribe"
    assert live() == 0
    assert HubSubscription.objects.get().ended_reason == "unsubscribed"


def test_of_two_requests_for_one_callback_the_later_counts_even_while_the_first_is_asked() -> None:
    def ask_for_more(asked: Asked) -> Answered:
        if asked.query["hub.lease_seconds"] == "3600":
            own.answer = echo
            with from_elsewhere():
                HubRequest.objects.update(lease_seconds=7_200, holder="", lease_until=None)
        return echo(asked)

    with peer(ask_for_more) as own:
        ask(own.url, lease_seconds="3600")
        verify()
        assert live() == 0, "its place was taken meanwhile"
        verify()
    assert [each.query["hub.lease_seconds"] for each in own.asked] == ["3600", "7200"]
    assert live() == 1


def test_a_lease_ends() -> None:
    with peer() as own:
        subscribe(own.url, lease_seconds="3600")
        let_pass(timedelta(minutes=61))
        publish()
        sweeping.sweep()
        assert HubSubscription.objects.get().ended_reason == "expired"
        assert len(own.asked) == 1
        let_pass(timedelta(days=31))
        sweeping.sweep()
        assert not HubSubscription.objects.exists()


def test_a_feed_that_ended_meanwhile_is_denied(monkeypatch: pytest.MonkeyPatch) -> None:
    with peer() as own:
        ask(own.url)
        monkeypatch.setattr(verifying, "served", lambda _: None)
        verify()
        verify()
    [asked] = own.asked
    assert asked.query["hub.mode"] == "denied"
    assert (asked.query["hub.topic"], "hub.challenge" in asked.query) == (FEED, False)
    assert asked.query["hub.reason"]
    assert (live(), HubRequest.objects.count()) == (0, 0)


def test_one_visitor_and_one_host_may_ask_so_often_an_hour(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.HUB_PER_VISITOR = 2
    assert [ask(PUBLIC).status_code for _ in range(3)] == [202, 202, 429]
    assert ask(PUBLIC)["Retry-After"] == "3600"
    settings.HUB_PER_VISITOR = 100
    monkeypatch.setattr(limits, "REQUESTS_PER_HOST", 3)
    answers = [ask("http://other.example.org/").status_code for _ in range(4)]
    assert answers == [202, 202, 202, 429]


def test_one_feed_and_one_host_have_so_many_subscriptions(monkeypatch: pytest.MonkeyPatch) -> None:
    with peer() as own:
        subscribe(own.url)
        monkeypatch.setattr(limits, "SUBSCRIPTIONS_PER_HOST", 1)
        assert ask(f"{own.url}/2").status_code == 429
        assert ask(PUBLIC).status_code == 202
        monkeypatch.setattr(limits, "SUBSCRIPTIONS_PER_FEED", 1)
        assert ask(PUBLIC).status_code == 429


def test_without_valkey_none_is_taken(settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert ask(PUBLIC).status_code == 503


def test_a_lost_nudge_is_swept(valkey: Redis) -> None:
    ask(PUBLIC)
    valkey.flushall()
    sweeping.sweep()
    assert queue.is_empty(queue.OUTBOUND), "it may be on its way"
    let_pass(timedelta(seconds=16))
    sweeping.sweep()
    sweeping.sweep()
    assert valkey.llen(queue.OUTBOUND) == 1


def test_a_request_of_a_lost_worker_is_taken_over() -> None:
    with peer() as own:
        ask(own.url)
        HubRequest.objects.update(holder="gone", lease_until=timezone.now() + timedelta(seconds=9))
        verify()
        assert own.asked == []
        let_pass(timedelta(seconds=10))
        verify()
    assert live() == 1


def test_nothing_is_called_inside_a_transaction() -> None:
    free = []

    def look(asked: Asked) -> Answered:
        """No transaction that the caller has open holds a row (`nowait` would fail)."""
        with from_elsewhere(), transaction.atomic():
            free.append(len(HubRequest.objects.select_for_update(nowait=True)))
            free.append(len(HubSubscription.objects.select_for_update(nowait=True)))
        return echo(asked)

    with peer(look) as own:
        subscribe(own.url)
        publish()
        push()
    assert free == [1, 0, 0, 1]


def test_the_page_says_what_the_hub_is_and_that_there_may_be_none(
    client: Client, settings: Settings
) -> None:
    page = client.get("/feeds/hub")
    assert page.status_code == 200
    assert "http://news.example.org/feeds/hub" in page.content.decode()
    settings.FEED_HUBS = ("https://hub.example.org/",)
    assert client.get("/feeds/hub").status_code == 404
    assert ask(PUBLIC).status_code == 404


def test_a_readers_own_feed_is_pushed_to_nobody(client: Client) -> None:
    """Its address opens it: it is named to no hub, and a hub that was told it would keep it."""
    token = access.feed_token(make_reader(all_of=[]).pk)
    own = f"http://news.example.org/feeds/mine/{token}.atom"
    assert client.get(own.removeprefix("http://news.example.org")).status_code == 200
    assert websub.hubs_of(own) == ()
    assert documents.served(own) is None
