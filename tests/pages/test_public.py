"""Pages that anyone may read: what they show, what they keep back, and that looking changes nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from lxml import html

from dispatcher.briefs import curating, intake
from dispatcher.briefs.document import Document, Entry, Quotation, Related, Section
from dispatcher.briefs.models import Topic
from dispatcher.feeds import publishing
from dispatcher.feeds.models import FeedDocument
from dispatcher.mailing import amending
from tests.feeds.releasing import MARCH, release
from tests.makers import BLOCKS, make_brief, make_topic
from tests.pages.reading import page, texts

pytestmark = pytest.mark.django_db


def test_a_briefs_page_shows_the_whole_brief(client: Client) -> None:
    brief = release(
        "Pilots return",
        kind="Flash Brief",
        urgent=True,
        topics=[make_topic("Harbours"), make_topic("Tides")],
        blocks=(
            Section("", ("Opening words.",)),
            Section(
                "Latest", ('They <a href="https://example.org/x">signed</a>.', "• One", "• Two")
            ),
            Quotation("Views", ("Long awaited.", "Truly."), "Ada Example", "harbour analyst"),
            Related("Related", (Entry("Why", "by Bo", "https://example.org/y"), Entry("How"))),
        ),
        published_at=datetime(2023, 3, 1, tzinfo=UTC),
    )
    read = page(client, f"/briefs/{brief.public_id}")
    assert texts(read, "//h1") == ["Pilots return"]
    assert texts(read, "//*[@class='kicker']") == ["Urgent · Flash Brief · 1 March 2023"]
    assert texts(read, "//article//h2") == ["Latest", "Views", "Related"]
    assert texts(read, "//article//p[@class='topics']/a") == ["Harbours", "Tides"]
    assert texts(read, "//blockquote/p") == [
        "“Long awaited.",
        "Truly.”",
        "— Ada Example, harbour analyst",
    ]
    assert texts(read, "//article//ul[not(@class)]/li") == ["One", "Two"]
    assert texts(read, "//ul[@class='related']//a/@href") == ["https://example.org/y"]
    assert texts(read, "//html/@lang") == ["en"]


def test_a_briefs_page_leads_programs_to_its_feeds_and_says_what_it_is(client: Client) -> None:
    brief = release("Tea & <tides>", topics=[make_topic("Harbours")], summary="In short & <good>.")
    read = page(client, f"/briefs/{brief.public_id}")
    host = "http://news.example.org"
    assert texts(read, "//link[@rel='alternate']/@href") == [
        f"{host}/feeds/all.atom",
        f"{host}/feeds/all.rss",
        f"{host}/feeds/all.json",
        f"{host}/feeds/topics/harbours.atom",
        f"{host}/feeds/topics/harbours.rss",
        f"{host}/feeds/topics/harbours.json",
    ]
    assert texts(read, "//link[@rel='canonical']/@href") == [f"{host}/briefs/{brief.public_id}"]
    told = {
        node.get("property") or node.get("name"): node.get("content") for node in read.iter("meta")
    }
    assert told["og:title"] == "Tea & <tides>"
    assert told["og:description"] == told["description"] == "In short & <good>."
    assert told["og:type"] == "article"
    assert told["og:url"] == f"{host}/briefs/{brief.public_id}"
    assert told["article:published_time"] == "2023-03-02T10:00:00Z"


def test_a_hebrew_brief_reads_from_right_to_left(client: Client) -> None:
    brief = release("שלום", language="he", topics=[make_topic("Harbours")])
    read = page(client, f"/briefs/{brief.public_id}")
    assert texts(read, "//article/@dir") == ["rtl"]
    assert texts(read, "//article/@lang") == ["he"]
    assert texts(read, "//html/@dir") == ["ltr"], "what is ours is in English here"
    assert texts(page(client, "/"), "//article/@dir") == ["rtl"]


def test_what_is_not_released_is_not_shown(client: Client) -> None:
    brief = make_brief("Still at the desk")
    for address in (f"/briefs/{brief.public_id}", "/briefs/nothing", "/briefs/%00", "/nowhere"):
        response = client.get(address)
        assert response.status_code == 404
        assert b"<h1>" in response.content
        assert b"Still at the desk" not in response.content
    assert "Still at the desk" not in client.get("/").content.decode()


def test_readers_see_the_released_revision_and_not_the_newest(client: Client) -> None:
    brief = release("First words", source_id="one")
    newer = Document(headline="Second words", source_id="one", topics=("Harbours",), blocks=BLOCKS)
    assert intake.store(newer, by="ada").outcome == intake.Outcome.CHANGED
    read = page(client, f"/briefs/{brief.public_id}")
    assert texts(read, "//h1") == ["First words"]


def test_the_front_page_lists_the_newest_first(client: Client) -> None:
    for day in range(1, 4):
        release(f"Day {day}", at=MARCH.replace(day=day))
    read = page(client, "/")
    assert texts(read, "//article/h2") == ["Day 3", "Day 2", "Day 1"]
    assert len(texts(read, "//link[@rel='alternate']/@href")) == 3


def test_an_empty_front_page_says_what_will_stand_there(client: Client) -> None:
    read = page(client, "/")
    assert "No brief has been released yet" in texts(read, "//*[@class='empty']")[0]


def test_a_topics_page_lists_its_briefs_and_those_beneath_it(client: Client) -> None:
    coast = make_topic("Coast")
    north = make_topic("North", parent=coast)
    release("Ice", topics=[north])
    release("Sand", topics=[make_topic("Desert")])
    read = page(client, "/topics/coast")
    assert texts(read, "//article/h2") == ["Ice"]
    assert "http://news.example.org/feeds/topics/coast.atom" in texts(
        read, "//link[@rel='alternate']/@href"
    )
    assert texts(read, "//main/p[@class='topics']") == ["Includes North."]
    assert texts(page(client, "/topics/north"), "//main/p[@class='topics']") == ["Part of Coast."]


def test_a_topic_that_ended_says_so(client: Client) -> None:
    harbours = make_topic("Harbours")
    Topic.objects.create(slug="ports", name="Ports", merged_into=harbours)
    Topic.objects.create(slug="sails", name="Sails", retired_at=MARCH)
    moved = client.get("/topics/ports")
    assert (moved.status_code, moved["Location"]) == (301, "/topics/harbours")
    assert client.get("/topics/sails").status_code == 410
    assert client.get("/topics/nowhere").status_code == 404
    assert "No brief on this topic" in client.get("/topics/harbours").content.decode()


def test_no_page_needs_a_script_a_style_or_a_cookie(client: Client) -> None:
    brief = release(topics=[make_topic("Harbours")])
    for address in ("/", f"/briefs/{brief.public_id}", "/topics/harbours", "/feeds/"):
        response = client.get(address)
        assert not response.cookies
        assert "default-src 'none'" in response["Content-Security-Policy"]
        read = html.document_fromstring(response.content.decode())
        assert not read.xpath("//script[not(@src)] | //style | //@style")
        assert not read.xpath("//script") or address == "/feeds/"  # a field that searches, no more
        assert len(texts(read, "//h1")) == 1


def test_reading_and_polling_writes_nothing(client: Client) -> None:
    brief = release(topics=[make_topic("Harbours")])
    publishing.publish(brief.pk)
    before = list(FeedDocument.objects.values())
    for address in ("/", f"/briefs/{brief.public_id}", "/topics/harbours", "/feeds/all.rss"):
        assert client.get(address).status_code == 200
        assert client.head(address).status_code == 200
        assert client.post(address).status_code == 405
    assert list(FeedDocument.objects.values()) == before


def test_a_corrected_brief_says_so_at_the_top(client: Client) -> None:
    brief = release("Pilots return")
    amending.correct(brief, "# Pilots return\n\nSix <of> them.", by="ada", note="Six, not <seven>.")
    read = page(client, f"/briefs/{brief.public_id}")
    (first,) = texts(read, "//article/*[1][@class='notice change']")
    now = timezone.now()
    assert first == f"Corrected on {now.day} {now:%B %Y}: Six, not <seven>."
    assert "ada" not in read.text_content()
    brief.refresh_from_db()
    (modified,) = texts(read, "//meta[@property='article:modified_time']/@content")
    assert brief.amended_at
    assert modified == f"{brief.amended_at:%Y-%m-%dT%H:%M:%SZ}"


def test_a_correction_without_a_sentence_is_told_too_and_a_retagging_is_not(client: Client) -> None:
    brief = release("Pilots return", topics=[make_topic("Harbours")])
    amending.retag(brief, [make_topic("Tides").name], by="ada")
    address = f"/briefs/{brief.public_id}"
    assert not texts(page(client, address), "//*[@class='notice change']")
    assert texts(page(client, address), "//p[@class='topics']/a") == ["Tides"]
    amending.correct(brief, "# Pilots return\n\nSix of them.", by="ada")
    (said,) = texts(page(client, address), "//*[@class='notice change']")
    assert said.endswith(".")


def test_a_withdrawn_brief_answers_410_with_its_headline_when_and_why(client: Client) -> None:
    brief = release("Pilots return", blocks=BLOCKS, topics=[make_topic("Harbours")])
    amending.retract(brief, by="ada", note="The <source> took it back.")
    answer = client.get(f"/briefs/{brief.public_id}")
    assert answer.status_code == 410
    assert answer.headers["X-Robots-Tag"] == "noindex"
    read: Any = html.fromstring(answer.content.decode())
    assert texts(read, "//h1") == ["Pilots return"]
    assert texts(read, "//meta[@name='robots']/@content") == ["noindex"]
    assert "The <source> took it back." in read.text_content()
    assert "nine weeks" not in read.text_content()
    assert "ada" not in read.text_content()
    for listed in ("/", "/topics/harbours"):
        assert "Pilots return" not in page(client, listed).text_content()


def test_a_withdrawn_brief_that_is_corrected_is_back_at_its_address(client: Client) -> None:
    brief = release("Pilots return")
    amending.retract(brief, by="ada")
    assert client.get(f"/briefs/{brief.public_id}").status_code == 410
    amending.correct(brief, "# Pilots return\n\nSix of them.", by="ada", note="Right after all.")
    assert "Right after all." in page(client, f"/briefs/{brief.public_id}").text_content()


def test_a_retired_topics_page_says_why_and_a_merged_one_leads_on(client: Client) -> None:
    make_topic("Ports"), make_topic("Tides"), make_topic("Harbours")
    curating.retire("ports", by="ada", note="Nothing new is to come.")
    curating.merge("tides", "harbours", by="ada")
    ended = client.get("/topics/ports")
    assert (ended.status_code, ended.headers["X-Robots-Tag"]) == (410, "noindex")
    assert "Nothing new is to come." in ended.content.decode()
    moved = client.get("/topics/tides")
    assert (moved.status_code, moved.headers["Location"]) == (301, "/topics/harbours")
