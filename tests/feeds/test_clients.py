"""Real feed readers on the real web process: what they have of briefs that were really published, how
they are told that nothing changed, and what they make of corrections, withdrawals and merged topics.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import feedparser
import pytest
from pytest_django import Settings

from dispatcher.briefs import curating
from dispatcher.briefs.models import Brief
from dispatcher.feeds import describing, holding, publishing
from dispatcher.feeds.building import Feed, Format
from dispatcher.feeds.channels import ALL
from dispatcher.mailing import amending
from tests.feeds import others
from tests.feeds.clients import Newsboat, Read, Rss2Email
from tests.feeds.reading import Item, items
from tests.feeds.releasing import MARCH, release
from tests.feeds.web import Web, web, within
from tests.makers import make_topic

pytestmark = pytest.mark.django_db(transaction=True)
XML = [Format.ATOM, Format.RSS]
every_xml = pytest.mark.parametrize("form", XML)
HOUR = timedelta(hours=1)


@pytest.fixture
def served(tmp_path: Path, settings: Settings) -> Iterator[Web]:
    with web(tmp_path, is_at_home=True) as running:
        settings.PUBLIC_URL = running.url
        publish("Pilots return", hours=0, kind="Flash Brief")
        publish("שיחות הנמל", hours=1, language="he", urgent=True)
        publish("Fish & chips < 5", hours=2)
        yield running


def publish(headline: str, *, hours: int, **document: object) -> Brief:
    fog = make_topic("Fog & mist")
    brief = release(headline, topics=[fog], at=MARCH + hours * HOUR, **document)
    publishing.publish(brief.pk)
    return brief


def correct(brief: Brief, headline: str) -> None:
    text = f"Brief | 2 March 2023\n\n{headline}\n\nLatest\n\nAnother text altogether.\n"
    amending.correct(brief, text, by="ada", note="A day was wrong.")
    publishing.publish(brief.pk)


def now(form: Format) -> Feed:
    """What the combined feed holds, as a value."""
    held = describing.contents(holding.live(ALL))
    return describing.feed(ALL, form, held)


def until_new(served: Web, path: str, *, than: str) -> None:
    """Until the web process knows of a publishing: a quarter of a second, as a rule."""
    assert within(5, lambda: served.get(path).headers["etag"] != than)


@every_xml
def test_newsboat_has_of_each_brief_what_was_published(
    served: Web, tmp_path: Path, form: Format
) -> None:
    newsboat = Newsboat(tmp_path, [f"{served.url}/feeds/all.{form}"])
    newsboat.poll()
    assert newsboat.entries() == [
        Read(item.id, item.title, item.url, item.published, item.content)
        for item in items(now(form), form)
    ]


def test_newsboat_folds_a_brief_that_is_in_several_feeds_into_one(
    served: Web, tmp_path: Path
) -> None:
    addresses = ("all.atom", "all.rss", "topics/fog-mist.atom", "kinds/flash-brief.rss")
    newsboat = Newsboat(tmp_path, [f"{served.url}/feeds/{address}" for address in addresses])
    newsboat.poll()
    assert [one.id for one in newsboat.entries()] == [one.id for one in now(Format.ATOM).entries]


@every_xml
def test_newsboat_which_sends_an_etag_from_its_third_poll_on_is_then_told_304(
    served: Web, tmp_path: Path, form: Format
) -> None:
    newsboat = Newsboat(tmp_path, [f"{served.url}/feeds/all.{form}"])
    for _ in range(3):
        newsboat.poll()
    assert served.answered() == {200: 2, 304: 1}, "and Refresh leads no reader away"
    assert len(newsboat.entries()) == 3


@every_xml
def test_rss2email_writes_once_of_each_brief_and_is_told_304_the_second_time(
    served: Web, tmp_path: Path, form: Format
) -> None:
    rss2email = Rss2Email(tmp_path, [f"{served.url}/feeds/kinds/flash-brief.{form}"])
    rss2email.poll()
    (letter,) = rss2email.letters()
    entry = now(form).entries[-1]
    assert (letter["Subject"], letter["X-RSS-ID"], letter["X-RSS-URL"]) == (
        entry.title,
        entry.id,
        entry.url,
    )
    assert "The ferry line reopened on Monday" in letter.get_content()
    rss2email.poll()
    assert len(rss2email.letters()) == 1
    assert served.answered() == {200: 1, 304: 1}, "and Refresh leads no reader away"


@every_xml
def test_feedparser_is_told_304_by_etag_and_by_date(served: Web, form: Format) -> None:
    address = f"{served.url}/feeds/all.{form}"
    first = feedparser.parse(address)
    assert (first.status, first.bozo) == (200, 0)
    assert [one.id for one in first.entries] == [one.id for one in now(form).entries]
    for held in ({"etag": first.etag}, {"modified": first.modified}):
        again = feedparser.parse(address, **held)
        assert (again.status, again.entries) == (304, [])


def test_feedsmith_reads_of_each_brief_what_was_published(served: Web) -> None:
    documents = [served.get(f"/feeds/all.{form}").body for form in Format]
    for form, answer in zip(Format, others.read_by_others(documents), strict=True):
        sample = now(form)
        assert answer["format"] == form
        assert _told(others.items(answer, sample), sample) == _told(items(sample, form), sample)


def test_a_correction_comes_to_every_reader_as_one_changed_entry(
    served: Web, tmp_path: Path
) -> None:
    address = f"{served.url}/feeds/all.atom"
    newsboat = Newsboat(tmp_path, [address])
    newsboat.poll()
    first = feedparser.parse(address)
    tag = served.get("/feeds/all.atom").headers["etag"]
    correct(Brief.objects.get(source_id__startswith="pilots"), "Pilots return, two of them")
    until_new(served, "/feeds/all.atom", than=tag)
    second = feedparser.parse(address, etag=first.etag)
    before, after = (
        {one.id: (one.title, one.updated, one.published) for one in parsed.entries}
        for parsed in (first, second)
    )
    (changed,) = {pk for pk in after if after[pk] != before[pk]}
    assert before.keys() == after.keys()
    assert second.entries[0].id == changed
    assert after[changed][2] == before[changed][2]
    held = {one.id: one for one in newsboat.entries()}
    newsboat.poll()
    now_held = {one.id: one for one in newsboat.entries()}
    assert {pk for pk in now_held if now_held[pk] != held[pk]} == {changed}
    assert held.keys() == now_held.keys()
    assert now_held[changed].title == "Pilots return, two of them"
    assert "A day was wrong." in now_held[changed].content


def test_whoever_follows_a_topic_that_was_merged_is_led_on(served: Web, tmp_path: Path) -> None:
    old = f"{served.url}/feeds/topics/fog-mist.atom"
    rss2email = Rss2Email(tmp_path, [old])
    newsboat = Newsboat(tmp_path, [old])
    rss2email.poll()
    make_topic("Weather")
    curating.merge("fog-mist", "weather", by="ada")
    publishing.republish()
    assert within(5, lambda: served.get("/feeds/topics/fog-mist.atom").status == 301)
    publish("Clear skies", hours=9)
    at = f"{served.url}/feeds/topics/weather.atom"
    assert within(5, lambda: b"Clear skies" in served.get("/feeds/topics/weather.atom").body)
    parsed = feedparser.parse(old)
    assert (parsed.status, parsed.href, parsed.bozo) == (301, at, 0)
    assert parsed.entries[0].title == "Clear skies"
    newsboat.poll()
    assert {one.title for one in newsboat.entries()} == {one.title for one in parsed.entries}
    rss2email.poll()
    assert [str(one["Subject"]) for one in rss2email.letters()].count("Clear skies") == 1
    assert len(rss2email.letters()) == 4


@every_xml
def test_a_withdrawn_briefs_tombstone_harms_nobody(
    served: Web, tmp_path: Path, form: Format
) -> None:
    address = f"{served.url}/feeds/all.{form}"
    rss2email = Rss2Email(tmp_path, [address])
    newsboat = Newsboat(tmp_path, [address])
    rss2email.poll()
    newsboat.poll()
    tag = served.get(f"/feeds/all.{form}").headers["etag"]
    brief = Brief.objects.get(source_id__startswith="fish")
    amending.retract(brief, by="ada", note="It was not so.")
    publishing.publish(brief.pk)
    until_new(served, f"/feeds/all.{form}", than=tag)
    body = served.get(f"/feeds/all.{form}").body
    assert (b"deleted-entry" in body) is (form is Format.ATOM)
    rss2email.poll()
    newsboat.poll()
    assert len(rss2email.letters()) == 3
    parsed = feedparser.parse(address)
    assert (parsed.bozo, len(parsed.entries)) == (0, 2)
    (read,) = others.read_by_others([body])
    assert len(others.items(read, now(form))) == 2


def _told(read: list[Item], sample: Feed) -> list[tuple[object, ...]]:
    """What feedsmith knows of in every format: JSON Feed has no kind, and it drops names of our own."""
    return [
        (
            one.id,
            one.url,
            one.title,
            one.published,
            one.updated,
            [name for scheme, name in one.categories if scheme == sample.topic_scheme],
            one.content,
        )
        for one in read
    ]
