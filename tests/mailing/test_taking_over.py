"""A batch whose worker was lost: who takes it over sends nothing again that the journal knows of."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now
from django.utils import timezone
from redis import Redis

from dispatcher.audience import consent
from dispatcher.mailing import carrying, composing, dispatching, leases, ledger
from dispatcher.mailing.journal import Journal, JournalGone, Line
from dispatcher.mailing.leases import LeaseLost
from dispatcher.mailing.models import Batch, Delivery, Dispatch
from dispatcher.relays.outcomes import Outcome, Result
from tests.mailing.carried import carry, noted, released, when_handed_over
from tests.sinks import Sink

pytestmark = pytest.mark.django_db(transaction=True)


def left_behind(dispatch: Dispatch, *accepted: str) -> None:
    """As if a worker had been killed: all is being carried, some of it journalled, the lease is over."""
    batch = dispatch.batches.get()
    batch.deliveries.update(state=Delivery.State.CARRYING)
    past = timezone.now() - timedelta(seconds=1)
    Batch.objects.filter(pk=batch.pk).update(state="carrying", holder="killed", lease_until=past)
    journal = Journal(batch.pk, "killed")
    journal.begin()
    for address in accepted:
        delivery = batch.deliveries.get(subscriber__address=address)
        outcome = Outcome(delivery.pk, Result.ACCEPTED, "relay:25", "2.0.0", "250 2.0.0 kept")
        journal.note(outcome, delivery.attempts)


class Killed(BaseException):
    """Ends a worker on the spot: nothing is recorded."""


@contextmanager
def killed_at_once() -> Iterator[None]:
    """Workers end when they begin to write a letter."""

    def kill(*_: object) -> None:
        raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(composing, "values_of", kill)
        yield


def carry_later(dispatch: Dispatch) -> dict[str, str]:
    """Once the pause after a fault is over."""
    Batch.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    return carry(dispatch)


def test_whoever_takes_over_never_sends_again_what_was_journalled(sink: Sink) -> None:
    dispatch = released()
    left_behind(dispatch, "r1@example.org")
    assert set(carry(dispatch).values()) == {"accepted"}
    assert sink.addresses == ["r2@example.org", "r3@example.org"]


def test_the_letter_in_doubt_counts_an_attempt_so_one_that_ends_its_worker_is_given_up(
    sink: Sink, settings: Any
) -> None:
    settings.RETRY_PAUSES = (60, 60)
    dispatch = released(1)
    for _ in range(2):
        left_behind(dispatch)
        with killed_at_once(), pytest.raises(Killed):
            carry(dispatch)
    left_behind(dispatch)
    assert carry(dispatch) == {"r1": "failed"}
    assert "given up after 3 attempts: its worker was lost" in Delivery.objects.get().text
    assert sink.letters == []


def test_the_one_letter_in_doubt_is_held_where_the_desk_wants_that(
    sink: Sink, settings: object
) -> None:
    settings.UNKNOWN = "hold"  # type: ignore[attr-defined]
    dispatch = released()
    left_behind(dispatch, "r1@example.org")
    assert carry(dispatch) == {"r1": "accepted", "r2": "unknown", "r3": "accepted"}
    assert sink.addresses == ["r3@example.org"]


def test_all_that_were_on_their_way_are_held_where_the_desk_wants_that(
    sink: Sink, settings: Any
) -> None:
    settings.UNKNOWN = "hold"
    dispatch = released(4)
    left_behind(dispatch, "r2@example.org")
    journal = Journal(dispatch.batches.get().pk, "killed")
    for delivery in dispatch.deliveries.order_by("pk")[:3]:
        journal.note_begun(delivery.pk, 0)
    carried = {"r1": "unknown", "r2": "accepted", "r3": "unknown", "r4": "accepted"}
    assert carry(dispatch) == carried
    assert sink.addresses == ["r4@example.org"]


def test_a_take_over_that_breaks_down_is_tried_again_until_the_journal_was_read(
    sink: Sink,
) -> None:
    dispatch = released()
    left_behind(dispatch, "r1@example.org")

    def break_down(_self: Journal) -> None:
        raise ConnectionError("Valkey went away")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Journal, "read", break_down)
        with pytest.raises(ConnectionError):
            carry(dispatch)
    Batch.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert set(carry(dispatch).values()) == {"accepted"}
    assert sink.addresses == ["r2@example.org", "r3@example.org"]


def test_who_left_meanwhile_is_not_taken_for_the_letter_in_doubt(
    sink: Sink, settings: object
) -> None:
    settings.UNKNOWN = "hold"  # type: ignore[attr-defined]
    dispatch = released()
    reader = consent.find("r1@example.org")
    consent.leave(reader, consent.live(reader), source="a test")

    def kill(_outcome: Outcome) -> None:
        raise Killed

    with when_handed_over(kill), pytest.raises(Killed):
        carry(dispatch)
    Batch.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert carry(dispatch) == {"r1": "failed", "r2": "accepted", "r3": "unknown"}
    assert sink.addresses == ["r2@example.org"]


def test_a_line_about_an_earlier_attempt_says_nothing_about_this_one(
    sink: Sink, settings: Any
) -> None:
    settings.UNKNOWN = "hold"
    dispatch = released(1)
    left_behind(dispatch, "r1@example.org")
    Delivery.objects.update(attempts=1)
    assert carry(dispatch) == {"r1": "unknown"}


def test_what_an_overtaken_worker_notes_later_is_not_taken_for_its_successors(sink: Sink) -> None:
    dispatch = released(2)
    left_behind(dispatch, "r1@example.org")
    overtaken = Journal(dispatch.batches.get().pk, "killed")

    def note_late(outcome: Outcome) -> None:
        late = Outcome(outcome.key, Result.DEFERRED, "relay:25", "", "the connection broke")
        overtaken.note(late, 0)
        with pytest.raises(JournalGone):  # whereby it learns that it was overtaken
            overtaken.note(late, 0)
        raise Killed

    with when_handed_over(note_late), pytest.raises(Killed):
        carry(dispatch)
    assert overtaken.read().lines == ()
    Batch.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert set(carry(dispatch).values()) == {"accepted"}
    assert sink.addresses == ["r2@example.org"]


def test_what_the_first_of_two_lost_workers_noted_is_recorded_by_the_third(sink: Sink) -> None:
    dispatch = released()
    left_behind(dispatch, "r1@example.org")

    def kill(*_: object) -> None:
        raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Journal, "read", kill)
        with pytest.raises(Killed):
            carry(dispatch)
    Batch.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert set(carry(dispatch).values()) == {"accepted"}
    assert sink.addresses == ["r2@example.org", "r3@example.org"]


def test_a_journal_that_valkey_lost_stops_the_batch_within_two_letters(
    sink: Sink, settings: Any
) -> None:
    dispatch = released(5)
    with (
        when_handed_over(lambda _: Redis.from_url(settings.REDIS_URL).flushall()),
        pytest.raises(JournalGone),
    ):
        carry(dispatch)
    assert sink.addresses == ["r1@example.org", "r2@example.org", "r3@example.org"]
    assert carry_later(dispatch) == dict.fromkeys(("r1", "r2", "r3", "r4", "r5"), "accepted")
    assert len(sink.addresses) == len(set(sink.addresses))


def test_what_falls_due_meanwhile_is_not_taken_for_the_letter_in_doubt(
    sink: Sink, settings: object
) -> None:
    settings.UNKNOWN = "hold"  # type: ignore[attr-defined]
    dispatch = released()
    left_behind(dispatch, "r2@example.org")
    put_off = Delivery.objects.filter(subscriber__address="r1@example.org")
    put_off.update(state="deferred", next_attempt_at=timezone.now() - timedelta(seconds=1))
    assert carry(dispatch) == {"r1": "accepted", "r2": "accepted", "r3": "unknown"}
    assert sink.addresses == ["r1@example.org"]


def test_a_worker_that_was_overtaken_puts_nothing_off_that_another_is_sending() -> None:
    dispatch = released()
    lease = leases.claim(dispatch.batches.get().pk)
    assert lease
    left_behind(dispatch)
    Batch.objects.update(holder="another")
    delivery = Delivery.objects.all()[0]
    ledger.record(lease, [Line(Outcome(delivery.pk, Result.DEFERRED, "", "", "no relay"), 0)])
    with pytest.raises(LeaseLost):
        ledger.settle(lease)
    delivery.refresh_from_db()
    assert delivery.state == Delivery.State.CARRYING


def test_a_batch_under_a_living_lease_is_left_alone(sink: Sink) -> None:
    dispatch = released()
    left_behind(dispatch)
    Batch.objects.update(lease_until=timezone.now() + timedelta(seconds=30))
    assert set(carry(dispatch).values()) == {"carrying"}
    assert sink.letters == []


def test_a_worker_that_lost_its_lease_sends_no_further_letter_and_records_nothing(
    sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carrying, "LOOK_SECONDS", -1.0)
    dispatch = released()
    first = set()

    def overtake(_outcome: Outcome) -> None:
        first.add(Batch.objects.get().holder)
        Batch.objects.update(holder="another")

    with when_handed_over(overtake):
        assert set(carry(dispatch).values()) == {"carrying"}
    assert sink.addresses == ["r1@example.org"]
    assert [line.outcome.result for line in noted(*first).lines] == ["accepted"]


def test_a_lease_outlives_a_letter_that_takes_longer_than_it(sink: Sink, settings: Any) -> None:
    settings.LEASE_SECONDS = 0.6
    dispatch = released(2)

    def take_longer(_outcome: Outcome) -> None:
        until = time.monotonic() + 1.0
        while time.monotonic() < until:
            held = Batch.objects.filter(state="carrying", lease_until__gt=Now())
            assert held.exists()

    with when_handed_over(take_longer):
        assert carry(dispatch) == {"r1": "accepted", "r2": "accepted"}


def test_what_a_lost_worker_had_sent_is_in_the_ledger_of_a_cancelled_dispatch_too(
    sink: Sink,
) -> None:
    dispatch = released()
    left_behind(dispatch, "r1@example.org")
    dispatching.cancel(dispatch.pk, by="ada")
    assert carry(dispatch) == {"r1": "accepted", "r2": "waiting", "r3": "waiting"}
    assert sink.letters == []
