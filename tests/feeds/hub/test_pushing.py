"""Our hub pushes: the served octets, signed, once for each change, until the callback has them."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from ipaddress import ip_network

import pytest
from django.db import connections, transaction
from django.test import Client
from django.utils import timezone
from pytest_django import Settings
from redis import Redis

from dispatcher import metrics, queue
from dispatcher.feeds import websub
from dispatcher.feeds.hub import errands, pushing, standing, sweeping
from dispatcher.feeds.models_hub import HubRequest, HubSubscription, HubTopic
from tests.feeds.hub.asking import FEED, from_elsewhere, let_pass, publish, push, subscribe, verify
from tests.makers import make_topic
from tests.outbound.peers import Answered, Asked, Peer, echo, peer, raw

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def loopback_is_allowed(settings: Settings) -> None:
    settings.OUTBOUND_NETWORKS = (ip_network("127.0.0.0/8"),)


def posts(own: Peer) -> list[Asked]:
    return own.of("POST")


def answering(status: int) -> Callable[[Asked], Answered]:
    return lambda asked: Answered(status) if asked.method == "POST" else echo(asked)


def test_what_is_pushed_is_what_is_served_and_signed(client: Client) -> None:
    with peer() as own:
        subscribe(own.url, secret="s3cret")
        publish()
        push()
    [pushed] = posts(own)
    served = client.get("/feeds/all.atom")
    assert b"Pilots return" in pushed.body
    assert pushed.body == served.content
    assert pushed.headers["Content-Type"] == served["Content-Type"]
    assert pushed.headers["Link"] == served["Link"]
    signature = hmac.new(b"s3cret", pushed.body, hashlib.sha256).hexdigest()
    assert pushed.headers["X-Hub-Signature"] == f"sha256={signature}"


def test_without_a_secret_nothing_is_signed() -> None:
    with peer() as own:
        subscribe(own.url)
        publish()
        push()
    assert "X-Hub-Signature" not in posts(own)[0].headers


def test_one_push_for_each_change_whatever_runs_twice(valkey: Redis) -> None:
    with peer() as own:
        subscribe(own.url)
        push()
        assert posts(own) == [], "nothing has changed since"
        publish("One")
        for _ in range(3):
            push()
        assert len(posts(own)) == 1
        publish("Two")
        publish("Three")
        push()
        push()
    assert len(posts(own)) == 2, "what is newest was pushed once for both"
    assert b"Three" in posts(own)[1].body


def test_of_two_workers_at_once_one_pushes() -> None:
    def one(_: int) -> None:
        try:
            pushing.push(subscription.pk)
        finally:
            connections.close_all()

    with peer() as own, ThreadPoolExecutor(4) as threads:
        subscription = subscribe(own.url)
        publish()
        list(threads.map(one, range(4)))
    assert len(posts(own)) == 1


def test_only_who_subscribed_to_a_feed_that_changed_is_told() -> None:
    tides = "http://news.example.org/feeds/topics/tides.rss"
    make_topic("Tides")
    with peer() as own:
        subscribe(f"{own.url}/all")
        subscribe(f"{own.url}/tides", topic=tides)
        publish(topics=[make_topic("Harbours")])
        push()
        assert [each.path for each in posts(own)] == ["/all"]
        publish("High water", topics=[make_topic("Tides")])
        push()
    assert sorted(each.path for each in posts(own)[1:]) == ["/all", "/tides"]
    [rss] = [each for each in posts(own) if each.path == "/tides"]
    assert rss.headers["Content-Type"] == "application/rss+xml; charset=utf-8"
    assert f'<{tides}>; rel="self"' in rss.headers["Link"]


def test_a_change_that_is_not_committed_is_not_told(valkey: Redis) -> None:
    with peer() as own:
        subscribe(own.url)
        valkey.flushall()
        with transaction.atomic():
            websub.announce([FEED])
            transaction.set_rollback(True)
        assert queue.is_empty(queue.OUTBOUND)
        push()
    assert posts(own) == []


def test_a_feed_that_nobody_subscribes_to_leaves_no_row() -> None:
    publish()
    assert not HubTopic.objects.exists()


def test_a_failed_push_is_tried_again_at_growing_pauses_with_what_is_newest_then() -> None:
    with peer(answering(500)) as own:
        subscription = subscribe(own.url)
        publish("One")
        push()
        push()
        assert len(posts(own)) == 1
        subscription.refresh_from_db()
        assert "500" in subscription.said
        publish("Two")
        push()
        assert len(posts(own)) == 1, "its pause is not over"
        let_pass(timedelta(seconds=11))
        push()
        assert b"Two" in posts(own)[1].body
        let_pass(timedelta(seconds=11))
        push()
        assert len(posts(own)) == 2, "the second pause is longer"
        let_pass(timedelta(seconds=50))
        own.answer = echo
        push()
        push()
    assert len(posts(own)) == 3
    subscription.refresh_from_db()
    assert (subscription.attempts, subscription.said) == (0, "")


def test_after_a_day_it_is_given_up_until_the_next_change_and_ends_with_its_lease() -> None:
    with peer(answering(500)) as own:
        subscription = subscribe(own.url)
        publish()
        for pause in (*errands.PAUSES, timedelta(days=1), timedelta(days=1)):
            push()
            let_pass(pause + timedelta(seconds=1))
        assert len(posts(own)) == len(errands.PAUSES) + 1
        assert sum(errands.PAUSES, timedelta()) > timedelta(hours=20)
        publish("Another")
        push()
        assert len(posts(own)) == len(errands.PAUSES) + 2
        let_pass(timedelta(days=10))
        sweeping.sweep()
    subscription.refresh_from_db()
    assert subscription.ended_reason == "expired"


def test_410_ends_it() -> None:
    with peer(answering(410)) as own:
        subscription = subscribe(own.url)
        publish("One")
        push()
        publish("Two")
        push()
    assert len(posts(own)) == 1
    subscription.refresh_from_db()
    assert subscription.ended_reason == "gone"


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 404, 429, 503])
def test_any_other_answer_is_no_end(status: int) -> None:
    with peer(answering(status)) as own:
        subscription = subscribe(own.url)
        publish()
        push()
    subscription.refresh_from_db()
    assert (subscription.ended_at, subscription.attempts) == (None, 1)
    assert len(posts(own)) == 1, "no redirect is followed"


def test_a_feed_that_has_ended_ends_its_subscriptions_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with peer() as own:
        subscribe(own.url)
        publish()
        monkeypatch.setattr(pushing, "served", lambda _: None)
        push()
        verify()
        assert HubSubscription.objects.get().ended_reason == "feed ended"
    assert posts(own) == []
    assert own.asked[-1].query["hub.mode"] == "denied"
    assert not HubRequest.objects.exists()


def test_a_feed_that_cannot_be_read_harms_only_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: str) -> None:
        raise ValueError("a bug of ours")

    with peer() as own:
        subscription = subscribe(own.url)
        publish()
        with monkeypatch.context() as patched:
            patched.setattr(pushing, "served", broken)
            push()
        subscription.refresh_from_db()
        assert "log" in subscription.said
        let_pass(timedelta(seconds=11))
        push()
    assert len(posts(own)) == 1


def test_a_callback_that_turned_private_is_not_called(settings: Settings) -> None:
    with peer() as own:
        subscription = subscribe(own.url)
        publish()
        settings.OUTBOUND_NETWORKS = ()
        push()
    assert posts(own) == []
    subscription.refresh_from_db()
    assert "public internet" in subscription.said


def test_a_host_that_hangs_holds_up_few_and_is_left_alone_for_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(errands, "CALL_SECONDS", 0.3)
    with peer() as own:
        for number in range(6):
            subscribe(f"{own.url}/{number}")
        publish()
        taken = []

        def hang(connection: object, is_over: object) -> None:
            taken.append(1)
            is_over.wait(10)  # type: ignore[attr-defined]

        with raw(hang) as silent:
            for subscription in HubSubscription.objects.all():
                path = subscription.callback.removeprefix(own.url)
                subscription.callback = silent + path
                subscription.save()
            push()
            push()
            assert len(taken) == 1, "the others of this host wait"
    let_pass(timedelta(seconds=11))
    assert errands.behind().count() == 6


def test_one_host_is_called_by_few_at_the_same_time() -> None:
    with peer() as own:
        for number in range(4):
            subscribe(f"{own.url}/{number}")
        publish()
        held = [errands.claim(errands.behind(), host="127.0.0.1") for _ in range(3)]
        assert [len(each) for each in held] == [1, 1, 0]
        let_pass(errands.LEASE + timedelta(seconds=1))
        push()
    assert len(posts(own)) == 4


def test_an_announcement_posts_a_few_jobs_for_each_host_and_they_see_to_all(valkey: Redis) -> None:
    with peer() as own:
        for number in range(7):
            subscribe(f"{own.url}/{number}")
        valkey.flushall()
        publish()
        assert valkey.llen(queue.OUTBOUND) == errands.PER_HOST
        pushing.push(HubSubscription.objects.latest("pk").pk)
    assert len({each.path for each in posts(own)}) == 7


def test_after_a_while_a_job_lets_others_go_first_and_gives_back_what_it_has_not_begun(
    valkey: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    with peer() as own:
        for number in range(3):
            subscribe(f"{own.url}/{number}")
        publish()
        valkey.flushall()
        monkeypatch.setattr(errands, "BUDGET", 0.0)
        pushing.push(HubSubscription.objects.latest("pk").pk)
        assert len(posts(own)) == 1
        assert valkey.llen(queue.OUTBOUND) == 1
        left = HubSubscription.objects.filter(told=0)
        assert [(each.holder, each.attempts) for each in left] == [("", 0), ("", 0)]
        push()
    assert len(posts(own)) == 3


def test_what_a_lost_worker_had_in_hand_is_pushed_again(valkey: Redis) -> None:
    with peer() as own:
        subscribe(own.url)
        publish()
        valkey.flushall()
        HubSubscription.objects.update(
            holder="gone", attempts=1, lease_until=timezone.now() + timedelta(seconds=5)
        )
        push()
        assert posts(own) == []
        let_pass(timedelta(seconds=16))
        sweeping.sweep()
        assert valkey.llen(queue.OUTBOUND) == 1
        push()
    assert len(posts(own)) == 1


def test_a_worker_that_was_overtaken_undoes_nothing() -> None:
    def slowly(asked: Asked) -> Answered:
        if asked.method == "POST":
            with from_elsewhere():
                HubSubscription.objects.update(holder="another")
            return Answered(410)
        return echo(asked)

    with peer(slowly) as own:
        subscription = subscribe(own.url)
        publish()
        push()
    subscription.refresh_from_db()
    assert (subscription.ended_at, subscription.holder) == (None, "another")


def test_pushes_are_counted_by_what_became_of_them() -> None:
    def counted() -> dict[str, float]:
        samples = [sample for metric in metrics.collect() for sample in metric.samples]
        return {
            sample.labels["result"]: sample.value
            for sample in samples
            if sample.name == "dispatcher_pushes_total" and sample.labels["kind"] == "push"
        }

    before = counted()
    with peer(answering(500)) as own:
        subscribe(own.url)
        publish()
        push()
        let_pass(timedelta(seconds=11))
        own.answer = echo
        push()
    after = counted()
    assert after["refused"] - before.get("refused", 0) == 1
    assert after["taken"] - before.get("taken", 0) == 1


def test_how_push_stands_is_told_without_what_nobody_should_know() -> None:
    with peer(answering(500)) as own:
        subscribe(f"{own.url}/c?token=abc", secret="s3cret")
        publish()
        push()
        [one] = standing.subscribers()
    assert (one.feed, one.callback, one.is_signed) == ("/feeds/all.atom", f"{own.url}/c", True)
    assert one.trouble == "it answered 500"
    assert standing.counts() == standing.Counts(subscriptions=1, failing=1, hubs_failing=0)
    HubTopic.objects.update(url="http://news.example.org/feeds/mine/secret.atom")
    assert [each.feed for each in standing.subscribers()] == ["a reader's own feed"]
