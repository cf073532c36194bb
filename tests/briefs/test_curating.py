"""Topics that are merged, retired, reinstated and renamed: once, with who and when, and never reused."""

from __future__ import annotations

import pytest
from django.http import QueryDict
from redis import Redis

from dispatcher import choosing
from dispatcher.audience import rules, standing
from dispatcher.briefs import curating, intake, public, topics
from dispatcher.briefs.models import Topic
from dispatcher.briefs.public import TopicMoved, TopicRetired
from dispatcher.briefs.topics import Vocabulary
from dispatcher.errors import BadTopics, UnknownTopic
from dispatcher.letters.words import words
from dispatcher.mailing import composing, dispatching, matching
from dispatcher.mailing.addressing import addressees
from dispatcher.mailing.models import Delivery
from tests.feeds.releasing import release
from tests.makers import make_brief, make_reader, make_topic
from tests.meanwhile import overtaken

pytestmark = pytest.mark.django_db


def merge(topic: Topic, into: Topic) -> bool:
    return curating.merge(topic.slug, into.slug, by="ada")


def told(topic: Topic) -> list[tuple[str, str, str]]:
    return list(topic.acts.order_by("pk").values_list("what", "by", "note"))


def test_followers_of_a_merged_topic_follow_the_other_by_mail_and_by_feed() -> None:
    ports, harbours, tides = make_topic("Ports"), make_topic("Harbours"), make_topic("Tides")
    old = make_reader(any_of=[ports])
    both = make_reader(all_of=[ports, tides])
    spared = make_reader(any_of=[tides], none_of=[ports])
    assert merge(ports, harbours)
    brief = make_brief(topics=[harbours, tides])
    matching.match(dispatching.release(brief, by="ada").pk)
    assert set(Delivery.objects.values_list("subscriber", flat=True)) == {old.pk, both.pk}
    assert not rules.Rule.of(spared.subscriptions.get()).lets_through(
        Vocabulary().reach(brief.topics)
    )


def test_a_reader_of_a_merged_topic_is_told_of_the_other_and_can_stop_it() -> None:
    ports, harbours, tides = make_topic("Ports"), make_topic("Harbours"), make_topic("Tides")
    reader = make_reader(any_of=[ports, harbours])
    merge(ports, harbours)
    [rule] = reader.subscriptions.all()
    assert standing.lines([rule], words("en"))[0].words == "Briefs on Harbours"
    held = rules.Rule.of(rule)
    ticked = [
        choice.name
        for group in choosing.offered(held).groups
        for choice in group.choices
        if choice.is_wanted
    ]
    assert ticked == ["Harbours"]
    form = QueryDict(f"shown={harbours.pk} {tides.pk}&topic={tides.pk}&cadence=daily")
    assert choosing.chosen(form, held=held).topics == {tides.pk}


def test_a_letter_names_what_a_merged_topic_has_become() -> None:
    ports, harbours = make_topic("Ports"), make_topic("Harbours")
    reader = make_reader(any_of=[ports])
    merge(ports, harbours)
    dispatch = dispatching.release(make_brief(topics=[harbours]), by="ada")
    assert addressees(dispatch, [reader.pk])[reader.pk].follows == ("Harbours",)


def test_briefs_of_a_merged_topic_are_the_others_under_the_same_address() -> None:
    ports, harbours = make_topic("Ports"), make_topic("Harbours")
    brief = release(topics=[ports])
    merge(ports, harbours)
    assert [one.public_id for one in public.newest(10, about=harbours)] == [brief.public_id]
    assert public.find(brief.public_id).topics == (harbours,)
    with pytest.raises(TopicMoved) as moved:
        public.topic("ports")
    assert moved.value.to == harbours


def test_a_merge_is_done_once_and_noted() -> None:
    ports, harbours = make_topic("Ports"), make_topic("Harbours")
    assert merge(ports, harbours)
    assert not merge(ports, harbours)
    assert told(ports) == [("merged", "ada", "Became part of Harbours.")]


def test_what_stands_beneath_a_merged_topic_stands_beneath_the_other() -> None:
    ports, harbours = make_topic("Ports"), make_topic("Harbours")
    quays = make_topic("Quays", parent=ports)
    merge(ports, harbours)
    assert public.topics_beneath(harbours) == [quays]


@pytest.mark.parametrize(
    ("slug", "into", "says"),
    [
        ("ports", "ports", "part of itself"),
        ("ports", "quays", "the other way round"),
        ("ports", "old", "is retired"),
        ("old", "ports", "reinstate it first"),
        ("ports", "gone", "become part of Tides already"),
        ("gone", "ports", "become part of Tides already"),
    ],
)
def test_a_merge_that_makes_no_sense(slug: str, into: str, says: str) -> None:
    ports = make_topic("Ports")
    make_topic("Quays", parent=ports)
    merge(make_topic("Gone"), make_topic("Tides"))
    curating.retire(make_topic("Old").slug, by="ada")
    with pytest.raises(BadTopics, match=says):
        curating.merge(slug, into, by="ada")
    assert Topic.objects.get(slug=slug).acts.exclude(what__in=["merged", "retired"]).count() == 0


