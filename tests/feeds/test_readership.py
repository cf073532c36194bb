"""How many read a feed: counted by day without a trace of anybody, summed once, believed within bounds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings as configured
from django.utils import timezone
from pytest_django import Settings
from redis import Redis

from dispatcher.feeds import agents, noting, readership
from dispatcher.feeds.models_readership import FeedReadership
from dispatcher.feeds.readership import Poll, Readership
from dispatcher.mailing import retention
from tests.feeds.web import within

pytestmark = pytest.mark.django_db
MONDAY = datetime(2026, 3, 2, 12, tzinfo=UTC)
ONE_DAY = timedelta(days=1)
READER = "Miniflux/2.2"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """What time it is; the test moves it."""
    now = [MONDAY]
    monkeypatch.setattr(timezone, "now", lambda: now[0])
    return now


def poll(
    user_agent: str = READER,
    *,
    ip: str = "192.0.2.1",
    path: str = "/feeds/all.atom",
    via: str = "",
    channel: str = "all",
) -> Poll:
    return (channel, path, ip, via, user_agent)


def feedly(number: int, **said: str) -> Poll:
    return poll(f"Feedly/1.0 (+http://www.feedly.com/fetcher.html; {number} subscribers)", **said)


def sums() -> dict[tuple[str, int], tuple[int, int]]:
    """Of each channel and day of the month: aggregated, pollers."""
    return {
        (row.channel, row.day.day): (row.aggregated, row.pollers)
        for row in FeedReadership.objects.all()
    }


def settled_after(clock: list[datetime], polls: list[Poll]) -> tuple[int, int]:
    readership.count(polls)
    clock[0] += ONE_DAY
    readership.settle()
    return sums()["all", clock[0].day - 1]


def test_different_pollers_count_and_the_same_ones_once(clock: list[datetime]) -> None:
    polls = [
        poll(),
        poll(path="/feeds/all.rss"),
        poll("newsboat/2.36"),
        poll(ip="192.0.2.2"),
        poll(ip="2001:db8::1"),
        poll(ip="2001:db8::2"),  # of the same /64
        poll(ip="127.0.0.1", via="192.0.2.1"),  # by a proxy of ours
        poll("curl/8.5.0"),
        poll(""),
    ]
    assert settled_after(clock, polls * 2) == (0, 4)


def test_an_aggregator_counts_by_its_largest_number_in_each_format(clock: list[datetime]) -> None:
    polls = [
        feedly(12),
        feedly(10),
        feedly(3, path="/feeds/all.rss"),
        poll("Feedbin feed-id:1 - 4 subscribers"),
        poll("Feedbin feed-id:2 - 2 subscribers", ip="192.0.2.9"),
    ]
    assert settled_after(clock, polls) == (12 + 3 + 4, 0)


def test_forged_numbers_are_believed_within_bounds(clock: list[datetime]) -> None:
    assert settled_after(clock, [feedly(999_999_999)])[0] == readership.BELIEVED
    assert settled_after(clock, [feedly(999_999_999)])[0] == readership.BELIEVED * readership.GROWTH
    clock[0] += 20 * ONE_DAY
    names = [poll(f"{chr(97 + n // 26)}{chr(97 + n % 26)} - 10 subscribers") for n in range(400)]
    assert settled_after(clock, names)[0] == 300, "thirty products, whatever names are made up"


def test_a_day_is_summed_when_it_is_over_and_repeats_change_nothing(clock: list[datetime]) -> None:
    readership.count([poll(), poll(channel="topic/tides")])
    assert readership.settle() == 0
    clock[0] += ONE_DAY
    readership.count([poll()])
    assert [readership.settle(), readership.settle()] == [2, 2]
    assert sums() == {("all", 2): (0, 1), ("topic/tides", 2): (0, 1)}


def test_what_valkey_has_lost_takes_nothing_from_a_sum(
    clock: list[datetime], valkey: Redis
) -> None:
    readership.count([poll(), poll("newsboat/2.36")])
    clock[0] += ONE_DAY
    readership.settle()
    valkey.flushall()
    clock[0] -= ONE_DAY
    readership.count([poll()])
    clock[0] += ONE_DAY
    readership.settle()
    assert sums() == {("all", 2): (0, 2)}


def test_no_address_is_anywhere_and_the_days_key_ends(clock: list[datetime], valkey: Redis) -> None:
    readership.count([poll("Reader of Ada's/1.0", ip="198.51.100.77")])
    keys = sorted(valkey.keys("dispatcher:readership:*"))
    assert len(keys) == 3
    for key in keys:
        assert valkey.ttl(key) > 0
        for trace in (b"198.51", b"Ada"):
            assert trace not in key
            assert trace not in (valkey.dump(key) or b"")
    first = valkey.get("dispatcher:readership:2026-03-02:key")
    clock[0] += ONE_DAY
    readership.count([poll()])
    assert first != valkey.get("dispatcher:readership:2026-03-03:key")


def test_the_report_is_the_mean_of_the_days_that_were_counted(clock: list[datetime]) -> None:
    assert readership.report() == []
    for days, polls in enumerate([[feedly(10), poll()], [feedly(20)]]):
        clock[0] = MONDAY + days * ONE_DAY
        readership.count(polls)
        clock[0] += ONE_DAY
        readership.settle()
    assert readership.report() == [Readership("all", week=16, month=16, aggregated=15)]
    clock[0] += 10 * ONE_DAY
    assert readership.report() == [Readership("all", week=0, month=16, aggregated=0)]
    clock[0] += 30 * ONE_DAY
    assert readership.report() == []


def test_sums_go_after_their_period(clock: list[datetime]) -> None:
    old, new = MONDAY - timedelta(days=401), MONDAY - ONE_DAY
    for day in (old, new):
        FeedReadership.objects.create(channel="all", day=day.date(), aggregated=1, pollers=1)
    assert retention.due()["sums of feed readers"] == 1
    assert retention.tidy()["sums of feed readers"] == 1
    assert [row.day for row in FeedReadership.objects.all()] == [new.date()]


def test_a_process_notes_a_poller_once_and_not_endlessly(monkeypatch: pytest.MonkeyPatch) -> None:
    def note(**said: Any) -> None:
        notes.add("all", {"PATH_INFO": "/feeds/all.atom", **said})

    monkeypatch.setattr(noting, "EVERY", 3_600.0)
    monkeypatch.setattr(noting, "MOST", 50)
    notes = noting.Notes()
    for _ in range(10):
        note(HTTP_USER_AGENT=READER, REMOTE_ADDR="192.0.2.1")
    assert len(notes) == 1
    for number in range(100):
        note(HTTP_USER_AGENT=f"{number}" + "x" * 100_000, REMOTE_ADDR="192.0.2.1")
    assert len(notes) == 50


def test_who_is_noted_while_others_are_counted_disturbs_nobody(
    monkeypatch: pytest.MonkeyPatch, valkey: Redis
) -> None:
    """A thread that was put off between looking at the set and adding to it adds to the old one."""
    monkeypatch.setattr(noting, "EVERY", 3_600.0)
    notes = noting.Notes()
    notes.add("all", {"PATH_INFO": "/feeds/all.atom", "HTTP_USER_AGENT": READER})
    looked_at = notes._polls

    def read(user_agent: str) -> agents.Agent:
        looked_at.add(poll("newsboat/2.36"))
        return agents.Agent("miniflux")

    monkeypatch.setattr("dispatcher.feeds.readership.agents.read", read)
    notes.hand_on()
    assert len(looked_at) == 2
    assert len(valkey.keys("*:pollers:all")) == 1


def test_a_poll_that_nobody_can_count_ends_no_thread(
    monkeypatch: pytest.MonkeyPatch, valkey: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(noting, "EVERY", 0.01)
    notes = noting.Notes()
    environ = {"PATH_INFO": "/feeds/all.atom", "HTTP_USER_AGENT": READER}
    notes.add("all\ud800", environ)  # no octets of UTF-8
    assert within(10, lambda: "polls of feeds are not counted" in caplog.text)
    notes.add("all", environ)
    assert within(10, lambda: bool(valkey.keys("*:pollers:all")))


def test_polls_that_cannot_be_counted_disturb_nobody(settings: Settings) -> None:
    notes = noting.Notes()
    notes.add("all", {"PATH_INFO": "/feeds/all.atom", "HTTP_USER_AGENT": READER})
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    notes.hand_on()
    assert len(notes) == 0
    settings.REDIS_URL = configured.REDIS_URL
