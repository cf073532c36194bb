"""Topics that are renamed, merged or moved in the tree: feeds follow, whoever is lost on the way."""

from __future__ import annotations

import gzip

import pytest
from django.db import transaction
from django.test import Client

from dispatcher.briefs import curating, topics
from dispatcher.briefs.models import Topic
from dispatcher.briefs.topics import Vocabulary
from dispatcher.feeds import learning, publishing
from dispatcher.feeds.models import FeedChannel, FeedDocument
from tests.feeds.releasing import release
from tests.makers import make_topic

pytestmark = pytest.mark.django_db


def body(key: str) -> str:
    return gzip.decompress(FeedDocument.objects.get(channel__key=key, format="json").gzip).decode()


def test_a_topic_that_is_put_beneath_another_brings_its_briefs_to_that_feed() -> None:
    coast, fog = make_topic("Coast"), make_topic("Fog")
    release("Foghorns", topics=[fog])
    publishing.build_all()
    assert "Foghorns" not in body("topic/coast")
    topics.add("Fog", parent=coast)
    publishing.sweep()
    assert "Foghorns" in body("topic/coast")
    topics.import_lines(["Sea", "  Coast", "Fog"])
    publishing.sweep()
    assert "Foghorns" in body("topic/sea")


def test_the_sweep_finds_what_became_of_topics_when_no_nudge_came() -> None:
    make_topic("Coast")
    release("Foghorns", topics=[make_topic("Fog")])
    publishing.build_all()
    curating.merge("fog", "coast", by="ada")
    publishing.sweep()
    assert "Foghorns" in body("topic/coast")
    assert not FeedDocument.objects.filter(channel__key="topic/fog").exists()
    curating.rename("coast", "Shore", by="ada")
    publishing.sweep()
    assert "Shore" in body("all")
    assert "Coast" not in body("all")
    assert publishing.sweep() == 0


def test_a_topic_that_is_renamed_while_feeds_are_rendered_has_its_new_name_in_all() -> None:
    coast = make_topic("Coast")
    release("Foghorns", topics=[coast])
    publishing.build_all()

    def meanwhile(done: int, of: int) -> None:
        if done == 1:  # the rename is told, and its worker ends before it has rendered anything
            curating.rename("coast", "Shore", by="ada")
            with transaction.atomic():
                learning.wait_for_turn()
                words = Vocabulary()
                learning.touch(learning.concerned([coast.pk], words), [coast.pk])
                learning.know([coast.pk], words)

    publishing.build_all(told=meanwhile)
    publishing.sweep()
    for key in ("all", "kinds/brief", "topic/coast"):
        assert "Shore" in body(key), key
        assert "Coast" not in body(key), key


def test_a_feed_without_a_brief_has_the_new_name_of_its_topic_too(client: Client) -> None:
    make_topic("Coast")
    make_topic("Ice")
    release("Icicles", topics=[Topic.objects.get(slug="ice")])
    publishing.build_all()
    for address in ("topics/coast", "not/coast"):
        assert b"Coast" in client.get(f"/feeds/{address}.json").content
    curating.rename("coast", "Shore", by="ada")
    publishing.sweep()
    for address in ("topics/coast", "not/coast"):
        assert b"Shore" in client.get(f"/feeds/{address}.json").content


def test_a_topic_that_nothing_happened_to_touches_no_feed() -> None:
    coast = make_topic("Coast")
    release("Foghorns", topics=[coast])
    publishing.build_all()
    before = list(FeedChannel.objects.order_by("pk").values_list("key", "version"))
    topics.import_lines(["Sea", "Coast | Shore", "  Fog"])
    publishing.sweep()
    assert list(FeedChannel.objects.order_by("pk").values_list("key", "version")) == before
