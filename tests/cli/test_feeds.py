"""`dispatcher feeds`: which there are, who reads them, rendering them anew."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from dispatcher.feeds import documents, learning, publishing
from dispatcher.feeds.addressing import read
from dispatcher.feeds.building import Format
from dispatcher.feeds.models_readership import FeedReadership
from tests.cli.conftest import Run
from tests.feeds.releasing import release
from tests.makers import make_topic

pytestmark = pytest.mark.django_db(transaction=True)


def test_readers_of_feeds_are_told_as_a_table_and_as_json(run: Run) -> None:
    assert "No day with readers of feeds is over yet" in run("feeds", "readership").out
    assert json.loads(run("feeds", "readership", "--json").out) == []
    yesterday = timezone.now().date() - timedelta(days=1)
    FeedReadership.objects.create(channel="all", day=yesterday, aggregated=1200, pollers=34)
    assert "1,234" in run("feeds", "readership").out
    assert json.loads(run("feeds", "readership", "--json").out) == [
        {"channel": "all", "week": 1234, "month": 1234, "aggregated": 1200}
    ]


def test_kept_feeds_are_listed_with_what_they_hold(run: Run) -> None:
    assert "No feed is kept yet" in run("feeds", "list").out
    fog, ice = make_topic("Fog"), make_topic("Ice")
    for topics in ([fog], [fog, ice]):
        release(topics=topics)
    assert run("feeds", "build").out.endswith("feed documents written.\n")
    documents.find(read("each/fog,ice.atom").channel, Format.ATOM)
    listed = {one["feed"]: one for one in json.loads(run("feeds", "list", "--json").out)}
    entries = {name: one["entries"] for name, one in listed.items()}
    assert entries == {
        "All briefs": 2,
        "Fog": 2,
        "Ice": 1,
        "Brief": 2,
        "Urgent briefs": 0,
        "Fog and Ice": 1,
    }
    assert list(listed)[-1] == "Fog and Ice", "what is there without being asked for comes first"
    assert listed["Fog and Ice"]["address"] == "http://news.example.org/feeds/each/fog,ice"
    assert listed["Fog"]["changed"].startswith("2023-03-02T10:00:01")
    assert listed["Fog"]["asked"] == str(timezone.now().date())
    assert listed["Urgent briefs"]["changed"] is None
    assert "http://news.example.org/feeds/topics/fog" in run("feeds", "list").out


def test_what_is_rendered_anew_is_told_as_it_goes_on() -> None:
    make_topic("Fog")
    said: list[tuple[int, int]] = []
    publishing.build_all(told=lambda done, of: said.append((done, of)))
    assert said == [(1, 3), (2, 3), (3, 3)]
    assert not learning.missed()
