"""Who a release is for: the audience by topic rules, and its deliveries in batches."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone

from dispatcher import queue
from dispatcher.audience import consent, suppressing
from dispatcher.audience.models import Subscriber
from dispatcher.audience.rules import Cadence, Match, Rule
from dispatcher.briefs.models import Topic
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
    suppressing.suppress("bounced@example.org", reason="hard bounce")
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


def test_while_a_worker_still_sends_the_cancelled_one_nobody_is_passed_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    iran = make_topic("Iran")
    had, unsent = make_reader(any_of=[iran]), make_reader(any_of=[iran])
    brief = make_brief(topics=[iran])
    first = make_dispatch(brief, state=Dispatch.State.CANCELLED)
    batch = first.batches.create(number=1, state="carrying")
    for reader in (had, unsent):
        first.deliveries.create(subscriber=reader, batch=batch, state="carrying")
    second = make_dispatch(brief, state=Dispatch.State.MATCHING)
    assert matching.count(second.topics, brief=brief).excluded == {"had it already": 2}
    later = []
    monkeypatch.setattr(queue, "match", lambda pk, *, lane, after: later.append((pk, lane, after)))
    assert matched(second) == []
    assert later == [(second.pk, second.lane, matching.FREE_AGAIN)]
    first.deliveries.filter(subscriber=had).update(state="accepted")
    first.deliveries.filter(subscriber=unsent).update(
        state="waiting"
    )  # as its worker gives it back
    assert matched(second) == [unsent.address]
    second.refresh_from_db()
    assert second.excluded == {"had it already": 1}


@pytest.mark.parametrize(
    ("readers", "batches"),
    [
        (0, []),
        (1, [1]),
        (4, [2, 2]),
        (20, [2, 2, 3, 3, 3, 3, 1, 3]),  # slices of 4, of 13 and of what is left
        (43, [2, 2, 3, 3, 3, 3, 1] + [3, 3, 3, 3, 1] * 2),
        (44, [2, 2, 3, 3, 3, 3, 1] + [3, 3, 3, 3, 1] * 2 + [1]),
    ],
)
def test_slices_grow_and_their_batches_hold_everyone_once(
    readers: int, batches: list[int], monkeypatch: pytest.MonkeyPatch, settings: object
) -> None:
    for name, size in (("FIRST_SLICE", 4), ("SLICE", 13), ("FIRST_BATCHES", 2)):
        monkeypatch.setattr(matching, name, size)
    settings.BATCH_SIZE = 3  # type: ignore[attr-defined]
    iran, cyber = make_topic("Iran"), make_topic("Cyber")
    rules: list[dict[str, list[Topic]]] = [
        {"any_of": [iran]},
        {"any_of": [iran, cyber]},
        {"all_of": []},
        {"any_of": [cyber], "none_of": [make_topic("Energy")]},
    ]
    addresses = [make_reader(**rules[n % 4]).address for n in range(readers)]  # type: ignore[arg-type]
    dispatch = released("Iran", "Cyber")
    assert matched(dispatch) == sorted(addresses)
    made = dispatch.batches.order_by("number")
    assert [batch.deliveries.count() for batch in made] == batches
    assert [batch.number for batch in made] == list(range(1, len(batches) + 1))
    dispatch.refresh_from_db()
    state = Dispatch.State.SENDING if readers else Dispatch.State.DONE
    assert (dispatch.audience, dispatch.state) == (readers, state)


@pytest.mark.parametrize("join", ["hashjoin", "mergejoin", "nestloop"])
def test_deliveries_are_in_the_order_of_readers_whatever_join_the_planner_likes(join: str) -> None:
    iran = make_topic("Iran")
    for _ in range(40):
        make_reader(any_of=[iran])
    dispatch = released("Iran")
    with connection.cursor() as cursor:
        for other in {"hashjoin", "mergejoin", "nestloop"} - {join}:
            cursor.execute(f"SET LOCAL enable_{other} = off")
    matching.match(dispatch.pk)
    readers = dispatch.deliveries.order_by("pk").values_list("subscriber_id", flat=True)
    assert [*readers] == sorted(readers)


def test_the_first_slice_is_shared_by_ten_batches() -> None:
    """So that every worker has letters at once, and the first of them leave within the second."""
    iran = make_topic("Iran")
    for _ in range(120):
        make_reader(any_of=[iran])
    dispatch = released("Iran")
    matched(dispatch)
    made = dispatch.batches.order_by("number")
    assert [batch.deliveries.count() for batch in made] == [50, 50, 20]


def test_a_slice_that_broke_off_is_made_again_and_the_next_goes_on_behind_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(matching, "FIRST_SLICE", 2)
    iran = make_topic("Iran")
    addresses = sorted(make_reader(any_of=[iran]).address for _ in range(9))
    dispatch = released("Iran")
    posts = iter([None, RuntimeError("the worker is lost")])

    def lost(*_: object, **__: object) -> None:
        if fault := next(posts):
            raise fault

    with monkeypatch.context() as breaking:
        breaking.setattr(queue, "carry", lost)
        breaking.setattr(matching, "FIRST_BATCHES", 1)
        with pytest.raises(RuntimeError, match="lost"):
            matching.match(dispatch.pk)
    assert dispatch.deliveries.count() == 2
    assert matched(dispatch) == addresses
    assert [batch.number for batch in dispatch.batches.order_by("number")] == list(
        range(1, dispatch.batches.count() + 1)
    )


def test_who_is_counted_and_who_is_matched_is_what_the_rules_say(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """For any rules, readers, suppressions and reach: Python's reading of the rules, and SQL's two."""
    monkeypatch.setattr(matching, "FIRST_SLICE", 3)
    monkeypatch.setattr(matching, "SLICE", 20)
    chance = random.Random(12)
    topics = [make_topic(name) for name in ("Iran", "Cyber", "Energy", "Ports", "Trade", "Water")]
    readers = [_any_reader(chance, topics) for _ in range(150)]
    suppressing.suppress(readers[0].address.upper(), reason="complained")

    for _ in range(25):
        reach = sorted(topic.pk for topic in chance.sample(topics, chance.randint(1, 4)))
        wanted = {
            reader.pk: _left_out(reader)
            for reader in Subscriber.objects.prefetch_related("subscriptions")
            if any(
                rule.ended_at is None
                and rule.cadence == Cadence.AT_ONCE
                and Rule.of(rule).lets_through(reach)
                for rule in reader.subscriptions.all()
            )
        }
        dispatch = make_dispatch(state=Dispatch.State.MATCHING, topics=reach)
        counted = matching.count(reach)
        matching.match(dispatch.pk)
        dispatch.refresh_from_db()
        mailed = {pk for pk, reason in wanted.items() if not reason}
        assert set(dispatch.deliveries.values_list("subscriber_id", flat=True)) == mailed
        assert counted.readers == dispatch.audience == len(mailed)
        excluded = Counter(reason for reason in wanted.values() if reason)
        assert counted.excluded == dispatch.excluded == excluded


def _any_reader(chance: random.Random, topics: list[Topic]) -> Subscriber:
    reader = make_reader(state=chance.choice(["active"] * 8 + ["pending", "left"]))
    for _ in range(chance.randint(1, 3)):
        match = chance.choice(Match.values)
        wanted = chance.sample(topics, chance.randint(match == Match.ANY, 3))
        unwanted = chance.sample(topics, chance.choice([0, 0, 1]))
        rule = Rule(
            match,
            frozenset(topic.pk for topic in wanted),
            frozenset(topic.pk for topic in unwanted),
            chance.choice([Cadence.AT_ONCE] * 4 + [Cadence.DAILY]),
        )
        consent.subscribe(reader, rule, source="a test")
    if chance.random() < 0.2:
        reader.subscriptions.filter(pk=consent.live(reader)[0].pk).update(ended_at=timezone.now())
    if chance.random() < 0.1:
        suppressing.suppress(reader.address, reason="hard bounce")
    return reader


def _left_out(reader: Subscriber) -> str:
    if consent.suppressed(reader.address):
        return "suppressed"
    return "" if reader.state == Subscriber.State.ACTIVE else reader.state


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
