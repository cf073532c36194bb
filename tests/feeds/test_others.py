"""What a program of others makes of our feeds: the same ids, dates, titles and categories as we do."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from dispatcher.feeds.building import FeedTopic, Format, Withdrawal, build
from tests.feeds import others, reading
from tests.feeds.others import read_by_others
from tests.feeds.reading import Item
from tests.feeds.samples import HOST, MARCH, entry, feed
from tests.feeds.saying import NASTY

# Every bad text everywhere that a text goes; one start of Node.js reads them all.
HOSTILE = [
    feed(
        entry(
            1,
            title=f"Talks {text} go on",
            summary=f"Both {text} agreed.",
            html=f"<p>They {text} signed.</p>",
            topics=(FeedTopic("cyber", f"Cyber {text}"), FeedTopic("iran", "Iran")),
            author=f"Ada {text} Example",
            note=f"A {text} day",
            published=MARCH - timedelta(days=number, microseconds=7),
            updated=MARCH,
            language="en" if number % 2 else "he",
        ),
        entry(2, summary="", html="", topics=()),
        title=f"Briefs {text} of all",
        is_archive=bool(number % 3),
        prev_archive_url=f"{HOST}/feeds/all/archive/2023-02.atom",
        withdrawals=(Withdrawal("urn:brief:0", MARCH, f"Not {text} so."),),
        hub_urls=(f"{HOST}/feeds/hub", "https://hub.example.org/"),
    )
    for number, text in enumerate(NASTY)
]
PAIRS = [(sample, form) for sample in HOSTILE for form in Format]


@pytest.fixture(scope="module")
def answers() -> list[dict[str, object]]:
    return read_by_others([build(sample, form) for sample, form in PAIRS])


def test_feedsmith_knows_every_document_for_what_it_is(answers: list[dict[str, object]]) -> None:
    assert [one["format"] for one in answers] == [form.value for _, form in PAIRS]


@pytest.mark.parametrize("form", list(Format))
def test_feedsmith_reads_of_each_brief_what_we_read(
    form: Format, answers: list[dict[str, object]]
) -> None:
    for (sample, written), answer in zip(PAIRS, answers, strict=True):
        if written is form:
            ours = reading.items(sample, form)
            assert _told(others.items(answer, sample)) == _told(ours), sample.title


def test_the_hubs_are_found_in_every_format() -> None:
    sample = replace(HOSTILE[0], is_archive=False)
    atom, rss, json = read_by_others([build(sample, form) for form in Format])
    for links in (atom["feed"]["links"], rss["feed"]["atom"]["links"]):
        assert [one["href"] for one in links if one["rel"] == "hub"] == [*sample.hub_urls]
    assert [one["url"] for one in json["feed"]["hubs"]] == [*sample.hub_urls]


def _told(read: list[Item]) -> list[tuple[object, ...]]:
    return [
        (
            one.id,
            one.url,
            one.title,
            one.published,
            one.updated,
            one.language,
            one.categories,
            one.author,
            one.content,
        )
        for one in read
    ]
