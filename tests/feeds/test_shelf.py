"""What the shelf keeps and for how long: an application of the test's own says what Django might."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from django.test import RequestFactory

from dispatcher.feeds import shelf
from dispatcher.feeds.freshness import EVERY, Freshness
from dispatcher.feeds.shelf import Shelf
from dispatcher.feeds.stock import Stock
from tests.feeds.test_serving import BODY, SERVED

POLICY = ("Content-Security-Policy", "default-src 'none'")


class Behind:
    """Says 200 with a document for every path, or what it is told to; counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.line = "200 OK"
        self.headers = [POLICY]
        self.served = SERVED
        self.closed = 0

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        self.asked += 1
        request = RequestFactory().get("/")
        request.META = environ
        if self.line.startswith("200"):
            shelf.hand_over(request, self.served, channel="all")
        else:
            shelf.keep_as_it_is(request)
        start_response(self.line, [("Content-Type", "text/plain"), *self.headers])
        behind = self

        class Body(list[bytes]):
            def close(self) -> None:
                behind.closed += 1

        return Body([b"as it is"])


class Front:
    """The shelf with its generation in the test's hand, and who was noted."""

    def __init__(self) -> None:
        self.behind = Behind()
        self.generation = 1
        self.noted: list[str] = []
        self.freshness = Freshness(lambda: self.generation)
        self.shelf = Shelf(
            self.behind, self.freshness, note=lambda channel, _: self.noted.append(channel)
        )

    def get(
        self, path: str = "/feeds/all.atom", method: str = "GET", **headers: str
    ) -> tuple[int, bytes]:
        environ = (
            RequestFactory(headers={"host": "news.example.org", **headers})
            .generic(method, path)
            .environ
        )
        said: list[tuple[str, list[tuple[str, str]]]] = []
        body = b"".join(self.shelf(environ, lambda line, head, *_: said.append((line, head))))
        ((line, self.headers),) = said
        return int(line[:3]), body

    def publish(self, **changes: Any) -> None:
        """Something changed, and the shelf's process has had the time to know."""
        self.behind.served = replace(self.behind.served, **changes)
        self.generation += 1
        while self.freshness.generation() != self.generation:
            threading.Event().wait(EVERY / 10)


@pytest.fixture
def front() -> Front:
    return Front()


def test_django_is_asked_once_and_its_policies_go_with_every_answer(front: Front) -> None:
    for _ in range(3):
        assert front.get() == (200, BODY)
        assert POLICY in front.headers
    assert front.get(**{"if-none-match": "*"}) == (304, b"")
    assert POLICY in front.headers
    assert (front.behind.asked, front.behind.closed) == (1, 1)


def test_after_a_publishing_it_is_asked_once_more(front: Front) -> None:
    front.get()
    front.publish(body=b"new", gzip=b"", br=b"", etag='"new"')
    assert [front.get() for _ in range(3)] == [(200, b"new")] * 3
    assert front.behind.asked == 2


def test_when_django_cannot_look_again_the_old_is_served(front: Front) -> None:
    front.get("/feeds/all.atom")
    front.publish()
    front.behind.line = "500 Internal Server Error"
    assert front.get("/feeds/all.atom") == (200, BODY)
    assert front.get("/feeds/all.atom") == (200, BODY)
    assert front.behind.asked == 2, "and it is left alone for some seconds"


def test_a_readers_own_feed_is_asked_of_django_every_time(front: Front) -> None:
    front.publish(is_private=True)
    for _ in range(3):
        assert front.get("/feeds/mine/x.atom")[0] == 200
    assert front.behind.asked == 3
    assert front.shelf.octets == 0


@pytest.mark.parametrize(
    "header",
    [("Set-Cookie", "a=b"), ("Vary", "Accept-Encoding, Cookie"), ("vary", "Cookie")],
)
def test_an_answer_that_hangs_on_who_asks_is_not_kept(
    front: Front, header: tuple[str, str]
) -> None:
    front.behind.headers = [header]
    assert front.get() == front.get() == (200, b"as it is")
    assert front.behind.asked == 2


@pytest.mark.parametrize("line", ["500 Error", "400 Bad Request", "302 Found", "403 Forbidden"])
def test_no_error_is_kept(front: Front, line: str) -> None:
    front.behind.line = line
    assert front.get() == front.get() == (int(line[:3]), b"as it is")
    assert front.behind.asked == 2


@pytest.mark.parametrize("line", ["301 Moved Permanently", "404 Not Found", "410 Gone"])
def test_a_word_is_kept_as_it_is_until_something_changes(front: Front, line: str) -> None:
    front.behind.line = line
    status = int(line[:3])
    assert front.get() == front.get() == (status, b"as it is")
    assert POLICY in front.headers
    assert front.get(method="HEAD") == (status, b"")
    assert front.behind.asked == 1
    front.behind.line = "200 OK"
    front.publish()
    assert front.get() == (200, BODY)


