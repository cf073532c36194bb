"""What happens between a question and its answer: the feed that is kept is none that was overtaken."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from dispatcher.briefs import curating
from dispatcher.feeds import addressing, building, coding, documents, publishing
from dispatcher.feeds.building import Feed, Format
from dispatcher.feeds.models import FeedChannel, FeedDocument
from tests.feeds.releasing import release
from tests.makers import make_topic

pytestmark = pytest.mark.django_db
PAIR = "any/fog,ice"
SECOND = timedelta(seconds=1)
Meanwhile = Callable[[Callable[[], object]], None]


@pytest.fixture(autouse=True)
def topics() -> None:
    fog = make_topic("Fog")
    make_topic("Ice")
    publishing.publish(release("News", topics=[fog]).pk)
    publishing.republish()


def document(key: str = PAIR) -> FeedDocument:
    return FeedDocument.objects.get(channel__key=key, format="atom")


def body(key: str = PAIR) -> bytes:
    return gzip.decompress(document(key).gzip)


@pytest.fixture
def touched(client: Client) -> FeedChannel:
    """The channel of the pair, kept as an atom feed and changed since."""
    client.get(f"/feeds/{PAIR}.atom")
    FeedChannel.objects.filter(key=PAIR).update(version=2)
    return FeedChannel.objects.get(key=PAIR)


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Meanwhile:
    """Has something happen once, after a feed was rendered and before it is kept."""
    acts: list[Callable[[], object]] = []

    def build(feed: Feed, into: Format) -> bytes:
        rendered = building.build(feed, into)
        while acts:
            acts.pop()()
        return rendered

    monkeypatch.setattr(documents, "build", build)
    return acts.append


def by_another(told: bytes, *, version: int) -> None:
    """As another process keeps it, a second later."""
    document_ = document()
    FeedDocument.objects.filter(pk=document_.pk).update(
        gzip=coding.gzipped(told),
        etag=building.etag(told),
        version=version,
        last_modified=document_.last_modified + SECOND,
    )


@pytest.mark.parametrize("was_there", [False, True])
def test_a_topic_that_is_renamed_after_its_feed_was_asked_for_has_its_new_name(
    client: Client, was_there: bool
) -> None:
    if was_there:
        client.get(f"/feeds/{PAIR}.atom")
    asked = addressing.read(f"{PAIR}.atom")
    curating.rename("fog", "Haze", by="ada")
    publishing.republish()
    assert b"Haze or Ice" in documents.find(asked.channel, Format.ATOM).body
    assert b"Haze or Ice" in body()


@pytest.mark.parametrize("was_there", [False, True])
@pytest.mark.parametrize("is_told", [False, True])
def test_of_a_topic_that_is_merged_after_its_feed_was_asked_for_nothing_is_kept(
    client: Client, was_there: bool, is_told: bool
) -> None:
    if was_there:
        client.get(f"/feeds/{PAIR}.atom")
    asked = addressing.read(f"{PAIR}.rss")
    curating.merge("fog", "ice", by="ada")
    if is_told:
        publishing.republish()
    served = documents.find(asked.channel, Format.RSS)
    assert b"News" in served.body
    assert not served.is_kept
    assert not FeedDocument.objects.filter(channel__key=PAIR, format="rss").exists()
    publishing.republish()
    assert not FeedChannel.objects.filter(key=PAIR).exists()


def test_two_who_render_other_bytes_at_once_give_them_two_dates(
    touched: FeedChannel, meanwhile: Meanwhile
) -> None:
    before = document()
    between: list[FeedDocument] = []

    def another() -> None:
        curating.rename("fog", "Haze", by="ada")  # and nobody has told the feeds as yet
        documents.refresh(touched)
        between.append(document())

    curating.rename("fog", "Mist", by="ada")
    meanwhile(another)
    documents.refresh(touched)
    after = document()
    assert b"Mist or Ice" in body()
    assert b"Haze or Ice" in gzip.decompress(between[0].gzip)
    assert before.last_modified < between[0].last_modified < after.last_modified


def test_who_renders_what_was_kept_before_takes_no_other_bytes_for_it(
    touched: FeedChannel, meanwhile: Meanwhile
) -> None:
    before = document()
    meanwhile(lambda: by_another(b"of the version before, by one who was slow", version=1))
    documents.refresh(touched)
    after = document()
    assert (after.etag, after.version) == (before.etag, 2)
    assert bytes(after.gzip) == bytes(before.gzip)
    assert after.last_modified == before.last_modified + 2 * SECOND


def test_who_is_overtaken_while_rendering_gets_what_is_newer(
    touched: FeedChannel, meanwhile: Meanwhile
) -> None:
    asked = addressing.read(f"{PAIR}.atom")
    meanwhile(lambda: by_another(b"newer", version=3))
    found = documents.find(asked.channel, Format.ATOM)
    assert (found.body, found.last_modified) == (b"newer", document().last_modified)


def test_of_two_who_render_the_same_the_first_ones_date_and_codings_stay(
    meanwhile: Meanwhile,
) -> None:
    FeedDocument.objects.all().delete()
    row = FeedChannel.objects.get(key="all")
    first: list[FeedDocument] = []

    def another() -> None:
        documents.refresh(row)
        documents.code_in_br([row.pk])
        first.append(document("all"))

    meanwhile(another)
    documents.refresh(row)
    after = document("all")
    assert bytes(after.br) == bytes(first[0].br) != b""
    assert after.last_modified == first[0].last_modified
