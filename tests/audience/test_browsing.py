from __future__ import annotations

import pytest

from dispatcher.audience import browsing, consent
from dispatcher.audience.rules import Rule
from dispatcher.errors import NoSuchReader
from tests import makers

pytestmark = pytest.mark.django_db


def test_a_follower_is_an_active_reader_with_a_live_rule_and_counts_once() -> None:
    harbours, ferries = makers.make_topic("Harbours"), makers.make_topic("Ferries")
    both = makers.make_reader(any_of=[harbours, ferries])
    consent.subscribe(both, Rule(topics=frozenset([harbours.pk]), cadence="weekly"), source="page")
    makers.make_reader(all_of=[harbours, ferries])
    makers.make_reader(any_of=[harbours], state="pending")
    makers.make_reader(all_of=[])
    makers.make_reader(any_of=[ferries], none_of=[harbours])
    gone = makers.make_reader(any_of=[harbours])
    consent.leave(gone, gone.subscriptions.all(), source="link")
    unheard = makers.make_topic("Lighthouses")

    counted = browsing.followers([harbours.pk, ferries.pk, unheard.pk])

    assert counted == {harbours.pk: 2, ferries.pk: 3, unheard.pk: 0}


def test_a_leaf_says_where_the_next_begins_and_the_last_does_not() -> None:
    readers = [makers.make_reader() for _ in range(browsing.LEAF + 2)]

    first = browsing.leaf()
    second = browsing.leaf(older_than=first.older_than)

    assert [reader.pk for reader in (*first.readers, *second.readers)] == [
        reader.pk for reader in reversed(readers)
    ]
    assert second.older_than is None
    assert browsing.total() == len(readers)


def test_a_search_takes_wildcards_for_letters() -> None:
    makers.make_reader("per_cent%@example.org")
    makers.make_reader("percent@example.org")

    assert len(browsing.leaf(search="cent%").readers) == 1
    assert len(browsing.leaf(search="r_c").readers) == 1


def test_rules_are_said_live_ones_first() -> None:
    harbours, ferries = makers.make_topic("Harbours"), makers.make_topic("Ferries")
    reader = makers.make_reader(any_of=[harbours])
    consent.leave(reader, reader.subscriptions.all(), source="link")
    consent.subscribe(reader, Rule(topics=frozenset([ferries.pk])), source="page")

    said = browsing.said_rules(reader)

    assert [rule.words for rule in said] == ["Ferries, at once", "Harbours, at once"]
    assert said[0].ended_at is None
    assert said[1].ended_reason == consent.BY_READER


def test_a_number_that_no_reader_has_is_refused() -> None:
    with pytest.raises(NoSuchReader):
        browsing.reader(10**30)
