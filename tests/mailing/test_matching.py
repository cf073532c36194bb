"""Who a release is for: the audience by topic rules, and its deliveries in batches."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

from dispatcher.audience import consent
from dispatcher.audience.rules import Cadence, Rule
from dispatcher.briefs.topics import Vocabulary
from dispatcher.mailing import matching
from dispatcher.mailing.models import Delivery, Dispatch
from tests.makers import make_brief, make_dispatch, make_reader, make_topic

pytestmark = pytest.mark.django_db


def matched(dispatch: Dispatch) -> list[str]:
    matching.match(dispatch.pk)
    rows = Delivery.objects.filter(dispatch=dispatch).order_by("subscriber__address")
    return list(rows.values_list("subscriber__address", flat=True))


@contextmanager
def transaction_of(other: BaseDatabaseWrapper) -> Iterator[None]:
    """A transaction on another connection than the test's own; rolled back."""
    other.set_autocommit(False)
    yield
    other.rollback()


def released(*topics: str) -> Dispatch:
    brief = make_brief(topics=[make_topic(name) for name in topics])
    reach = Vocabulary().reach(brief.topics)
    return make_dispatch(brief, state=Dispatch.State.MATCHING, topics=reach)


def test_readers_of_any_of_its_topics_get_it_and_others_do_not() -> None:
    iran, cyber, energy = make_topic("Iran"), make_topic("Cyber"), make_topic("Energy")
    make_reader("any@example.org", any_of=[iran, energy])
    make_reader("other@example.org", any_of=[energy])
    make_reader("all@example.org", all_of=[iran, cyber])
    make_reader("not-all@example.org", all_of=[iran, energy])
    make_reader("everything@example.org", all_of=[])
    make_reader("excepting@example.org", any_of=[iran], none_of=[cyber])
    make_reader("daily@example.org", any_of=[iran], cadence=Cadence.DAILY)
    assert matched(released("Iran", "Cyber")) == [
        "all@example.org",
        "any@example.org",
        "everything@example.org",
    ]


def test_a_reader_of_two_topics_and_two_rules_gets_one_delivery() -> None:
    iran, cyber = make_topic("Iran"), make_topic("Cyber")
    reader = make_reader("twice@example.org", any_of=[iran, cyber])
    consent.subscribe(reader, Rule(topics=frozenset([cyber.pk])), source="a test")
    assert matched(released("Iran", "Cyber")) == ["twice@example.org"]


def test_a_brief_on_a_child_topic_reaches_followers_of_its_parent() -> None:
    iran = make_topic("Iran")
    make_topic("Iran Missiles", parent=iran)
    make_reader("parent@example.org", any_of=[iran])
    assert matched(released("Iran Missiles")) == ["parent@example.org"]


def test_readers_left_out_are_counted_by_reason() -> None:
    iran = make_topic("Iran")
    make_reader("in@example.org", any_of=[iran])
    make_reader("Bounced@example.org", any_of=[iran])
    make_reader("pending@example.org", any_of=[iran], state="pending")
    consent.suppress("bounced@example.org", reason="hard bounce")
    dispatch = released("Iran")
    assert matching.count(dispatch.topics).excluded == {"suppressed": 1, "pending": 1}
    assert matched(dispatch) == ["in@example.org"]
    dispatch.refresh_from_db()
    assert dispatch.excluded == {"suppressed": 1, "pending": 1}
    assert dispatch.audience == 1


def test_who_has_it_from_a_cancelled_dispatch_does_not_get_it_twice() -> None:
    iran = make_topic("Iran")
    had, waiting = make_reader(any_of=[iran]), make_reader(any_of=[iran])
    brief = make_brief(topics=[iran])
    first = make_dispatch(brief, state=Dispatch.State.CANCELLED)
    batch = first.batches.create(number=1)
    for reader, state in ((had, "accepted"), (waiting, "waiting")):
        first.deliveries.create(subscriber=reader, batch=batch, state=state)
    second = make_dispatch(brief, state=Dispatch.State.MATCHING)
    assert matching.count(second.topics, brief=brief).excluded == {"had it already": 1}
    assert matched(second) == [waiting.address]
    second.refresh_from_db()
    assert second.excluded == {"had it already": 1}


def test_slices_and_batches_hold_everyone_once(
    monkeypatch: pytest.MonkeyPatch, settings: object
) -> None:
    monkeypatch.setattr(matching, "SLICE", 7)
    settings.BATCH_SIZE = 3  # type: ignore[attr-defined]
    iran = make_topic("Iran")
    addresses = sorted(make_reader(any_of=[iran]).address for _ in range(22))
    dispatch = released("Iran")
    assert matched(dispatch) == addresses
    assert [b.deliveries.count() for b in dispatch.batches.order_by("number")] == [3, 3, 1] * 3 + [
        1
    ]
    dispatch.refresh_from_db()
    assert (dispatch.audience, dispatch.state) == (22, Dispatch.State.SENDING)


def test_matching_again_adds_nothing() -> None:
    make_reader("once@example.org", any_of=[make_topic("Iran")])
    dispatch = released("Iran")
    matched(dispatch)
    assert matched(dispatch) == ["once@example.org"]
    dispatch.refresh_from_db()
    assert dispatch.audience == 1


@pytest.mark.django_db(transaction=True)
def test_while_one_is_matching_a_second_leaves_it_to_the_first() -> None:
    make_reader("once@example.org", any_of=[make_topic("Iran")])
    dispatch = released("Iran")
    other = connection.copy()
    try:
        with transaction_of(other), other.cursor() as cursor:
            cursor.execute(
                "SELECT FROM dispatcher_dispatch WHERE id = %s FOR UPDATE", [dispatch.pk]
            )
            assert matched(dispatch) == []
    finally:
        other.close()
    assert matched(dispatch) == ["once@example.org"]


def test_a_dispatch_without_readers_is_done_at_once() -> None:
    dispatch = released("Iran")
    assert matched(dispatch) == []
    dispatch.refresh_from_db()
    assert dispatch.state == Dispatch.State.DONE


def test_the_count_before_release_is_the_audience_after_it() -> None:
    iran = make_topic("Iran")
    for _ in range(5):
        make_reader(any_of=[iran])
    dispatch = released("Iran")
    assert matching.count(dispatch.topics).readers == len(matched(dispatch)) == 5
