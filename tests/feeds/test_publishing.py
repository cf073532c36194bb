"""Which briefs are in which feed, when documents are written, and what a lost nudge leaves behind."""

from __future__ import annotations

import gzip
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import feedparser
import pytest
from django.db import connection, transaction
from lxml import etree
from pytest_django import Settings

from dispatcher.briefs.document import Entry, Quotation, Related, Section
from dispatcher.briefs.models import Topic
from dispatcher.feeds import publishing
from dispatcher.feeds.models import FeedDocument
from tests.feeds.releasing import MARCH, release
from tests.makers import make_brief, make_topic

pytestmark = pytest.mark.django_db

GRAMMAR = Path(__file__).parents[3] / "shared" / "schemas" / "atom.rng"
MINUTE = timedelta(minutes=1)
ALWAYS = ("all", "kinds/brief")


def body(key: str = "all", form: str = "atom") -> bytes:
    return gzip.decompress(FeedDocument.objects.get(channel__key=key, format=form).gzip)


def titles(key: str = "all", form: str = "atom") -> list[str]:
    parsed = feedparser.parse(body(key, form))
    assert not parsed.bozo
    return [entry.title for entry in parsed.entries]


def keys() -> set[str]:
    return set(FeedDocument.objects.values_list("channel__key", flat=True))


def contents() -> list[object]:
    """The documents without the version that they are known to be of."""
    return list(FeedDocument.objects.order_by("pk").values_list("pk", "etag", "last_modified"))


def test_a_released_brief_is_in_the_combined_feed_and_in_those_of_its_topics() -> None:
    harbours, tides = make_topic("Harbours"), make_topic("Tides")
    make_topic("Lighthouses")
    brief = release("Pilots return", topics=[harbours, tides])
    publishing.publish(brief.pk)
    assert keys() == {*ALWAYS, "topic/harbours", "topic/tides"}
    for key in keys():
        assert titles(key, "atom") == titles(key, "rss") == ["Pilots return"]


def test_a_brief_on_a_child_topic_is_in_the_feeds_above_it_and_not_in_those_beside_it() -> None:
    coast = make_topic("Coast")
    north, south = make_topic("North", parent=coast), make_topic("South", parent=coast)
    publishing.publish(release("Ice at the pier", topics=[north], at=MARCH).pk)
    publishing.publish(release("Warm water", topics=[south], at=MARCH + MINUTE).pk)
    assert titles("topic/coast") == ["Warm water", "Ice at the pier"]
    assert titles("topic/north") == ["Ice at the pier"]


def test_a_brief_that_is_not_released_is_in_no_feed() -> None:
    publishing.publish(make_brief("Still at the desk").pk)
    publishing.publish(0)
    assert keys() == set()
    publishing.publish(release("Out").pk)
    assert titles() == ["Out"]


def test_an_entry_says_what_the_brief_says_under_an_id_that_never_changes() -> None:
    brief = release(
        "Pilots return",
        topics=[make_topic("Harbours")],
        blocks=(
            Section(
                "Latest", ('They <a href="https://example.org/x">signed</a>.', "• One", "• Two")
            ),
            Quotation("Views", ("Long awaited.",), "Ada Example", "harbour analyst"),
            Related(
                "Related", (Entry("Why pilots left", "by Bo Example", "https://example.org/y"),)
            ),
        ),
        published_at=datetime(2023, 3, 1, tzinfo=UTC),
    )
    publishing.publish(brief.pk)
    for form in ("atom", "rss"):
        (entry,) = feedparser.parse(body(form=form)).entries
        assert entry.id == f"tag:news.example.org,2026-01-01:brief/{brief.public_id}"
        assert entry.link == f"http://news.example.org/briefs/{brief.public_id}"
        assert entry.published_parsed[:3] == (2023, 3, 1)
        assert entry.updated_parsed[:5] == (2023, 3, 2, 10, 0)
        html = entry.content[0].value
        for part in (
            "<h2>Latest</h2>",
            '<a href="https://example.org/x">signed</a>',
            "<li>One</li>",
            "<p>“Long awaited.”</p>",
            "Ada Example",
            "harbour analyst</p>",
            '<a href="https://example.org/y">Why pilots left</a>',
        ):
            assert part in html


def test_a_topic_of_more_than_fifty_briefs_shows_the_newest_fifty() -> None:
    topic = make_topic()
    for number in range(52):
        last = release(f"Brief {number}", topics=[topic], at=MARCH + number * MINUTE)
    publishing.publish(last.pk)
    assert titles() == titles("topic/harbours") == [f"Brief {n}" for n in range(51, 1, -1)]


def test_the_date_of_a_feed_is_that_of_its_newest_brief_and_not_of_its_making() -> None:
    publishing.publish(release(at=MARCH).pk)
    document = FeedDocument.objects.get(channel__key="all", format="rss")
    assert document.last_modified == MARCH
    assert b"<lastBuildDate>Thu, 02 Mar 2023 10:00:00 GMT</lastBuildDate>" in gzip.decompress(
        document.gzip
    )


def test_publishing_again_writes_nothing() -> None:
    brief = release(urgent=True)
    publishing.publish(brief.pk)
    before = contents()
    publishing.publish(brief.pk)
    assert publishing.build_all() == 0
    assert contents() == before


