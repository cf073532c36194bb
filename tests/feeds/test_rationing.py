"""How much is rendered at once for who asks: no feed holds up another, and what is made up holds up none."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from django.db import connection
from django.test import Client

from dispatcher.audience import access
from dispatcher.feeds import building, documents, keeping, publishing, rationing
from dispatcher.feeds.building import Feed, Format
from tests.feeds.releasing import MARCH, release
from tests.makers import make_reader, make_topic

pytestmark = pytest.mark.django_db(transaction=True)
PAIR = "/feeds/any/fog,ice"


@pytest.fixture(autouse=True)
def published() -> None:
    fog = make_topic("Fog")
    make_topic("Ice")
    publishing.republish()
    publishing.publish(release("News", topics=[fog], at=MARCH).pk)


class Slow:
    """Renders as ever, but the atom feed of the pair only when it may."""

    def __init__(self) -> None:
        self.has_begun, self.may_end = threading.Event(), threading.Event()
        self.built: Counter[str] = Counter()

    def __call__(self, feed: Feed, into: Format) -> bytes:
        self.built[feed.self_url] += 1
        if feed.self_url.endswith(f"{PAIR}.atom"):
            self.has_begun.set()
            self.may_end.wait(timeout=30)
        return building.build(feed, into)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[Slow]:
    slow = Slow()
    monkeypatch.setattr(documents, "build", slow)
    yield slow
    slow.may_end.set()


def ask(address: str) -> tuple[int, bool]:
    try:
        answer = Client().get(address)
        return answer.status_code, b"News" in answer.content
    finally:
        connection.close()


def test_a_feed_that_takes_long_is_rendered_once_and_holds_up_no_other(slow: Slow) -> None:
    with ThreadPoolExecutor(8) as pool:
        first = pool.submit(ask, f"{PAIR}.atom")
        assert slow.has_begun.wait(timeout=10)
        again = [pool.submit(ask, f"{PAIR}.atom") for _ in range(2)]
        others = [f"{PAIR}.rss", "/feeds/not/ice.atom", "/feeds/all/archive/2023-03.json"]
        for address in others:
            assert pool.submit(ask, address).result(timeout=10) == (200, True)
        assert not any(one.done() for one in (first, *again))
        slow.may_end.set()
        assert [one.result(timeout=10) for one in (first, *again)] == [(200, True)] * 3
    assert set(slow.built.values()) == {1}


def test_of_what_is_kept_nowhere_little_is_rendered_at_once(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rationing, "PATIENCE", 0.05)
    monkeypatch.setattr(keeping, "MOST", 0)
    own = f"/feeds/mine/{access.feed_token(make_reader(all_of=[]).pk)}.atom"
    with ExitStack() as others:
        for _ in range(rationing.AT_ONCE):
            others.enter_context(rationing.with_room())
        for made_up in (f"{PAIR}/archive/2023-03.atom", f"{PAIR}.atom"):
            answer = client.get(made_up)
            assert (answer.status_code, answer["Retry-After"]) == (503, "60")
            assert answer["Cache-Control"] == "no-store"
            assert answer.content.startswith(b"Too many feeds that are not kept ready")
            assert "dispatcher.feeds.handed" not in answer.wsgi_request.META
        for address in ("/feeds/all.atom", "/feeds/topics/fog/archive/2023-03.atom", own):
            assert ask(address) == (200, True)
        assert documents.served(f"http://news.example.org{PAIR}.atom") is not None
    assert ask(f"{PAIR}/archive/2023-03.atom") == (200, True)


def test_who_waits_for_room_a_moment_gets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rationing, "PATIENCE", 30.0)
    with ThreadPoolExecutor(1) as pool:
        with ExitStack() as others:
            for _ in range(rationing.AT_ONCE):
                others.enter_context(rationing.with_room())
            waiting = pool.submit(ask, f"{PAIR}/archive/2023-03.atom")
            with pytest.raises(TimeoutError):
                waiting.result(timeout=0.2)
        assert waiting.result(timeout=10) == (200, True)


def test_a_month_that_holds_nothing_gives_its_room_back(client: Client) -> None:
    for _ in range(2 * rationing.AT_ONCE):
        assert client.get(f"{PAIR}/archive/2001-01.atom").status_code == 404
