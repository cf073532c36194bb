"""A relay that refuses nearly everybody suppresses nobody before staff have said that it is right."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from dispatcher.audience import consent, suppressing
from dispatcher.audience.models import Subscriber, Suppression
from dispatcher.errors import NoSuchFuse
from dispatcher.mailing import blowing, carrying, erasing, fuses, receipts, refusals, resending
from dispatcher.mailing.models import Batch, Delivery, Dispatch, Fuse, Receipt
from dispatcher.watching import alarms, facts
from dispatcher.watching.alarms import Name
from tests.mailing.carried import released
from tests.mailing.samples import reports
from tests.mailing.test_receipts import about
from tests.makers import make_brief, make_digest, make_dispatch, make_reader
from tests.meanwhile import together
from tests.sinks import Sink

pytestmark = pytest.mark.django_db(transaction=True)

NOBODY = "550 5.1.1 no such user"


def refused_by(sink: Sink, number: int, *, of: int, answer: str = NOBODY) -> Dispatch:
    """A dispatch to so many readers, carried to a server that refuses some, evenly spread among them."""
    sink.answers = {f"r{1 + n * of // number}@example.org": answer for n in range(number)}
    dispatch = released(of)
    carry(dispatch)
    return dispatch


def carry(dispatch: Dispatch) -> None:
    for batch in dispatch.batches.order_by("number"):
        carrying.carry(batch.pk)
    dispatch.refresh_from_db()


def count() -> None:
    """What the sweep does."""
    refusals.count()
    blowing.look()
    fuses.settle()


def sums() -> tuple[int, int, int]:
    """Receipts, those held, and addresses suppressed."""
    held = Receipt.objects.filter(is_held=True).count()
    return Receipt.objects.count(), held, Suppression.objects.count()


def test_a_server_that_refuses_everybody_suppresses_nobody_until_it_is_believed(sink: Sink) -> None:
    refused_by(sink, 120, of=120)
    for _ in range(3):
        count()
        assert sums() == (120, 120, 0)
    fuse = Fuse.objects.get()
    assert (fuse.handed_over, fuse.refused, fuse.verdict) == (120, 120, "")
    assert fuses.decide(fuse.pk, "believed", by="ada")
    assert not fuses.decide(fuse.pk, "believed", by="ben")
    for _ in range(2):
        count()
        assert sums() == (120, 0, 120)
    assert suppressing.acts("r1@example.org")[0].reason == "it bounced: 5.1.1"
    assert Fuse.objects.get().by == "ada"


def test_what_is_dismissed_suppresses_nobody_and_can_be_sent_again(sink: Sink) -> None:
    dispatch = refused_by(sink, 100, of=120)
    count()
    assert resending.rest(dispatch).failed == 0
    fuses.decide(Fuse.objects.get().pk, "dismissed", by="ada")
    count()
    assert sums() == (100, 0, 0)
    sink.answers = {}
    assert resending.rest(dispatch).failed == 100
    resending.send_rest(dispatch.pk, by="ada", shown=100)
    carry(dispatch)
    count()
    assert len(sink.addresses) == len({*sink.addresses}) == 120
    assert sums() == (100, 0, 0)


def test_a_true_bounce_of_a_letter_sent_again_counts(sink: Sink) -> None:
    dispatch = refused_by(sink, 100, of=100)
    count()
    fuses.decide(Fuse.objects.get().pk, "dismissed", by="ada")
    count()
    sink.answers = {}
    resending.send_rest(dispatch.pk, by="ada")
    carry(dispatch)
    delivery = Delivery.objects.get(subscriber__address="r7@example.org")
    octets = about(reports.postfix("5.1.1", NOBODY), delivery)
    for told in ("r7@example.org is suppressed", "counted before"):
        assert told in receipts.take(octets, source="a test")
    assert Receipt.objects.filter(delivery=delivery).count() == 1


@pytest.mark.parametrize(
    ("number", "of", "is_blown"),
    [(24, 120, False), (25, 120, True), (19, 20, False), (20, 40, True), (0, 120, False)],
)
def test_a_fifth_and_twenty_are_too_many(sink: Sink, number: int, of: int, is_blown: bool) -> None:
    refused_by(sink, number, of=of)
    count()
    assert Fuse.objects.exists() == is_blown
    assert sums() == ((number, number, 0) if is_blown else (number, 0, number))


def test_refusals_by_policy_blow_no_fuse(sink: Sink) -> None:
    refused_by(sink, 60, of=60, answer="554 5.7.1 blocked")
    count()
    assert not Fuse.objects.exists()
    assert not Receipt.objects.exists()


def test_five_days_of_a_relay_that_refuses_all_softly_suppress_nobody(sink: Sink) -> None:
    refused_by(sink, 30, of=30, answer="554 5.3.0 system is not accepting mail")
    readers = list(Subscriber.objects.all())
    for _ in range(5):
        dispatch = make_dispatch(make_brief())
        batch = Batch.objects.create(dispatch=dispatch, number=1, state="done")
        Delivery.objects.bulk_create(
            Delivery(dispatch=dispatch, subscriber=reader, batch=batch, state="failed",
                     relay="one", code="5.3.0", text="554 5.3.0 no")
            for reader in readers
        )  # fmt: skip
    count()
    assert sums() == (180, 180, 0)
    for days, fuse in enumerate(Fuse.objects.all()):
        fuse.receipts.update(at=timezone.now() - timedelta(days=days))
        fuses.decide(fuse.pk, "believed", by="ada")
    count()
    assert sums() == (180, 0, 30)


def test_what_was_counted_before_the_fuse_blew_is_taken_back(sink: Sink, settings: object) -> None:
    settings.BATCH_SIZE = 50  # type: ignore[attr-defined]
    # The first batch has less than its twenty, the next ones are refused as a whole.
    sink.answers = {f"r{n}@example.org": NOBODY for n in (*range(1, 11), *range(51, 151))}
    dispatch = released(150)
    first, *others = dispatch.batches.order_by("number")
    carrying.carry(first.pk)
    count()
    assert sums() == (10, 0, 10)
    suppressing.suppress("r2@example.org", reason="asked by phone", by="ben")
    suppressing.lift("r3@example.org", reason="it is there", by="ben")
    suppressing.suppress("r3@example.org", reason="asked by phone", by="ben")
    for batch in others:
        carrying.carry(batch.pk)
    count()
    assert sums() == (110, 110, 1)
    assert consent.suppressed("r3@example.org") == "asked by phone"
    fuse = Fuse.objects.get()
    assert (fuse.handed_over, fuse.refused) == (150, 110)
    fuses.decide(fuse.pk, "believed", by="ada")
    count()
    assert sums() == (110, 0, 110)
    assert consent.suppressed("r3@example.org") == "asked by phone"


def test_another_verdict_takes_back_the_first(sink: Sink) -> None:
    refused_by(sink, 40, of=50)
    count()
    fuse = Fuse.objects.get()
    for verdict, suppressed in (("believed", 40), ("dismissed", 0), ("believed", 40)):
        assert fuses.decide(fuse.pk, verdict, by="ada")
        count()
        assert sums() == (40, 0, suppressed)


def test_work_that_is_broken_off_goes_on_and_counts_each_once(
    sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused_by(sink, 60, of=60)
    count()
    fuses.decide(Fuse.objects.get().pk, "believed", by="ada")
    settle = receipts.settle
    done: list[int] = []

    def dies(receipt_id: int) -> None:
        if len(done) == 25:
            raise KeyboardInterrupt
        settle(receipt_id)
        done.append(receipt_id)

    monkeypatch.setattr(receipts, "settle", dies)
    with pytest.raises(KeyboardInterrupt):
        fuses.settle()
    assert sums() == (60, 35, 25)
    monkeypatch.undo()
    assert fuses.settle() == 35
    assert fuses.settle() == 0
    assert sums() == (60, 0, 60)


def test_two_sweeps_at_once_count_once(sink: Sink) -> None:
    refused_by(sink, 60, of=60)
    together(count, count, count)
    assert sums() == (60, 60, 0)
    fuses.decide(Fuse.objects.get().pk, "believed", by="ada")
    together(count, count, count)
    assert sums() == (60, 0, 60)


def test_a_batch_that_is_refused_late_in_a_large_dispatch_is_held(db: None) -> None:
    dispatch = make_dispatch(state="done")
    for number, state, letters in ((1, "accepted", 400), (2, "failed", 40)):
        batch = Batch.objects.create(dispatch=dispatch, number=number, state="done")
        Delivery.objects.bulk_create(
            Delivery(dispatch=dispatch, subscriber=make_reader(), batch=batch, state=state,
                     relay="one", code="5.1.1" if state == "failed" else "")
            for _ in range(letters)
        )  # fmt: skip
    count()
    assert sums() == (40, 40, 0)


def test_digests_of_a_run_are_one_sending(db: None) -> None:
    brief = make_brief()
    for _ in range(30):
        digest = make_digest(brief)
        batch = Batch.objects.create(dispatch=digest, number=1, state="done")
        Delivery.objects.create(
            dispatch=digest,
            subscriber=make_reader(),
            batch=batch,
            state="failed",
            relay="one",
            code="5.1.1",
        )
    runs = {digest.run_id for digest in Dispatch.objects.filter(kind="digest")}
    Dispatch.objects.filter(kind="digest").update(run_id=min(pk for pk in runs if pk))
    count()
    assert sums() == (30, 30, 0)
    fuse = Fuse.objects.get()
    assert (fuse.dispatch, fuse.handed_over, fuse.refused) == (None, 30, 30)


def test_another_relay_is_believed_meanwhile(db: None) -> None:
    dispatch = make_dispatch(state="done")
    batch = Batch.objects.create(dispatch=dispatch, number=1, state="done")
    for relay, state, letters in (
        ("bad", "failed", 30),
        ("good", "accepted", 200),
        ("good", "failed", 3),
    ):
        Delivery.objects.bulk_create(
            Delivery(dispatch=dispatch, subscriber=make_reader(), batch=batch, state=state,
                     relay=relay, code="5.1.1" if state == "failed" else "")
            for _ in range(letters)
        )  # fmt: skip
    count()
    assert sums() == (33, 30, 3)


def test_the_alarm_rings_until_staff_decide(sink: Sink) -> None:
    def rings() -> list[alarms.Alarm]:
        found = alarms.judge(facts.gather())
        return [alarm for alarm in found if alarm.name is Name.REFUSALS_HELD]

    refused_by(sink, 60, of=80)
    assert rings() == []
    count()
    (alarm,) = rings()
    assert "refused 60 of 80 letters of dispatch" in alarm.words
    fuses.decide(Fuse.objects.get().pk, "dismissed", by="ada")
    assert rings() == []


def test_a_reader_who_was_erased_meanwhile_stays_erased(sink: Sink) -> None:
    refused_by(sink, 30, of=30)
    count()
    reader = consent.find("r1@example.org")
    erasing.erase(reader.pk, by="ada")
    fuses.decide(Fuse.objects.get().pk, "believed", by="ada")
    count()
    assert not Suppression.objects.filter(address="r1@example.org").exists()
    assert not Receipt.objects.filter(address="r1@example.org").exists()
    assert consent.suppressed("r1@example.org")


def test_no_other_fuse_is_decided(db: None) -> None:
    with pytest.raises(NoSuchFuse):
        fuses.decide(7, "believed", by="ada")
