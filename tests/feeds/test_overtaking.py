"""What happens between a question and its answer: the feed that is kept is none that was overtaken."""

from __future__ import annotations

import gzip

import pytest
from django.test import Client

from dispatcher.briefs import curating
from dispatcher.feeds import addressing, documents, publishing
from dispatcher.feeds.building import Format
from dispatcher.feeds.models import FeedChannel, FeedDocument
from tests.feeds.releasing import release
from tests.makers import make_topic

pytestmark = pytest.mark.django_db
PAIR = "any/fog,ice"


@pytest.fixture(autouse=True)
def topics() -> None:
    fog = make_topic("Fog")
    make_topic("Ice")
    publishing.publish(release("News", topics=[fog]).pk)
    publishing.republish()


def body(key: str = PAIR) -> bytes:
    return gzip.decompress(FeedDocument.objects.get(channel__key=key, format="atom").gzip)


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
