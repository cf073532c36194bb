"""Corrections, withdrawals, other topics: what moves in feeds, and what keeps its bytes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import feedparser
import pytest
from django.test import Client
from lxml import etree

from dispatcher.briefs import curating
from dispatcher.briefs.models import Brief
from dispatcher.feeds import publishing
from dispatcher.feeds.models import FeedChannel, FeedDocument, Publication
from dispatcher.mailing import amending
from tests.feeds.releasing import MARCH, release
from tests.makers import make_topic

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def briefs() -> list[Brief]:
    """Five of an hour each, on Fog."""
    fog = make_topic("Fog")
    made = [release(f"Brief {n}", topics=[fog], at=MARCH + n * HOUR) for n in range(5)]
    publishing.build_all()
    return made


def entries(client: Client, address: str = "all.atom") -> list[Any]:
    response = client.get(f"/feeds/{address}")
    assert response.status_code == 200
    parsed = feedparser.parse(response.content)
    assert not parsed.bozo
    return list(parsed.entries)


def said(entry: Any) -> tuple[str, str, str, str]:
    return (entry.id, entry.title, entry.updated, entry.content[0].value)


def correct(brief: Brief, headline: str, note: str = "A name was misspelt.") -> None:
    text = f"Brief | 2 March 2023\n\n{headline}\n\nLatest\n\nAnother text altogether.\n"
    amending.correct(brief, text, by="ada", note=note)
    publishing.publish(brief.pk)


def test_a_correction_moves_one_entry_and_says_what_changed(
    client: Client, briefs: list[Brief]
) -> None:
    before = entries(client)
    correct(briefs[1], "Brief one, put right")
    after = entries(client)
    assert [entry.id for entry in after] == [before[3].id, *(before[n].id for n in (0, 1, 2, 4))]
    assert [said(one) for one in after[1:]] == [said(before[n]) for n in (0, 1, 2, 4)]
    first = after[0]
    assert first.title == "Brief one, put right"
    assert first.published == before[3].published
    assert first.updated > before[0].updated
    assert "A name was misspelt." in first.content[0].value


def test_a_withdrawn_brief_leaves_a_tombstone(client: Client, briefs: list[Brief]) -> None:
    gone = entries(client)[2].id
    amending.retract(briefs[2], by="ada", note="It was not so.")
    publishing.publish(briefs[2].pk)
    for form in ("atom", "rss"):
        assert gone not in [entry.id for entry in entries(client, f"all.{form}")]
    assert gone not in [one["id"] for one in client.get("/feeds/all.json").json()["items"]]
    for address in ("all", "topics/fog", "topics/fog/archive/2023-03"):
        root = etree.fromstring(client.get(f"/feeds/{address}.atom").content)
        (stone,) = root.iterfind("{http://purl.org/atompub/tombstones/1.0}deleted-entry")
        assert stone.get("ref") == gone
        assert "It was not so." in etree.tostring(stone, encoding="unicode")
        assert root.findtext("{http://www.w3.org/2005/Atom}updated") == stone.get("when")
    assert client.get(f"/briefs/{briefs[2].public_id}").status_code == 410


def test_a_brief_that_is_corrected_after_it_was_withdrawn_is_back(
    client: Client, briefs: list[Brief]
) -> None:
    amending.retract(briefs[2], by="ada", note="It was not so.")
    publishing.publish(briefs[2].pk)
    correct(briefs[2], "Now it is so")
    assert entries(client)[0].title == "Now it is so"
    assert b"deleted-entry" not in client.get("/feeds/all.atom").content


def test_other_topics_move_an_entry_under_the_same_id(client: Client, briefs: list[Brief]) -> None:
    make_topic("Ice")
    assert entries(client, "topics/ice.atom") == []
    assert len(entries(client, "any/fog,ice.atom")) == 5
    own = entries(client)[4].id
    amending.retag(briefs[0], ["Ice"], by="ada")
    publishing.publish(briefs[0].pk)
    assert own not in [entry.id for entry in entries(client, "topics/fog.atom")]
    assert [entry.id for entry in entries(client, "topics/ice.atom")] == [own]
    assert len(entries(client, "any/fog,ice.atom")) == 5
    assert entries(client, "not/fog.atom")[0].id == own


def test_a_feed_never_says_that_it_is_older_than_it_was(
    client: Client, briefs: list[Brief]
) -> None:
    """The newest brief moves away; who asks by date alone still learns of it."""
    make_topic("Ice")
    first = client.get("/feeds/topics/fog.atom")
    amending.retag(briefs[4], ["Ice"], by="ada")
    publishing.publish(briefs[4].pk)
    asked = {"If-Modified-Since": first["Last-Modified"]}
    assert client.get("/feeds/topics/fog.atom", headers=asked).status_code == 200


def test_an_entry_never_says_that_it_is_older_than_it_was() -> None:
    """Ten of one second run ahead of the clock; one of them moves on and leaves a hole."""
    made = [release(f"Brief {n}", at=MARCH) for n in range(10)]
    publishing.build_all()

    def amended(brief: Brief, second: int) -> datetime:
        Brief.objects.filter(pk=brief.pk).update(amended_at=MARCH + timedelta(seconds=second))
        publishing.publish(brief.pk)
        return Publication.objects.get(brief=brief).updated_at

    before = Publication.objects.get(brief=made[9]).updated_at
    assert amended(made[3], 1) > before
    assert amended(made[9], 2) > before


def test_rendering_again_changes_no_byte_and_no_date(client: Client, briefs: list[Brief]) -> None:
    def documents() -> list[Any]:
        rows = FeedDocument.objects.order_by("pk")
        return [(row.etag, bytes(row.gzip), row.last_modified) for row in rows]

    correct(briefs[3], "Put right")
    client.get("/feeds/topics/fog/archive/2023-03.json")
    before = documents()
    assert publishing.build_all() == 0
    client.get("/feeds/topics/fog/archive/2023-03.json")
    assert documents() == before
    FeedDocument.objects.all().delete()
    publishing.build_all()
    assert {one[:2] for one in documents()} <= {one[:2] for one in before}


def test_the_sweep_finds_what_was_corrected_withdrawn_or_retagged(
    client: Client, briefs: list[Brief]
) -> None:
    make_topic("Ice")
    assert publishing.sweep() == 0
    amending.retag(briefs[0], ["Ice"], by="ada")
    amending.retract(briefs[1], by="ada")
    assert publishing.sweep() == 2
    assert publishing.sweep() == 0
    assert len(entries(client, "topics/fog.atom")) == 3


def test_the_sweep_renders_what_a_lost_worker_left(briefs: list[Brief]) -> None:
    FeedChannel.objects.filter(key="topic/fog").update(version=99)
    assert publishing.sweep() == 0
    rows = FeedDocument.objects.filter(channel__key="topic/fog")
    assert set(rows.values_list("version", flat=True)) == {99}


def test_a_merged_topic_leads_on_and_its_briefs_are_in_the_other_feed(
    client: Client, briefs: list[Brief]
) -> None:
    make_topic("Mist")
    assert entries(client, "topics/mist.atom") == []
    client.get("/feeds/any/fog,mist.atom")
    curating.merge("fog", "mist", by="ada")
    publishing.republish()
    assert client.get("/feeds/topics/fog.atom")["Location"] == "/feeds/topics/mist.atom"
    assert client.get("/feeds/any/fog,mist.rss")["Location"] == "/feeds/topics/mist.rss"
    assert len(entries(client, "topics/mist.atom")) == 5
    assert {one.term for one in entries(client)[0].tags if "/topics/" in one.scheme} == {"mist"}


def test_a_renamed_topic_has_its_new_name_in_every_feed(
    client: Client, briefs: list[Brief]
) -> None:
    curating.rename("fog", "Sea Fog", by="ada")
    publishing.republish()
    for form in ("atom", "rss", "json"):
        assert b"Sea Fog" in client.get(f"/feeds/all.{form}").content
    assert Publication.objects.count() == 5
