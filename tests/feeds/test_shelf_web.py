"""Feeds from a web process's memory: the same as from Django, new within a second, there without PostgreSQL."""

from __future__ import annotations

import gzip
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import brotli
import pytest

from dispatcher.briefs.models import Topic
from dispatcher.feeds import publishing
from tests.feeds.releasing import MARCH, release
from tests.feeds.web import Got, Way, Web, web, within
from tests.makers import make_topic

pytestmark = pytest.mark.django_db(transaction=True)
ALL = "/feeds/all.atom"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Web]:
    publish("Pilots return")
    with web(tmp_path) as running:
        yield running


def publish(headline: str, *, hours: int = 0) -> None:
    publishing.publish(release(headline, at=MARCH + timedelta(hours=hours)).pk)


def test_what_comes_from_memory_is_what_came_from_django(served: Web) -> None:
    first, again = served.get(ALL), served.get(ALL)
    assert first.status == 200
    assert first == again
    assert (served.counted("django"), served.counted("memory")) == (1, 1)
    assert first.headers["content-security-policy"].startswith("default-src 'none'")
    assert first.headers["referrer-policy"] == "same-origin"
    assert first.headers["content-length"] == str(len(first.body))
    assert "set-cookie" not in first.headers


def test_every_kind_of_answer_comes_over_the_wire_as_it_must(served: Web) -> None:
    plain = served.get(ALL)
    for coding, decoded in (("gzip", gzip.decompress), ("br", brotli.decompress)):
        got = served.get(ALL, Accept_Encoding=coding)
        assert (got.status, got.headers["content-encoding"]) == (200, coding)
        assert decoded(got.body) == plain.body
        head = served.get(ALL, method="HEAD", Accept_Encoding=coding)
        assert head == Got(200, got.headers, b"")
        tag = got.headers["etag"]
        unchanged = served.get(ALL, Accept_Encoding=coding, If_None_Match=f'"x", W/{tag}')
        assert (unchanged.status, unchanged.body) == (304, b"")
        for name in ("etag", "cache-control", "vary", "content-security-policy"):
            assert unchanged.headers[name] == got.headers[name]
        assert got.headers["refresh"] == "0; url=http://news.example.org/"
        of_bodies = {"content-type", "content-encoding", "content-length", "refresh"}
        assert not of_bodies & set(unchanged.headers)


def test_a_query_makes_no_other_feed_and_another_host_none_at_all(served: Web) -> None:
    plain = served.get(ALL)
    assert served.get(f"{ALL}?at=1") == served.get(f"{ALL}?at=2") == plain
    assert served.counted("django") == 1
    assert served.get(ALL, Host="elsewhere.example.net").status == 400
    assert served.get(ALL, method="POST").status in {403, 405}
    assert served.get(ALL) == plain


@pytest.mark.parametrize(
    "hostile",
    [
        {"If_None_Match": ", ".join(['"x"'] * 10_000)},
        {"If_None_Match": '"' * 30_000, "Accept_Encoding": "q=" * 10_000},
        {"Accept_Encoding": ", ".join(["gzip;q=1"] * 4_000)},
        {"If_Modified_Since": "9" * 30_000, "If_None_Match": "W/"},
        {"X_Forwarded_For": "1," * 10_000, "User_Agent": "x" * 30_000},
    ],
)
def test_hostile_headers_get_the_plain_feed_and_soon(served: Web, hostile: dict[str, str]) -> None:
    plain = served.get(ALL)
    began = time.monotonic()
    assert all(served.get(ALL, **hostile) == plain for _ in range(20))
    assert time.monotonic() - began < 5


def test_what_another_process_publishes_is_served_within_a_second(served: Web) -> None:
    before = served.get(ALL)
    topic = served.get("/feeds/topics/harbours.atom")
    publish("Fog", hours=1)
    tag = before.headers["etag"]
    assert within(1, lambda: b"Fog" in served.get(ALL, If_None_Match=tag).body)
    assert b"Fog" in served.get("/feeds/topics/harbours.atom").body != topic.body


def test_words_of_no_feed_are_kept_and_go_when_something_comes(served: Web) -> None:
    assert served.get("/feeds/topics/tides.atom").status == 404
    assert served.get("/feeds/topics/tides.atom").status == 404
    assert served.counted("memory") == 1
    tides = make_topic("Tides")
    assert within(1, lambda: served.get("/feeds/topics/tides.atom").status == 200)
    Topic.objects.filter(pk=tides.pk).update(merged_into=make_topic("Harbours"))
    publishing.republish()
    moved = "/feeds/topics/harbours.atom"
    assert within(
        1, lambda: served.get("/feeds/topics/tides.atom").headers.get("location") == moved
    )
    assert served.get("/feeds/topics/tides.atom?a=b").headers["location"] == moved


def test_without_postgresql_feeds_are_served_on_and_changes_are_seen_afterwards(
    tmp_path: Path,
) -> None:
    publish("Pilots return")
    with tempfile.TemporaryDirectory() as place, web(tmp_path, host=place) as running:
        # The path of a socket may be no longer than 107 characters (unix(7)).
        way = Way(Path(place))
        before = running.get(ALL)
        assert before.status == 200
        way.close()
        began = time.monotonic()
        assert all(running.get(ALL) == before for _ in range(200))

        def is_said() -> bool:
            assert running.get(ALL) == before
            return "what is known stands" in running.said()

        assert within(5, is_said)
        assert time.monotonic() - began < 10
        publish("Fog", hours=1)
        way.open()
        assert within(5, lambda: b"Fog" in running.get(ALL).body)
        assert running.said().count("what is known stands") == 1
        way.close()


def test_many_at_once_get_nothing_older_than_what_they_had(served: Web) -> None:
    def poll(_number: int) -> bool:
        seen = [len(served.get(ALL).body) for _ in range(40)]
        return seen == sorted(seen)

    with ThreadPoolExecutor(8) as pool:
        polls = [pool.submit(poll, number) for number in range(8)]
        for number in range(5):
            publish(f"News of the harbour, number {number}", hours=number + 1)
        assert all(each.result() for each in polls)