@pytest.mark.django_db(transaction=True)
def test_two_topics_that_are_merged_into_each_other_at_once_do_not_vanish() -> None:
    ports, harbours = make_topic("Ports"), make_topic("Harbours")
    with pytest.raises(BadTopics):
        overtaken(lambda: merge(harbours, ports), by=lambda: merge(ports, harbours))
    assert public.topics_in_use() == [harbours]


def test_a_retired_topic_ends_with_a_note_until_it_is_reinstated() -> None:
    ports = make_topic("Ports")
    assert curating.retire("ports", by="ada", note="Nothing new is to come.")
    assert not curating.retire("ports", by="bo", note="Other words.")
    with pytest.raises(TopicRetired, match="The topic Ports is no longer used") as ended:
        public.topic("ports")
    assert ended.value.note == "Nothing new is to come."
    with pytest.raises(UnknownTopic):
        make_brief(topics=[ports])
    assert curating.reinstate("ports", by="bo")
    assert not curating.reinstate("ports", by="bo")
    assert public.topic("ports") == ports
    assert [(what, by) for what, by, _ in told(ports)] == [("retired", "ada"), ("reinstated", "bo")]


def test_a_topic_with_others_beneath_is_not_retired() -> None:
    make_topic("Quays", parent=make_topic("Ports"))
    with pytest.raises(BadTopics, match="Quays stand beneath Ports"):
        curating.retire("ports", by="ada")


def test_the_letter_of_a_brief_whose_topic_is_retired_can_still_be_looked_at() -> None:
    brief = make_brief(topics=[make_topic("Ports"), make_topic("Tides")])
    curating.retire("ports", by="ada")
    assert brief.current
    text = composing.sample(brief, brief.current).text
    assert "Tides" in text


def test_a_renamed_topic_keeps_its_web_name_and_answers_to_the_old_one() -> None:
    ports = make_topic("Ports")
    brief = make_brief(topics=[ports])
    assert curating.rename("ports", " Harbours  and ports ", by="ada")
    assert not curating.rename("ports", "Harbours and ports", by="ada")
    ports.refresh_from_db()
    assert (ports.slug, ports.name, ports.aliases) == ("ports", "Harbours and ports", ["Ports"])
    assert Vocabulary().resolve(["Ports", "ports", "harbours and ports"]) == [ports.pk]
    assert told(ports) == [("renamed", "ada", "Was Ports.")]
    assert brief.current
    assert "Harbours and ports" in composing.sample(brief, brief.current).text
    assert curating.rename("ports", "Ports", by="ada"), "and back"
    ports.refresh_from_db()
    assert ports.aliases == ["Harbours and ports"]


def test_the_case_of_a_name_can_be_changed() -> None:
    make_topic("ports")
    assert curating.rename("ports", "Ports", by="ada")
    assert Topic.objects.get().aliases == []


@pytest.mark.parametrize("name", ["", "  ", "!?", "x" * 121, "Tides", "ebb", "quay-side"])
def test_a_name_that_is_none_or_means_another_topic(name: str) -> None:
    topics.add("Tides", aliases=["Ebb"])
    topics.add("Quay side")
    make_topic("Ports")
    with pytest.raises(BadTopics):
        curating.rename("ports", name, by="ada")
    assert Topic.objects.get(slug="ports").name == "Ports"


@pytest.mark.django_db(transaction=True)
def test_a_name_that_another_takes_in_this_moment() -> None:
    make_topic("Ports"), make_topic("Tides")
    with pytest.raises(BadTopics, match="another topic"):
        overtaken(
            lambda: curating.rename("ports", "Harbours", by="ada"),
            by=lambda: curating.rename("tides", "Harbours", by="bo"),
        )


def test_a_web_name_is_never_given_to_another_topic() -> None:
    make_topic("Ports")
    curating.rename("ports", "Harbours", by="ada")
    with pytest.raises(BadTopics, match="share its web name"):
        topics.add("Ports")
    curating.retire("ports", by="ada")
    with pytest.raises(BadTopics, match="share its web name"):
        topics.add("Ports")


def test_the_name_of_a_merged_topic_is_recognised_in_what_is_pasted() -> None:
    ports, harbours = make_topic("Ports"), make_topic("Harbours")
    merge(ports, harbours)
    brief = intake.hand_in("Ferries run\n\nLatest\n\nThey run again.\n\nPorts\n", by="ada").brief
    assert brief.topics == [harbours.pk]


@pytest.mark.parametrize("slug", ["nowhere", "a\0b", "\ud800"])
def test_a_topic_that_is_not_there(slug: str) -> None:
    make_topic("Ports")
    with pytest.raises(UnknownTopic):
        curating.merge(slug, "ports", by="ada")
    with pytest.raises(UnknownTopic):
        curating.merge("ports", slug, by="ada")
    with pytest.raises(UnknownTopic):
        curating.retire(slug, by="ada")
    with pytest.raises(UnknownTopic):
        curating.reinstate(slug, by="ada")
    with pytest.raises(UnknownTopic):
        curating.rename(slug, "X", by="ada")


@pytest.mark.django_db(transaction=True)
def test_the_feeds_are_told_once(valkey: Redis) -> None:
    make_topic("Ports")
    for _ in range(2):
        curating.retire("ports", by="ada")
    assert valkey.llen("routine") == 1