def test_building_all_makes_a_feed_for_every_topic_in_use() -> None:
    harbours = make_topic("Harbours")
    make_topic("Tides")
    Topic.objects.create(slug="gone", name="Gone", retired_at=MARCH)
    Topic.objects.create(slug="old", name="Old", merged_into=harbours)
    release(topics=[harbours])
    assert publishing.build_all() == 15
    assert keys() == {*ALWAYS, "urgent", "topic/harbours", "topic/tides"}
    assert titles("topic/tides") == []


def test_a_merged_topics_briefs_are_in_the_feed_of_what_it_became() -> None:
    old, harbours = make_topic("Old Ports"), make_topic("Harbours")
    brief = release("Before the merger", topics=[old])
    Topic.objects.filter(pk=old.pk).update(merged_into=harbours)
    publishing.publish(brief.pk)
    assert keys() == {*ALWAYS, "topic/harbours"}
    assert titles("topic/harbours") == ["Before the merger"]


def test_the_sweep_publishes_what_a_lost_nudge_left_behind() -> None:
    assert publishing.sweep() == 0
    first = release("First", topics=[make_topic("Harbours")])
    publishing.publish(first.pk)
    assert publishing.sweep() == 0
    release("Second", topics=[make_topic("Tides")], at=MARCH + MINUTE)
    release("Third", topics=[make_topic("Fog")], at=MARCH + 2 * MINUTE)
    assert publishing.sweep() == 2
    assert titles() == ["Third", "Second", "First"]
    assert titles("topic/tides") == ["Second"]
    assert titles("topic/fog") == ["Third"]
    assert publishing.sweep() == 0


def test_the_sweep_finds_a_brief_of_the_same_second_and_one_that_appeared_behind_a_newer_one() -> (
    None
):
    publishing.publish(release("Seen", at=MARCH).pk)
    release("Same second", at=MARCH)
    release("Behind", at=MARCH - MINUTE)
    assert publishing.sweep() == 2
    assert titles() == ["Same second", "Seen", "Behind"]
    assert publishing.sweep() == 0


def test_a_brief_in_the_combined_feed_is_in_its_topics_feeds_though_its_own_nudge_was_lost() -> (
    None
):
    release("Lost", topics=[make_topic("Tides")], at=MARCH)
    told = release("Told", topics=[make_topic("Harbours")], at=MARCH + MINUTE)
    publishing.publish(told.pk)
    assert titles() == ["Told", "Lost"]
    assert titles("topic/tides") == ["Lost"]


def test_sixty_lost_nudges_leave_no_topic_behind() -> None:
    for number in range(60):
        release(f"Brief {number}", topics=[make_topic(f"Topic {number}")], at=MARCH)
    assert publishing.sweep() == 60
    assert titles("topic/topic-3") == ["Brief 3"]
    assert len(keys()) == 63  # with all, urgent and their kind
    assert publishing.sweep() == 0


@pytest.mark.skipif(not GRAMMAR.exists(), reason="the grammar lies beside the project, not in it")
def test_what_is_stored_keeps_the_grammar_of_atom() -> None:
    publishing.publish(release("שלום", language="he", urgent=True, topics=[make_topic("גליל")]).pk)
    grammar = etree.RelaxNG(etree.parse(GRAMMAR))
    for document in FeedDocument.objects.filter(format="atom"):
        grammar.assertValid(etree.fromstring(gzip.decompress(document.gzip)))


@pytest.mark.django_db(transaction=True)
def test_of_two_publishers_at_once_the_second_waits_and_writes_what_both_know() -> None:
    first, second = release("First", at=MARCH), release("Second", at=MARCH + MINUTE)
    go = threading.Barrier(2)

    def publish(brief_id: int) -> None:
        go.wait(timeout=10)
        publishing.publish(brief_id)
        connection.close()

    threads = [threading.Thread(target=publish, args=(one.pk,)) for one in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert titles() == titles("topic/harbours") == ["Second", "First"]


@pytest.mark.django_db(transaction=True)
def test_an_older_render_never_overwrites_a_newer_one() -> None:
    """The slow publisher holds its turn; the quick one, with a newer brief, comes after it."""
    older = release("Older", at=MARCH)
    started, finished = threading.Event(), threading.Event()

    def quick() -> None:
        newer = release("Newer", at=MARCH + MINUTE)
        started.set()
        publishing.publish(newer.pk)
        connection.close()
        finished.set()

    thread = threading.Thread(target=quick)
    with transaction.atomic():
        publishing.publish(older.pk)  # its turn lasts as long as the transaction
        thread.start()
        assert started.wait(timeout=10)
        assert not finished.wait(timeout=0.3)
    thread.join(timeout=30)
    assert titles() == ["Newer", "Older"]


def test_another_name_or_address_of_ours_is_in_feeds_that_no_brief_changes(
    settings: Settings,
) -> None:
    publishing.publish(release("Quiet", topics=[make_topic("Fog")]).pk)
    publishing.sweep()
    before = contents()
    publishing.sweep()
    assert contents() == before
    settings.PUBLISHER_NAME, settings.PUBLIC_URL = "Harbour News", "https://harbour.example.org"
    publishing.sweep()
    for key in keys():
        assert b"Harbour News" in body(key)
        assert b"//news.example.org" not in body(key)
