"""What was made once is not made again, and memory stays within its limit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from dispatcher.feeds import building
from dispatcher.feeds.building import KEPT, Feed, FeedEntry, Format, build
from dispatcher.feeds.cleaning import cleaned_entry
from dispatcher.feeds.kept import Kept
from tests.feeds.samples import entry, feed


class Maker:
    """Makes bytes of one size and notes how often it was asked."""

    def __init__(self, size: int = 10) -> None:
        self.made, self.size = 0, size

    def __call__(self) -> bytes:
        self.made += 1
        return b"x" * self.size


@pytest.fixture(autouse=True)
def forgetful() -> Iterator[None]:
    KEPT.forget()
    yield
    KEPT.forget()


def test_the_same_key_is_made_once() -> None:
    kept, make = Kept(limit=100_000), Maker()
    assert kept.get("a", make) == kept.get("a", make) == b"x" * 10
    assert make.made == 1
    kept.get("b", make)
    assert make.made == 2


def test_what_was_asked_for_longest_ago_goes_first() -> None:
    kept, make = Kept(limit=72_000), Maker(size=4_000)
    for key in range(8):  # each takes twice that and a thousand
        kept.get(key, make)
    kept.get(0, make)
    assert make.made == 8
    kept.get(8, make)
    kept.get(0, make)
    assert make.made == 9
    kept.get(1, make)
    assert make.made == 10, "1 had to go for 8"


def test_what_would_crowd_out_the_rest_is_not_kept() -> None:
    kept, small, large = Kept(limit=40_000), Maker(), Maker(size=30_000)
    kept.get("small", small)
    kept.get("large", large)
    kept.get("large", large)
    kept.get("small", small)
    assert (small.made, large.made) == (1, 2)


def test_what_could_not_be_made_is_not_kept() -> None:
    def fail() -> bytes:
        raise ValueError("no")

    kept = Kept(limit=100_000)
    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            kept.get("a", fail)
    assert kept.get("a", Maker()) == b"x" * 10


@pytest.mark.parametrize("form", list(Format))
def test_a_brief_in_two_feeds_is_rendered_once(
    form: Format, monkeypatch: pytest.MonkeyPatch
) -> None:
    cleaned: list[str] = []

    def counted(one: FeedEntry, frame: Feed) -> FeedEntry:
        cleaned.append(one.id)
        return cleaned_entry(one, frame)

    monkeypatch.setattr(building, "cleaned_entry", counted)
    build(feed(entry(1), entry(2)), form)
    build(feed(entry(2), id="tag:news.example.org,2023:feed/cyber", title="Cyber"), form)
    assert cleaned == [entry(1).id, entry(2).id]
    build(feed(replace(entry(2), note="A day was wrong.")), form)
    assert cleaned == [entry(1).id, entry(2).id, entry(2).id]


@pytest.mark.parametrize("form", list(Format))
@pytest.mark.parametrize(
    "said",
    [
        {"language": "de"},
        {"publisher": "Another Institute"},
        {"topic_scheme": "https://other.example.org/topics/"},
        {"kind_scheme": "https://other.example.org/kinds/"},
        {"urgent_scheme": "https://other.example.org/urgent"},
    ],
)
def test_an_entry_kept_from_one_feed_is_not_taken_for_that_of_a_feed_which_says_otherwise(
    form: Format, said: dict[str, str]
) -> None:
    one = entry(language="", kind="flash-brief", urgent=True)
    wanted = build(feed(one, **said), form)
    KEPT.forget()
    build(feed(one), form)
    assert build(feed(one, **said), form) == wanted


@pytest.mark.parametrize("form", list(Format))
def test_the_hour_that_comes_twice_is_two_moments(form: Format) -> None:
    first = datetime(2023, 10, 29, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    second = first.replace(fold=1)
    assert first == second, "as Python compares within one zone"
    written = [build(feed(entry(published=one)), form) for one in (first, second)]
    assert written[0] != written[1]
