"""A feed holds exactly what the same rule would bring by mail, and its archives hold all there ever was."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

import feedparser
import pytest
from django.test import Client

from dispatcher.audience.rules import Match
from dispatcher.briefs.models import Topic
from dispatcher.briefs.topics import Vocabulary
from dispatcher.feeds import channels, documents, holding, publishing
from dispatcher.feeds.building import Format
from dispatcher.feeds.channels import ALL
from dispatcher.feeds.models import Publication
from tests.feeds.releasing import MARCH, release
from tests.makers import make_topic

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def test_a_feed_holds_what_the_same_rule_lets_through() -> None:
    chance = Random(7)
    coast = make_topic("Coast")
    topics = [coast, make_topic("North", parent=coast), *map(make_topic, ("Fog", "Ice", "Tides"))]
    Topic.objects.create(slug="mist", name="Mist", merged_into=topics[2])
    for number in range(40):
        release(f"Brief {number}", topics=chance.sample(topics, chance.randint(1, 3)))
    publishing.build_all()
    words = Vocabulary()
    for _ in range(60):
        chosen = chance.sample(topics, chance.randint(0, 3))
        left = [one for one in chance.sample(topics, chance.randint(0, 2)) if one not in chosen]
        channel = channels.combined(chance.choice(Match.values), chosen, left)
        found = set(holding.publications(channel).values_list("pk", flat=True))
        assert found == {
            row.pk
            for row in Publication.objects.all()
            if channel.rule.lets_through(words.reach(row.topics))
        }


def test_every_touched_feed_and_no_other_gets_a_new_version() -> None:
    fog, ice, tides = map(make_topic, ("Fog", "Ice", "Tides"))
    publishing.publish(release("First", topics=[fog]).pk)
    combined = {
        channels.combined("any", [fog, ice]): True,
        channels.combined("all", [fog, ice]): False,
        channels.combined("any", [fog], [tides]): True,
        channels.combined("any", [tides, ice]): False,
        channels.combined("all", [], [fog]): False,
    }
    before = {channel: documents.find(channel, Format.ATOM) for channel in combined}
    generation = publishing.generation()
    publishing.publish(release("Second", topics=[fog], at=MARCH + DAY).pk)
    assert publishing.generation() == generation + 1
    for channel, is_touched in combined.items():
        after = documents.find(channel, Format.ATOM)
        assert (after.etag != before[channel].etag) is is_touched
        assert (b"Second" in after.body) is is_touched


def test_the_feed_of_a_kind_and_of_urgent_briefs(client: Client) -> None:
    publishing.publish(release("A report", kind="Long Report").pk)
    publishing.publish(release("An alarm", urgent=True, at=MARCH + DAY).pk)
    for address, titles in {
        "kinds/long-report": ["A report"],
        "kinds/brief": ["An alarm"],
        "urgent": ["An alarm"],
        "all": ["An alarm", "A report"],
    }.items():
        parsed = feedparser.parse(client.get(f"/feeds/{address}.atom").content)
        assert [entry.title for entry in parsed.entries] == titles


def archived(client: Client, address: str) -> list[list[str]]:
    """The ids of each document, from the live feed back along `prev-archive`."""
    documents_, seen = [], set()
    while address and address not in seen:
        seen.add(address)
        response = client.get(address)
        assert response.status_code == 200
        parsed = feedparser.parse(response.content)
        assert not parsed.bozo
        documents_.append([entry.id for entry in parsed.entries])
        before = [link.href for link in parsed.feed.links if link.rel == "prev-archive"]
        address = before[0].removeprefix("http://news.example.org") if before else ""
    return documents_


@pytest.mark.parametrize("form", ["atom", "rss"])
def test_a_walk_over_the_archives_meets_every_brief_once(client: Client, form: str) -> None:
    fog = make_topic("Fog")
    at = datetime(2025, 11, 3, 12, 0, tzinfo=UTC)
    for number in range(130):
        release(f"Brief {number}", topics=[fog, make_topic("Ice")][: 1 + number % 2], at=at)
        at += DAY
    publishing.build_all()
    for address, count in ((f"/feeds/topics/fog.{form}", 130), (f"/feeds/topics/ice.{form}", 65)):
        live, *months = archived(client, address)
        assert len(live) == 50
        walked = [entry for month in months for entry in month]
        assert len(walked) == len(set(walked)) == count
        assert walked[:50] == live


def test_a_feed_that_shows_all_there_is_has_no_archive_to_lead_to(client: Client) -> None:
    publishing.publish(release().pk)
    assert len(archived(client, "/feeds/all.atom")) == 1
    assert client.get("/feeds/all/archive/2023-03.atom").status_code == 200


def test_an_archive_keeps_its_bytes_while_other_months_come(client: Client) -> None:
    for number in range(60):
        release(f"Brief {number}", at=MARCH + number * DAY)
    publishing.build_all()
    before = client.get("/feeds/all/archive/2023-03.atom")
    publishing.publish(release("New", at=MARCH + 90 * DAY).pk)
    after = client.get("/feeds/all/archive/2023-03.atom")
    assert after.content == before.content
    assert after["ETag"] == before["ETag"]
    assert after["Last-Modified"] == before["Last-Modified"]


def test_no_two_entries_have_one_date(client: Client) -> None:
    for number in range(5):
        release(f"Brief {number}", at=MARCH)
    publishing.build_all()
    parsed = feedparser.parse(client.get("/feeds/all.atom").content)
    dates = [entry.updated for entry in parsed.entries]
    assert len(set(dates)) == 5
    assert max(dates) == parsed.feed.updated == "2023-03-02T10:00:04Z"
    assert {entry.published for entry in parsed.entries} == {"2023-03-02T10:00:00Z"}


def test_everything_is_one_channel_however_it_is_combined() -> None:
    assert channels.combined("all", []) == ALL
    assert channels.combined("any", []) == ALL
