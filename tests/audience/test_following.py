"""What triggers keep beside the rows: who follows a topic, and whose address is suppressed."""

from __future__ import annotations

import random

import pytest
from django.utils import timezone

from dispatcher.audience import consent, suppressing
from dispatcher.audience.models import Following, Subscriber, Subscription, Suppression
from dispatcher.audience.rules import Cadence, Match
from tests.makers import make_reader

pytestmark = pytest.mark.django_db


def followed() -> set[tuple[int, int, int]]:
    return set(Following.objects.values_list("topic_id", "subscriber_id", "subscription_id"))


def to_be_followed() -> set[tuple[int, int, int]]:
    """By the words of the model: one topic of a live, plain rule at once."""
    return {
        (topic, rule.subscriber_id, rule.pk)
        for rule in Subscription.objects.all()
        for topic in rule.topics
        if (rule.match, rule.cadence, rule.ended_at) == (Match.ANY, Cadence.AT_ONCE, None)
        and not rule.except_topics
    }


def test_whatever_is_done_to_rules_the_followings_follow() -> None:
    chance = random.Random(5)
    readers = [make_reader() for _ in range(20)]
    for _ in range(30):
        Subscription.objects.bulk_create(
            (_any_rule(chance, chance.choice(readers)) for _ in range(10)), ignore_conflicts=True
        )
        Subscription.objects.filter(pk__in=chance.sample(_ids(), 5)).update(ended_at=timezone.now())
        Subscription.objects.filter(pk__in=chance.sample(_ids(), 3)).update(
            cadence=Cadence.WEEKLY, ended_at=timezone.now()
        )
        changed = Subscription.objects.get(pk=chance.choice(_ids()))
        changed.topics = [chance.randint(100, 10**6), 7, 7]
        changed.save()
        Subscription.objects.filter(pk__in=chance.sample(_ids(), 2)).delete()
        assert followed() == to_be_followed()
    assert len(followed()) > 50


def _ids() -> list[int]:
    return list(Subscription.objects.order_by("pk").values_list("pk", flat=True))


def _any_rule(chance: random.Random, reader: Subscriber) -> Subscription:
    return Subscription(
        subscriber=reader,
        match=chance.choice([Match.ANY, Match.ANY, Match.ALL]),
        topics=chance.sample(range(1, 10), chance.randint(1, 4)),
        except_topics=chance.choice([[], [], [], [11]]),
        cadence=chance.choice([Cadence.AT_ONCE, Cadence.AT_ONCE, Cadence.DAILY]),
        ended_at=chance.choice([None, None, None, timezone.now()]),
    )


def test_two_rules_on_one_topic_come_and_go_without_regard_to_each_other() -> None:
    reader = make_reader()
    one, other = (
        reader.subscriptions.create(topics=topics, source="a test") for topics in ([1, 2], [2, 3])
    )
    consent.leave(reader, [one], source="a link")
    assert followed() == {(2, reader.pk, other.pk), (3, reader.pk, other.pk)}


def is_suppressed(reader: Subscriber) -> bool:
    reader.refresh_from_db()
    return reader.is_suppressed


def test_a_reader_is_suppressed_from_when_the_address_is_until_it_no_longer_is() -> None:
    reader, other = make_reader("Zoë@example.org"), make_reader("bo@example.org")
    assert not is_suppressed(reader)
    suppressing.suppress("ZOË@EXAMPLE.org", reason="hard bounce")
    assert (is_suppressed(reader), is_suppressed(other)) == (True, False)
    Suppression.objects.update(address="BO@example.org")
    assert (is_suppressed(reader), is_suppressed(other)) == (False, True)
    Suppression.objects.all().delete()
    assert not is_suppressed(other)


def test_a_reader_whose_address_was_suppressed_before_is_so_from_the_start() -> None:
    suppressing.suppress("eve@example.org", reason="complained")
    made = Subscriber.objects.bulk_create(
        Subscriber(address=address) for address in ("Eve@example.org", "dee@example.org")
    )
    assert [is_suppressed(reader) for reader in made] == [True, False]


def test_nobody_can_say_otherwise_of_a_reader() -> None:
    reader = make_reader("eve@example.org")
    suppressing.suppress("eve@example.org", reason="complained")
    reader.save()  # as read before the suppression
    assert is_suppressed(reader)
    Subscriber.objects.update(is_suppressed=False)
    assert is_suppressed(reader)
    Subscriber.objects.update(address="eva@example.org")
    assert not is_suppressed(reader)
    made = Subscriber.objects.create(address="new@example.org", is_suppressed=True)
    assert not is_suppressed(made)
