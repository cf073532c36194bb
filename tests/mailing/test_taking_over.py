"""A batch whose worker was lost: who takes it over sends nothing again that the journal knows of."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from dispatcher.audience import consent
from dispatcher.mailing import carrying, dispatching, ledger
from dispatcher.mailing.models import Batch, Delivery, Dispatch
from dispatcher.relays.outcomes import Outcome, Result
from tests.mailing.carried import carry, released, when_handed_over
from tests.sinks import Sink

pytestmark = pytest.mark.django_db(transaction=True)


def left_behind(dispatch: Dispatch, *accepted: str) -> None:
    """As if a worker had been killed: all is being carried, some of it journalled, the lease is over."""
    batch = dispatch.batches.get()
    batch.deliveries.update(state=Delivery.State.CARRYING)
    past = timezone.now() - timedelta(seconds=1)
    Batch.objects.filter(pk=batch.pk).update(state="carrying", holder="killed", lease_until=past)
    journal = ledger.Journal(batch.pk)
    for address in accepted:
        delivery = batch.deliveries.get(subscriber__address=address)
        journal.write(Outcome(delivery.pk, Result.ACCEPTED, "relay:25", "2.0.0", "250 2.0.0 kept"))


class Killed(BaseException):
    """Ends a worker on the spot: nothing is recorded."""


def test_whoever_takes_over_never_sends_again_what_was_journalled(sink: Sink) -> None:
    dispatch = released()
    left_behind(dispatch, "r1@example.org")
    assert set(carry(dispatch).values()) == {"accepted"}
    assert sink.addresses == ["r2@example.org", "r3@example.org"]


def test_the_one_letter_in_doubt_is_held_where_the_desk_wants_that(
    sink: Sink, settings: object
) -> None:
    settings.UNKNOWN = "hold"  # type: ignore[attr-defined]
    dispatch = released()
    left_behind(dispatch, "r1@example.org")
    assert carry(dispatch) == {"r1": "accepted", "r2": "unknown", "r3": "accepted"}
    assert sink.addresses == ["r3@example.org"]


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
    left_behind(dispatch)
    overtaken = Batch.objects.get()
    Batch.objects.update(holder="another")
    delivery = overtaken.deliveries.all()[0]
    ledger.record(overtaken, [Outcome(delivery.pk, Result.DEFERRED, "", "", "no relay")], {})
    assert not ledger.settle(overtaken, pause=carrying.NO_PAUSE)
    delivery.refresh_from_db()
    assert delivery.state == Delivery.State.CARRYING


def test_a_batch_under_a_living_lease_is_left_alone(sink: Sink) -> None:
    dispatch = released()
    left_behind(dispatch)
    Batch.objects.update(lease_until=timezone.now() + timedelta(seconds=30))
    assert set(carry(dispatch).values()) == {"carrying"}
    assert sink.letters == []


def test_a_worker_that_lost_its_lease_stops_and_records_nothing(
    sink: Sink, settings: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.LEASE_SECONDS = 0  # type: ignore[attr-defined]
    dispatch = released()
    assert set(carry(dispatch).values()) == {"carrying"}
    assert len(sink.letters) == 0


def test_what_a_lost_worker_had_sent_is_in_the_ledger_of_a_cancelled_dispatch_too(
    sink: Sink,
) -> None:
    dispatch = released()
    left_behind(dispatch, "r1@example.org")
    dispatching.cancel(dispatch.pk)
    assert carry(dispatch) == {"r1": "accepted", "r2": "waiting", "r3": "waiting"}
    assert sink.letters == []