def test_other_methods_paths_and_hosts_are_djangos(front: Front) -> None:
    front.get()
    front.get(method="POST")
    front.get("/briefs/")
    for host in ("elsewhere.example.net", "news.example.org.example.net", "a b", ""):
        front.get(host=host)
    front.get(**{"x-forwarded-proto": "https,http"})
    assert front.behind.asked == 8


def test_a_host_in_other_letters_or_with_a_port_is_the_same(front: Front) -> None:
    for host in (
        "news.example.org",
        "NEWS.example.org:80",
        *(f"news.example.org:{n}" for n in range(300)),
    ):
        assert front.get(host=host) == (200, BODY)
    assert front.behind.asked == 1


def test_over_tls_an_answer_is_another_one(front: Front) -> None:
    front.get()
    front.behind.headers = [("Strict-Transport-Security", "max-age=1")]
    for _ in range(2):
        front.get(**{"x-forwarded-proto": "https"})
        assert ("Strict-Transport-Security", "max-age=1") in front.headers
    front.get()
    assert "Strict-Transport-Security" not in dict(front.headers)
    assert front.behind.asked == 2


def test_polls_are_noted_once_each_but_no_heads_and_nothing_private(front: Front) -> None:
    front.get()
    front.get(**{"if-none-match": "*"})
    front.get(method="HEAD")
    front.publish(is_private=True)
    front.get("/feeds/mine/x.atom")
    assert front.noted == ["all", "all"]


def test_polls_of_what_is_kept_nowhere_are_not_noted(front: Front) -> None:
    front.behind.served = replace(front.behind.served, last_modified=None)
    for number in range(3):
        assert front.get(f"/feeds/any/{number}.atom") == (200, BODY)
        assert front.get(f"/feeds/any/{number}.atom") == (200, BODY)
    assert front.behind.asked == 3
    assert front.noted == []


def test_endless_addresses_fill_no_memory_and_the_one_in_use_stays(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = 40 * (front.behind.served.gzip.__len__() + len(BODY) + 3_000)
    monkeypatch.setattr(shelf, "DOCUMENT_OCTETS", most)
    front.shelf = Shelf(front.behind, front.freshness, note=lambda *_: None)
    for number in range(400):
        front.get(f"/feeds/any/{number}.atom")
        front.get("/feeds/all.atom")
        assert front.shelf.octets <= most
    assert front.behind.asked == 401


def test_a_stock_drops_what_was_longest_not_asked_for() -> None:
    class Thing:
        def __init__(self, size: int) -> None:
            self.size = size

    stock: Stock[str, Thing] = Stock(50_000)
    for name in "abcd":
        stock.put(name, Thing(9_000))
    stock.get("a")
    stock.put("e", Thing(9_000))
    assert [name for name in "abcde" if stock.get(name)] == ["a", "c", "d", "e"]
    stock.put("huge", Thing(20_000))
    assert stock.get("huge") is None
    stock.put("a", Thing(1))
    for name in "acde":
        stock.drop(name)
        stock.drop(name)
    assert (stock.octets, len(stock)) == (0, 0)


def test_threads_share_it_while_everything_changes(front: Front) -> None:
    ending = threading.Event()

    def poll(number: int) -> set[int]:
        seen = set()
        while not ending.is_set():
            status, _ = front.get(f"/feeds/topics/{number % 3}.atom")
            seen.add(status)
        return seen

    with ThreadPoolExecutor(6) as pool:
        polls = [pool.submit(poll, number) for number in range(6)]
        for number in range(4):
            front.publish(etag=f'"{number}"')
        ending.set()
        assert [each.result() for each in polls] == [{200}] * 6
    assert front.behind.asked < 100


def test_a_question_that_hangs_holds_nobody_up_and_is_told_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    hanging, answers = threading.Event(), iter([7])
    monkeypatch.setattr("dispatcher.feeds.freshness._HANGING", 0.5)
    caplog.set_level("INFO", "dispatcher.feeds.freshness")

    def ask() -> int:
        for known in answers:
            return known
        hanging.wait(20)
        return 8

    freshness = Freshness(ask)
    assert freshness.generation() == 7
    while not caplog.messages:
        assert freshness.generation() == 7
        threading.Event().wait(0.01)
    began = time.monotonic()
    assert {freshness.generation() for _ in range(1_000)} == {7}
    assert time.monotonic() - began < 1
    hanging.set()
    while freshness.generation() != 8:
        threading.Event().wait(0.01)
    assert [words.partition(",")[0] for words in caplog.messages] == [
        "whether feeds have changed cannot be seen",
        "it can be seen again whether feeds have changed",
    ]
