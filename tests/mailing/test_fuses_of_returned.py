"""A relay that takes every letter and sends it back suppresses nobody before staff have said that it is right."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from dispatcher.audience import consent
from dispatcher.audience.tokens import Purpose, seal
from dispatcher.mailing import fuses, receipts
from dispatcher.mailing.models import Batch, Delivery, DigestRun, Dispatch, Fuse, Receipt
from tests.mailing.samples import reports
from tests.mailing.test_fuses import NOBODY, count, sums
from tests.mailing.test_receipts import about
from tests.makers import make_brief, make_digest, make_dispatch, make_reader

pytestmark = pytest.mark.django_db


def taken(number: int, *, relay: str = "one", dispatch: Dispatch | None = None) -> list[Delivery]:
    """A batch of letters that a relay has taken."""
    dispatch = dispatch or make_dispatch(state="done")
    batch = Batch.objects.create(
        dispatch=dispatch, number=dispatch.batches.count() + 1, state="done"
    )
    return Delivery.objects.bulk_create(
        Delivery(dispatch=dispatch, subscriber=make_reader(), batch=batch, state="accepted",
                 relay=relay, settled_at=timezone.now())
        for _ in range(number)
    )  # fmt: skip


def bounce(deliveries: list[Delivery], *, kind: str = "") -> None:
    """A mail API's word about each."""
    for delivery in deliveries:
        token = seal(Purpose.RETURN_PATH, delivery.pk)
        receipts.take_event(
            return_path=f"bounces+{token}@{settings.MAIL_DOMAIN}",
            recipient=delivery.subscriber.address,
            kind=kind,
            words=NOBODY,
            source="a test",
            number=str(delivery.pk),
        )


def test_what_comes_back_of_everybody_is_held_and_taken_back_until_it_is_believed() -> None:
    letters = taken(60)
    bounce(letters[:19])
    assert sums() == (19, 0, 19)
    bounce(letters[19:59])
    assert sums() == (59, 40, 19), "from the twentieth on nobody is suppressed, with no sweep"
    octets = about(reports.postfix("5.1.1", NOBODY), letters[59])
    receipts.take(octets, source="by mail")
    for _ in range(2):
        count()
        assert sums() == (60, 60, 0)
    fuse = Fuse.objects.get()
    assert (fuse.relay, fuse.handed_over, fuse.refused) == ("one", 60, 60)
    fuses.decide(fuse.pk, "believed", by="ada")
    count()
    assert sums() == (60, 0, 60)


def test_what_is_dismissed_suppresses_nobody_and_what_comes_late_of_it_neither() -> None:
    letters = taken(60)
    bounce(letters[:50])
    fuses.decide(Fuse.objects.get().pk, "dismissed", by="ada")
    for _ in range(2):  # the API tells some of it twice
        bounce(letters[40:])
        count()
        assert sums() == (60, 0, 0)


def test_a_letter_that_was_taken_after_the_verdict_speaks_for_itself() -> None:
    letters = taken(60)
    bounce(letters[:50])
    fuses.decide(Fuse.objects.get().pk, "dismissed", by="ada")
    late = letters[-1]
    Delivery.objects.filter(pk=late.pk).update(settled_at=timezone.now())
    bounce([late])
    count()
    assert consent.suppressed(late.subscriber.address)
    assert sums() == (51, 0, 1)


@pytest.mark.parametrize(("number", "is_blown"), [(24, False), (25, True)])
def test_a_fifth_and_twenty_are_too_many(number: int, is_blown: bool) -> None:
    letters = taken(120)
    bounce(letters[:number])
    count()
    assert Fuse.objects.exists() == is_blown
    assert sums() == ((number, number, 0) if is_blown else (number, 0, number))


def test_a_relay_that_begins_to_send_back_late_in_a_large_dispatch_is_held() -> None:
    dispatch = make_dispatch(state="done")
    taken(400, dispatch=dispatch)
    bounce(taken(40, dispatch=dispatch))
    count()
    assert sums() == (40, 40, 0)


def test_another_relay_is_believed_meanwhile() -> None:
    dispatch = make_dispatch(state="done")
    bounce(taken(30, dispatch=dispatch, relay="bad"))
    bounce(taken(200, dispatch=dispatch, relay="good")[:3])
    count()
    assert sums() == (33, 30, 3)


def test_refusals_at_hand_over_and_afterwards_count_together() -> None:
    letters = taken(60)
    refused = [each.pk for each in letters[:12]]
    Delivery.objects.filter(pk__in=refused).update(state="failed", code="5.1.1")
    bounce(letters[12:24])
    assert sums() == (12, 5, 7), "the eighth was the twentieth"
    count()
    assert sums() == (24, 24, 0)
    assert Fuse.objects.get().refused == 24


def test_digests_of_a_run_are_one_sending_and_news_of_long_ago_is_looked_at_no_more() -> None:
    brief = make_brief()
    letters = [each for _ in range(30) for each in taken(1, dispatch=make_digest(brief))]
    run_id = DigestRun.objects.earliest("pk").pk
    Dispatch.objects.filter(kind="digest").update(run_id=run_id)
    bounce(letters)
    Receipt.objects.update(at=timezone.now() - timedelta(hours=1))
    count()
    assert sums() == (30, 0, 30)
    Receipt.objects.filter(delivery=letters[7]).update(at=timezone.now())
    count()
    assert sums() == (30, 30, 0)
    assert Fuse.objects.get().run_id == run_id


def test_complaints_and_letters_of_other_kinds_blow_no_fuse() -> None:
    bounce(taken(30), kind="complaint")
    count()
    assert not Fuse.objects.exists()
    assert sums() == (30, 0, 30)
