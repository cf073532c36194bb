"""Real feed readers poll our feeds: what they read, and that the next time they are told 304."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from dispatcher.feeds.building import Feed, Format, Withdrawal, build
from tests.feeds.clients import Newsboat, Read, Rss2Email
from tests.feeds.reading import items
from tests.feeds.samples import HOST, MARCH, entry, feed
from tests.feeds.standing import Page, Stand, stand

XML = [Format.ATOM, Format.RSS]
every_xml = pytest.mark.parametrize("form", XML)

SAMPLE = feed(
    entry(3, title="Fish & chips < 5", updated=MARCH + timedelta(days=2), note="A day was wrong."),
    entry(2, title="שיחות הנמל", language="he", published=MARCH - timedelta(hours=1), urgent=True),
    entry(1, title="Pilots return", published=MARCH - timedelta(days=1), kind="flash-brief"),
    hub_urls=("https://hub.example.org/", f"{HOST}/feeds/hub"),
    withdrawals=(Withdrawal("tag:news.example.org,2023:brief/0", MARCH, "It was not so."),),
    prev_archive_url=f"{HOST}/feeds/all/archive/2023-02.atom",
    icon_url=f"{HOST}/icon.png",
    kind_scheme=f"{HOST}/kinds/",
    urgent_scheme=f"{HOST}/urgent",
)


@pytest.fixture
def served() -> Iterator[Stand]:
    """Who answers: its `base_url`, and its `answers` by path."""
    with stand() as held:
        put(held, SAMPLE)
        yield held


def put(held: Stand, sample: Feed) -> None:
    for form in Format:
        held.pages[f"/all.{form.extension}"] = Page(
            form.content_type, build(sample, form), {"Refresh": f"0; url={held.base_url}/page"}
        )


@every_xml
def test_newsboat_reads_ids_titles_addresses_dates_and_contents(
    served: Stand, form: Format, tmp_path: Path
) -> None:
    newsboat = Newsboat(tmp_path, [f"{served.base_url}/all.{form}"])
    newsboat.poll()
    assert newsboat.entries() == [
        Read(item.id, item.title, item.url, item.published, item.content)
        for item in items(SAMPLE, form)
    ]


def test_newsboat_folds_the_same_brief_of_two_feeds_into_one(served: Stand, tmp_path: Path) -> None:
    newsboat = Newsboat(tmp_path, [f"{served.base_url}/all.{form}" for form in XML])
    newsboat.poll()
    assert [one.id for one in newsboat.entries()] == [one.id for one in SAMPLE.entries]


@every_xml
def test_newsboat_is_told_that_nothing_changed(served: Stand, form: Format, tmp_path: Path) -> None:
    newsboat = Newsboat(tmp_path, [f"{served.base_url}/all.{form}"])
    for _ in range(3):
        newsboat.poll()
    # newsboat 2.21 notes the ETag of feeds that it knows, so it has none after the first time.
    assert served.answers == {f"/all.{form}": [200, 200, 304]}, "and Refresh leads no reader away"
    assert len(newsboat.entries()) == 3


@every_xml
def test_rss2email_writes_once_of_each_brief_and_is_told_that_nothing_changed(
    served: Stand, form: Format, tmp_path: Path
) -> None:
    put(served, replace(SAMPLE, entries=SAMPLE.entries[:1]))
    rss2email = Rss2Email(tmp_path, [f"{served.base_url}/all.{form}"])
    rss2email.poll()
    (letter,) = rss2email.letters()
    assert letter["Subject"] == "Fish & chips < 5"
    assert letter["X-RSS-ID"] == SAMPLE.entries[0].id
    assert letter["X-RSS-URL"] == SAMPLE.entries[0].url
    assert "A day was wrong." in letter.get_content()
    rss2email.poll()
    assert len(rss2email.letters()) == 1
    assert served.answers == {f"/all.{form}": [200, 304]}, "and Refresh leads no reader away"


@every_xml
def test_rss2email_writes_of_a_new_brief_alone(served: Stand, form: Format, tmp_path: Path) -> None:
    put(served, replace(SAMPLE, entries=SAMPLE.entries[1:]))
    rss2email = Rss2Email(tmp_path, [f"{served.base_url}/all.{form}"])
    rss2email.poll()
    before = [str(letter["X-RSS-ID"]) for letter in rss2email.letters()]
    put(served, SAMPLE)
    rss2email.poll()
    after = [str(letter["X-RSS-ID"]) for letter in rss2email.letters()]
    assert sorted(after) == sorted([*before, SAMPLE.entries[0].id])
    assert len(before) == 2
