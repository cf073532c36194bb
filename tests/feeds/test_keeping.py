"""Feeds that are kept: the standing ones always, combinations while somebody asks, and never too many."""

from __future__ import annotations

import gzip
import threading
from datetime import timedelta
from itertools import combinations

import pytest
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone
from redis import Redis

from dispatcher.feeds import documents, keeping, publishing
from dispatcher.feeds.models import FeedChannel, FeedDocument
from tests.feeds.releasing import MARCH, release
from tests.makers import make_topic
from tests.meanwhile import overtaken

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def keys() -> set[str]:
    return set(FeedChannel.objects.filter(is_standing=False).values_list("key", flat=True))


def test_made_up_combinations_without_end_are_served_and_not_kept(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "MOST", 3)
    names = [make_topic(name).slug for name in ("Fog", "Ice", "Tides", "Wind")]
    publishing.build_all()
    for pair in combinations(names, 2):
        assert client.get(f"/feeds/any/{','.join(pair)}.atom").status_code == 200
    assert len(keys()) == 3
    FeedChannel.objects.filter(key="any/fog,ice").update(asked_at=timezone.now() - 2 * DAY)
    assert client.get("/feeds/any/tides,wind.atom").status_code == 200
    assert "any/tides,wind" in keys()
    assert "any/fog,ice" not in keys()
    assert len(keys()) == 3


def test_who_polls_is_counted_of_kept_feeds_alone(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "MOST", 1)
    for name in ("Fog", "Ice", "Tides"):
        make_topic(name)
    counted = {}
    for stem in ("topics/fog", "any/fog,ice", "any/fog,tides"):
        handed = client.get(f"/feeds/{stem}.atom").wsgi_request.META["dispatcher.feeds.handed"]
        counted[stem] = handed.channel
    assert counted == {"topics/fog": "topic/fog", "any/fog,ice": "any/fog,ice", "any/fog,tides": ""}


def test_a_combination_nobody_asks_for_any_more_is_forgotten(client: Client) -> None:
    make_topic("Fog"), make_topic("Ice")
    client.get("/feeds/any/fog,ice.atom")
    client.get("/feeds/not/fog.atom")
    client.get("/feeds/topics/fog.atom")
    FeedChannel.objects.exclude(key="not/fog").update(asked_at=timezone.now() - 60 * DAY)
    assert keeping.forget() == 1
    assert keys() == {"not/fog"}
    assert FeedChannel.objects.filter(key="topic/fog").exists()


def test_a_combination_that_is_asked_for_is_rendered_before_it_is_asked_for_again(
    client: Client,
) -> None:
    fog = make_topic("Fog")
    make_topic("Ice")
    client.get("/feeds/any/fog,ice.atom")
    client.get("/feeds/not/ice.atom")
    FeedChannel.objects.filter(key="not/ice").update(asked_at=timezone.now() - 20 * DAY)
    publishing.publish(release("News", topics=[fog], at=MARCH).pk)
    rendered = FeedDocument.objects.filter(channel__key="any/fog,ice", format="atom").get()
    assert b"News" not in gzip.decompress(rendered.gzip)  # the job of the brief's lane is done
    publishing.render()
    rendered = FeedDocument.objects.get(channel__key="any/fog,ice")  # in no format but the one
    assert b"News" in gzip.decompress(rendered.gzip)
    left = FeedDocument.objects.filter(channel__key="not/ice", format="atom").get()
    assert b"News" not in gzip.decompress(left.gzip)
    assert b"News" in client.get("/feeds/not/ice.atom").content


@pytest.mark.django_db(transaction=True)
def test_combinations_are_rendered_where_no_urgent_letter_waits_once_and_also_after_a_lost_nudge(
    client: Client, valkey: Redis
) -> None:
    fog = make_topic("Fog")
    make_topic("Ice")
    publishing.republish()
    publishing.publish(release("News", topics=[fog], at=MARCH).pk)
    assert (valkey.llen("urgent"), valkey.llen("routine")) == (0, 0)
    client.get("/feeds/any/fog,ice.atom")
    publishing.publish(release("More", topics=[fog], at=MARCH + DAY).pk)
    assert (valkey.llen("urgent"), valkey.llen("routine")) == (0, 1)
    publishing.sweep()
    assert valkey.llen("routine") == 1
    valkey.flushdb()
    publishing.sweep()
    assert valkey.llen("routine") == 1
    publishing.render()
    valkey.flushdb()
    publishing.sweep()
    assert valkey.llen("routine") == 0


def test_archives_of_combinations_are_kept_nowhere(client: Client) -> None:
    make_topic("Ice")
    publishing.publish(release("News", topics=[make_topic("Fog")], at=MARCH).pk)
    for stem in ("topics/fog", "any/fog,ice"):
        answer = client.get(f"/feeds/{stem}/archive/2023-03.atom")
        assert b"News" in answer.content
        assert ("Last-Modified" in answer) is (stem == "topics/fog")
    kept = FeedDocument.objects.exclude(month="").values_list("channel__key", flat=True)
    assert list(kept) == ["topic/fog"]


@pytest.mark.django_db(transaction=True)
def test_who_asks_for_a_combination_while_it_is_dropped_gets_it_all_the_same() -> None:
    fog = make_topic("Fog")
    make_topic("Ice")
    publishing.republish()
    Client().get("/feeds/any/fog,ice.atom")
    row = FeedChannel.objects.get(key="any/fog,ice")
    publishing.publish(release("News", topics=[fog], at=MARCH).pk)
    answer = overtaken(  # it sees the row still, and waits to store
        lambda: Client().get("/feeds/any/fog,ice.atom"),
        by=lambda: FeedChannel.objects.filter(pk=row.pk).delete(),
    )
    assert (answer.status_code, b"News" in answer.content) == (200, True)
    assert documents.refresh(row) == 0
    assert not FeedDocument.objects.filter(channel=row.pk).exists()


@pytest.mark.django_db(transaction=True)
def test_a_combination_that_is_first_asked_for_while_a_brief_is_published_is_kept_by_the_next() -> (
    None
):
    fog = make_topic("Fog")
    make_topic("Ice")
    publishing.republish()
    brief = release("News", topics=[fog], at=MARCH)
    got: list[int] = []

    def ask() -> None:
        got.append(Client().get("/feeds/any/fog,ice.atom").status_code)
        connection.close()

    asking = threading.Thread(target=ask)
    with transaction.atomic():
        publishing.publish(brief.pk)  # its turn lasts as long as the transaction
        asking.start()
        asking.join(timeout=30)
        assert got == [200], "nobody waits for a publisher"
        assert "any/fog,ice" not in keys()
    assert b"News" in Client().get("/feeds/any/fog,ice.atom").content
    assert "any/fog,ice" in keys()
