"""Whose callback is asked next: strangers who name hundreds that hang keep nobody else waiting."""

from __future__ import annotations

import json
from datetime import timedelta
from ipaddress import ip_network

import pytest
from django.db.models.functions import Now
from pytest_django import Settings
from redis import Redis

from dispatcher import queue
from dispatcher.feeds.hub import asking, errands, limits, pushing, sweeping, turns, verifying
from dispatcher.feeds.models_hub import HubRequest, HubSubscription
from tests.feeds.hub.asking import FEED, ask, from_elsewhere, let_pass, publish, subscribe
from tests.outbound.peers import Answered, Asked, echo, peer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def loopback_is_allowed(settings: Settings) -> None:
    settings.OUTBOUND_NETWORKS = (ip_network("127.0.0.0/8"),)


def wanted(visitor: str, host: str, name: str = "") -> None:
    """As if this visitor had asked for a callback of that host."""
    callback = f"http://{host}/{name}"
    asking.post("subscribe", topic=FEED, callback=callback, host=host, visitor=visitor)


def claimed() -> tuple[str, str] | None:
    request = turns.claim()
    return (request.visitor, request.host) if request else None


def fails(visitor: str) -> None:
    """The callback of this visitor that is being asked does not answer."""
    held = HubRequest.objects.filter(visitor=visitor).exclude(holder="").get()
    errands.settle(held, said="it hangs", due_at=Now() + timedelta(seconds=10))


def jobs(valkey: Redis) -> list[str]:
    """What waits to be done, the longest waiting first."""
    waiting = reversed(valkey.lrange(queue.OUTBOUND, 0, -1))
    return [json.loads(each)["headers"]["task"] for each in waiting]


def test_of_one_visitor_and_of_one_host_one_callback_is_asked_at_a_time() -> None:
    wanted("ada", "one.example.org")
    assert claimed() == ("ada", "one.example.org")
    wanted("ada", "two.example.org")
    wanted("bo", "one.example.org", "bo")
    assert claimed() is None, "one place is free, and neither of them may have it"
    wanted("cy", "three.example.org")
    assert claimed() == ("cy", "three.example.org")
    wanted("di", "four.example.org")
    assert claimed() is None, "pushes have the other threads"


def test_who_finds_no_place_posts_nothing_and_whoever_is_done_has_the_next_asked(
    valkey: Redis,
) -> None:
    with peer() as own:
        wanted("ada", "one.example.org")
        wanted("bo", "two.example.org")
        assert claimed()
        assert claimed()
        assert ask(own.url).status_code == 202
        valkey.flushall()
        verifying.verify()
        assert jobs(valkey) == []
        fails("ada")
        verifying.verify()
        assert HubSubscription.objects.count() == 1
        assert jobs(valkey) == [], "nobody waits"
        for number in range(3):
            ask(f"{own.url}/{number}")
        for left in (2, 1, 0):
            valkey.flushall()
            verifying.verify()
            assert jobs(valkey) == ["verify"] * min(left, 1)
    assert HubSubscription.objects.count() == 4


def test_hundreds_that_hang_keep_nobody_waiting_for_longer_than_the_calls_under_way() -> None:
    for number in range(100):
        wanted("mal", f"slow{number}.example.org")
        wanted("eve", f"slow{number}.example.net")
    assert {claimed(), claimed()} == {("mal", "slow0.example.org"), ("eve", "slow0.example.net")}
    for number in range(150):
        wanted("ada", "reader.example.org", str(number))
    assert claimed() is None
    fails("eve")
    assert claimed() == ("ada", "reader.example.org")
    wanted("bo", "other.example.org")
    fails("mal")
    assert claimed() == ("bo", "other.example.org")
    HubRequest.objects.exclude(holder="").delete()
    assert claimed() == ("ada", "reader.example.org"), "who has failed goes last"
    assert claimed() in {("mal", "slow1.example.org"), ("eve", "slow1.example.net")}


def test_who_waits_for_least_goes_first_and_what_the_hub_itself_has_to_tell_last() -> None:
    for number in range(3):
        wanted(turns.OURS, f"ended{number}.example.org")
        wanted("ada", f"reader{number}.example.org")
    wanted("bo", "other.example.org")
    held = [claimed(), claimed()]
    assert held == [("bo", "other.example.org"), ("ada", "reader0.example.org")]
    HubRequest.objects.exclude(visitor=turns.OURS).delete()
    assert claimed() == ("", "ended0.example.org")


def test_who_asks_again_while_its_callback_is_asked_gains_no_second_place() -> None:
    held: list[HubRequest | None] = []

    def again(asked: Asked) -> Answered:
        own.answer = echo
        with from_elsewhere():
            ask(own.url, lease_seconds="7200")
            held.append(turns.claim())
        return echo(asked)

    with peer(again) as own:
        ask(own.url, lease_seconds="3600")
        verifying.verify()
        assert (held, HubSubscription.objects.count()) == ([None], 0)
        verifying.verify()
    assert [each.query["hub.lease_seconds"] for each in own.asked] == ["3600", "7200"]
    assert HubSubscription.objects.count() == 1


def test_a_sweep_nudges_for_as_many_as_may_be_asked_once_in_a_while(valkey: Redis) -> None:
    for number in range(30):
        wanted(f"visitor {number}", f"reader{number}.example.org")
    valkey.flushall()
    let_pass(timedelta(seconds=16))
    assert sweeping.sweep() == turns.PLACES
    valkey.flushall()  # as when they wait in a worker
    sweeping.sweep()
    assert jobs(valkey) == []


def test_one_visitor_has_so_many_pending(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PENDING_PER_VISITOR", 2)
    places = [f"http://reader{number}.example.org/" for number in range(3)]
    answers = [ask(place, visitor="192.0.2.1") for place in places]
    assert [each.status_code for each in answers] == [202, 202, 429]
    assert answers[-1]["Retry-After"] == "60"
    assert ask(places[0], visitor="192.0.2.1").status_code == 202, "it takes its own place"
    assert ask(places[2], visitor="192.0.2.2").status_code == 202
    assert "192.0.2" not in str(list(HubRequest.objects.values_list("visitor", flat=True)))


def test_who_waits_for_a_host_that_is_pushed_to_is_next_there(valkey: Redis) -> None:
    with peer() as own:
        subscription = subscribe(own.url)
        subscribe(f"{own.url}/2")
        publish()
        held = [errands.claim(errands.behind(), host="127.0.0.1")[0] for _ in range(2)]
        ask(f"{own.url}/3")
        ask("http://reader.example.org/", visitor="192.0.2.1")
        request = turns.claim()
        assert request is not None
        assert request.host == "reader.example.org", "as many call the other host as may"
        errands.give_back(held[:1])
        errands.give_back(held[1:])
        valkey.flushall()
        pushing.push(subscription.pk)
        assert jobs(valkey) == ["verify"]
        verifying.verify()
    assert HubSubscription.objects.count() == 3
