"""Digests: every brief that a reader's rules let through, once, at the hour that the reader chose."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from dispatcher.audience import consent
from dispatcher.audience.models import Subscriber
from dispatcher.audience.rules import Cadence, Rule
from dispatcher.briefs.models import Brief, Topic
from dispatcher.mailing import addressing, carrying, digests, dispatching, matching
from dispatcher.mailing.models import Delivery, DigestRun, Dispatch, Owed
from tests.makers import make_brief, make_reader, make_topic
from tests.sinks import Sink
from tests.waiting import until

pytestmark = pytest.mark.django_db

MONDAY = datetime(2026, 3, 2, 8, tzinfo=UTC)
DAY = timedelta(days=1)


def release(headline: str, *topics: Topic, **document: Any) -> Brief:
    brief = make_brief(headline, topics=topics, **document)
    matching.match(dispatching.release(brief, by="ada").pk)
    return brief


def run(now: datetime) -> int:
    """What beat and the workers do at that time; how many letters were made."""
    digests.open_due(now)
    return sum(
        digests.gather(pk)
        for pk in DigestRun.objects.filter(finished_at=None).values_list("pk", flat=True)
    )


def held_by(reader: Subscriber) -> list[list[str]]:
    """The headlines of each digest that the reader has, in the order of digests."""
    rows = Delivery.objects.filter(subscriber=reader, dispatch__kind="digest").order_by("pk")
    return [
        sorted(row.dispatch.contents.values_list("brief__source_id", flat=True)) for row in rows
    ]


def start() -> None:
    """Runs there were before, so that each next one covers what fell due since."""
    for cadence in DigestRun.Cadence.values:
        DigestRun.objects.create(
            cadence=cadence, window=MONDAY - DAY, since=MONDAY - 2 * DAY, finished_at=MONDAY
        )


def change(reader: Subscriber, cadence: str) -> None:
    """Give up the one rule of a reader for the same at another cadence."""
    old = consent.live(reader).get()
    rule = Rule(topics=frozenset(old.topics), cadence=cadence)
    consent.subscribe(reader, rule, source="a test")
    consent.leave(reader, [old], source="a test")


@pytest.mark.django_db(transaction=True)
def test_a_daily_reader_gets_at_eight_what_was_released_since(sink: Sink) -> None:
    start()
    iran, cyber = make_topic("Iran"), make_topic("Cyber")
    reader = make_reader("daily@example.org", any_of=[iran], cadence=Cadence.DAILY)
    make_reader(any_of=[cyber])
    release("One", iran, source_id="one")
    release("Two", iran, source_id="two", summary="What came second.")
    release("Other", cyber, source_id="other")
    assert run(MONDAY - timedelta(minutes=1)) == 0
    assert run(MONDAY) == 1
    assert run(MONDAY) == 0
    assert held_by(reader) == [["one", "two"]]
    dispatch = Dispatch.objects.get(kind="digest")
    carrying.carry(dispatch.batches.get().pk)
    dispatch.refresh_from_db()
    assert dispatch.state == "done"
    [taken] = sink.letters
    letter = email.message_from_bytes(taken.data, policy=email.policy.default)
    assert letter["Subject"] == "Your daily digest: 2 briefs, 2 March 2026"
    text = letter.get_body(("plain",))
    assert text is not None
    assert "What came second." in text.get_content()
    assert not Owed.objects.exists()


def test_an_empty_digest_is_not_sent() -> None:
    start()
    make_reader("daily@example.org", any_of=[make_topic("Iran")], cadence=Cadence.DAILY)
    assert run(MONDAY) == 0
    assert not Dispatch.objects.exists()


def test_a_reader_of_both_cadences_gets_a_brief_once_and_soonest() -> None:
    start()
    iran, cyber = make_topic("Iran"), make_topic("Cyber")
    reader = make_reader("both@example.org", any_of=[iran])
    for cadence in (Cadence.DAILY, Cadence.WEEKLY):
        rule = Rule(topics=frozenset([iran.pk, cyber.pk]), cadence=cadence)
        consent.subscribe(reader, rule, source="a test")
    make_reader(any_of=[cyber])
    release("At once", iran, source_id="at-once")
    release("In a digest", cyber, source_id="in-a-digest")
    assert run(MONDAY) == 1
    assert run(MONDAY + DAY) == 0
    assert held_by(reader) == [["in-a-digest"]]


@pytest.mark.parametrize(
    ("before", "after", "at"),
    [
        (Cadence.DAILY, Cadence.WEEKLY, MONDAY),
        (Cadence.WEEKLY, Cadence.DAILY, MONDAY + DAY),
        (Cadence.DAILY, Cadence.AT_ONCE, MONDAY + DAY),
    ],
)
def test_a_change_of_cadence_neither_repeats_nor_loses_a_brief(
    before: str, after: str, at: datetime
) -> None:
    start()
    iran = make_topic("Iran")
    reader = make_reader("changes@example.org", any_of=[iran], cadence=before)
    release("One", iran, source_id="one")
    change(reader, after)
    release("Two", iran, source_id="two")
    run(at)
    run(at + 7 * DAY)
    at_once = Delivery.objects.filter(subscriber=reader, dispatch__kind="alert").count()
    assert at_once == (after == Cadence.AT_ONCE)
    assert held_by(reader) == ([["one"]] if at_once else [["one", "two"]])


def test_who_turns_from_at_once_to_daily_gets_only_what_comes_then() -> None:
    start()
    iran = make_topic("Iran")
    reader = make_reader("changes@example.org", any_of=[iran])
    release("One", iran, source_id="one")
    change(reader, Cadence.DAILY)
    release("Two", iran, source_id="two")
    run(MONDAY)
    assert held_by(reader) == [["two"]]


def test_a_brief_that_was_released_late_comes_with_the_next_digest() -> None:
    start()
    iran = make_topic("Iran")
    reader = make_reader("daily@example.org", any_of=[iran], cadence=Cadence.DAILY)
    release("One", iran, source_id="one")
    run(MONDAY)
    release("Late", iran, source_id="late", published_at=MONDAY - DAY)
    run(MONDAY + DAY)
    assert held_by(reader) == [["one"], ["late"]]


def test_after_days_without_a_run_one_digest_comes_and_not_many() -> None:
    start()
    iran = make_topic("Iran")
    reader = make_reader("daily@example.org", any_of=[iran], cadence=Cadence.DAILY)
    release("One", iran, source_id="one")
    assert run(MONDAY + 5 * DAY + timedelta(hours=7)) == 1
    assert run(MONDAY + 6 * DAY) == 0
    assert held_by(reader) == [["one"]]


def test_an_urgent_brief_goes_at_once_to_digest_readers_who_allow_it() -> None:
    start()
    iran = make_topic("Iran")
    fields: dict[str, Any] = {"any_of": [iran], "cadence": Cadence.DAILY}
    allows = make_reader("allows@example.org", **fields)
    waits = make_reader("waits@example.org", urgent_at_once=False, **fields)
    brief = release("Now", iran, source_id="now", urgent=True)
    dispatch = brief.dispatches.get()
    assert [each.subscriber_id for each in dispatch.deliveries.all()] == [allows.pk]
    found = addressing.addressees(dispatch, [allows.pk])
    assert not found[allows.pk].refused
    run(MONDAY)
    assert (held_by(allows), held_by(waits)) == ([], [["now"]])


def test_readers_of_the_same_briefs_share_a_dispatch() -> None:
    start()
    iran, cyber = make_topic("Iran"), make_topic("Cyber")
    for topics in ([iran], [iran], [iran, cyber]):
        make_reader(any_of=topics, cadence=Cadence.DAILY)
    release("One", iran)
    release("Two", cyber)
    assert run(MONDAY) == 3
    rows = Dispatch.objects.filter(kind="digest").order_by("audience")
    assert list(rows.values_list("audience", flat=True)) == [1, 2]
    digest_run = DigestRun.objects.get(cadence="daily", window=MONDAY)
    assert (digest_run.letters, digest_run.readers) == (2, 3)


def test_what_a_reader_no_longer_follows_is_not_in_the_digest() -> None:
    start()
    iran = make_topic("Iran")
    reader = make_reader("stops@example.org", any_of=[iran], cadence=Cadence.DAILY)
    release("One", iran)
    consent.leave(reader, consent.live(reader), source="a test")
    assert run(MONDAY) == 0
    assert not Owed.objects.exists()


@pytest.mark.parametrize("verb", [dispatching.pause, dispatching.cancel])
def test_a_dispatch_that_the_desk_holds_is_in_no_digest(verb: Callable[..., Dispatch]) -> None:
    start()
    iran = make_topic("Iran")
    make_reader(any_of=[iran])
    reader = make_reader("daily@example.org", any_of=[iran], cadence=Cadence.DAILY)
    dispatch = release("One", iran, source_id="one").dispatches.get()
    verb(dispatch.pk, by="ada")
    assert run(MONDAY) == 0
    if verb is dispatching.pause:
        dispatching.resume(dispatch.pk, by="ada")
    run(MONDAY + DAY)
    assert held_by(reader) == ([["one"]] if verb is dispatching.pause else [])


def test_rules_that_except_each_others_topics_refuse_no_digest() -> None:
    start()
    iran, cyber = make_topic("Iran"), make_topic("Cyber")
    reader = make_reader(any_of=[iran], none_of=[cyber], cadence=Cadence.DAILY)
    other = Rule(topics=frozenset([cyber.pk]), except_topics=frozenset([iran.pk]), cadence="daily")
    consent.subscribe(reader, other, source="a test")
    release("One", iran)
    release("Two", cyber)
    run(MONDAY)
    dispatch = Dispatch.objects.get(kind="digest")
    assert not addressing.addressees(dispatch, [reader.pk])[reader.pk].refused


@pytest.mark.django_db(transaction=True)
def test_a_run_whose_readers_take_longer_to_find_than_a_lease_is_nobody_elses(
    settings: Any,
) -> None:
    settings.LEASE_SECONDS = 1
    start()
    iran = make_topic("Iran")
    reader = make_reader(any_of=[iran], cadence=Cadence.DAILY)
    release("One", iran, source_id="one")
    digests.open_due(MONDAY)
    held = DigestRun.objects.filter(cadence="daily", finished_at=None)
    run_id = held.get().pk

    def gather() -> int:
        try:
            return digests.gather(run_id)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("LOCK TABLE dispatcher_owed IN ACCESS EXCLUSIVE MODE")
            slow = threads.submit(gather)
            until(held.exclude(lease_until=None).exists)
            first = held.get().lease_until or MONDAY
            until(held.filter(lease_until__gt=first + timedelta(seconds=1)).exists)
            assert digests.gather(run_id) == 0
        assert slow.result(20) == 1
    assert held_by(reader) == [["one"]]
    assert not held.exists()


def test_a_run_that_was_killed_is_taken_over_and_completed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    start()
    iran, cyber = make_topic("Iran"), make_topic("Cyber")
    readers = [make_reader(any_of=[each], cadence=Cadence.DAILY) for each in (iran, cyber)]
    release("One", iran, source_id="one")
    release("Two", cyber, source_id="two")
    monkeypatch.setattr(digests, "AT_ONCE", 1)
    digests.open_due(MONDAY)
    run_id = DigestRun.objects.get(cadence="daily", finished_at=None).pk
    kept = iter([True, False])
    with monkeypatch.context() as patch:
        patch.setattr(digests, "_keep", lambda _: next(kept))
        assert digests.gather(run_id) == 1
    assert digests.gather(run_id) == 0, "its holder may still be alive"
    DigestRun.objects.filter(pk=run_id).update(lease_until=MONDAY)
    assert digests.gather(run_id) == 1
    assert [held_by(reader) for reader in readers] == [[["one"]], [["two"]]]
