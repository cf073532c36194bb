"""What stands in a dispatch's way, as staff see it: counted, and put together where it is alike."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from dispatcher.audience.models import Subscriber
from dispatcher.mailing import troubles
from dispatcher.mailing.models import Batch, Delivery, Dispatch
from tests.makers import make_deliveries, make_dispatch

pytestmark = pytest.mark.django_db


def refuse(dispatch: Dispatch, domain: str, state: str, text: str, **fields: Any) -> None:
    (delivery,) = make_deliveries(dispatch, state, text=text, **fields)
    local = delivery.subscriber.address.partition("@")[0]
    Subscriber.objects.filter(pk=delivery.subscriber_id).update(address=f"{local}@{domain}")


def test_answers_with_one_code_are_one_reason_whatever_else_they_say() -> None:
    dispatch = make_dispatch(deliveries={"accepted": 5})
    soon, late = timezone.now() + timedelta(minutes=1), timezone.now() + timedelta(minutes=9)
    for domain, at in (("gmail.com", late), ("Gmail.com", soon), ("example.org", late)):
        words = f"421 4.7.28 too many to {domain} {at}"
        refuse(dispatch, domain, "deferred", words, code="4.7.28", relay="mx", next_attempt_at=at)
    refuse(dispatch, "example.org", "failed", "550 5.1.1 no such user", code="5.1.1", relay="mx")

    slow, unknown = troubles.reasons(dispatch)

    assert (slow.state, slow.letters, slow.domain, slow.domains) == ("deferred", 3, "gmail.com", 2)
    assert slow.words.startswith("421 4.7.28 too many to ")
    assert slow.next_attempt_at == soon
    assert (unknown.letters, unknown.words) == (1, "550 5.1.1 no such user")


def test_without_a_code_of_its_own_an_answer_is_known_by_its_reply_or_its_words() -> None:
    dispatch = make_dispatch()
    for text in (
        "450 busy, queue 17",
        "450 busy, queue 18",
        "given up after 8 attempts: 450 busy, queue 19",
        "the connection broke on the way: timed out",
        "the connection broke on the way: timed out",
        "",
    ):
        refuse(dispatch, "example.org", "deferred", text)

    letters = [reason.letters for reason in troubles.reasons(dispatch)]

    assert letters == [3, 2, 1]


def test_the_same_answer_of_two_relays_is_two_reasons() -> None:
    dispatch = make_dispatch()
    for relay in ("one", "two"):
        refuse(dispatch, "example.org", "deferred", "450 busy", relay=relay)

    assert len(troubles.reasons(dispatch)) == 2


def test_relays_are_told_apart_with_what_they_answered() -> None:
    dispatch = make_dispatch(deliveries={"waiting": 3})
    make_deliveries(dispatch, "accepted", 4, relay="one")
    make_deliveries(dispatch, "failed", 1, relay="one")
    make_deliveries(dispatch, "deferred", 2, relay="two")

    assert troubles.relays(dispatch) == [
        troubles.RelayRow("one", accepted=4, deferred=0, failed=1, unknown=0),
        troubles.RelayRow("two", accepted=0, deferred=2, failed=0, unknown=0),
    ]


def test_a_batch_that_breaks_again_and_again_stands_still() -> None:
    dispatch = make_dispatch(deliveries={"waiting": 4, "accepted": 2})
    Batch.objects.update(faults=1, fault="ValueError('x')")
    other = Batch.objects.create(dispatch=dispatch, number=2, faults=3, fault="KeyError('y')")
    Batch.objects.create(dispatch=dispatch, number=3, faults=9, fault="over", state="done")
    Delivery.objects.filter(pk=Delivery.objects.filter(state="waiting").first().pk).update(  # type: ignore[union-attr]
        batch=other
    )

    worst, other_ = troubles.faulty(dispatch)

    assert (worst.number, worst.letters, worst.stands_still) == (2, 1, True)
    assert (other_.number, other_.letters, other_.stands_still) == (1, 3, False)
