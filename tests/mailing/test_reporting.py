from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from dispatcher.mailing import reporting
from dispatcher.mailing.models import Dispatch
from tests import makers

pytestmark = pytest.mark.django_db


def test_a_brief_stands_as_its_last_dispatch_does() -> None:
    brief = makers.make_brief()
    assert reporting.briefs().rows[0].standing == "draft"
    makers.make_dispatch(brief, state="cancelled")
    assert reporting.briefs().rows[0].standing == "cancelled"
    makers.make_dispatch(brief, state="sending", deliveries={"accepted": 2, "waiting": 1})

    (row,) = reporting.briefs(standing="sending").rows

    assert row.standing == "sending"
    assert row.settled == 2
    assert row.topics == ("Harbours",)
    assert not reporting.briefs(standing="cancelled").rows


def test_a_page_past_the_end_is_the_last_page() -> None:
    for number in range(reporting.PAGE + 1):
        makers.make_brief(f"Ferry {number}")

    listing = reporting.briefs(page=99)

    assert (listing.number, listing.pages, listing.total) == (2, 2, reporting.PAGE + 1)
    assert len(listing.rows) == 1


def test_a_list_never_loads_a_letter() -> None:
    makers.make_dispatch(letter=b"a hundred kilobytes")

    (of_brief,) = reporting.briefs().rows
    (alone,) = reporting.dispatches().rows

    for dispatch in (of_brief.dispatch, alone.dispatch):
        assert dispatch is not None
        assert "letter" in dispatch.get_deferred_fields()


def settle(dispatch: Dispatch, *ages: int) -> None:
    """Ten letters accepted that many seconds ago, for each."""
    for seconds in ages:
        at = timezone.now() - timedelta(seconds=seconds)
        makers.make_deliveries(dispatch, "accepted", 10, settled_at=at)


def test_a_rate_needs_three_samples_of_the_last_minute() -> None:
    dispatch = makers.make_dispatch()
    settle(dispatch, 300, 20, 10)
    assert reporting.progress(dispatch).rate is None

    settle(dispatch, 40)

    rate = reporting.progress(dispatch).rate
    assert rate is not None
    assert rate == pytest.approx(20 / 40, rel=0.1)


def test_a_stall_shows_in_the_time_left() -> None:
    dispatch = makers.make_dispatch(deliveries={"waiting": 10})
    settle(dispatch, 50, 49, 48)

    left = reporting.progress(dispatch).seconds_left

    assert left is not None
    assert left == pytest.approx(10 / (20 / 50), rel=0.1)


def test_a_paused_dispatch_has_no_rate() -> None:
    dispatch = makers.make_dispatch(state="paused")
    settle(dispatch, 3, 2, 1)

    assert reporting.progress(dispatch).rate is None


def test_preparing_is_the_share_of_readers_looked_at() -> None:
    readers = [makers.make_reader() for _ in range(4)]
    dispatch = makers.make_dispatch(state="matching", matched_through=readers[1].pk)

    prepared = reporting.progress(dispatch).prepared
    assert prepared == pytest.approx(readers[1].pk / readers[3].pk)
    dispatch.matched_at = timezone.now()
    assert reporting.progress(dispatch).prepared == 1


def test_the_next_attempt_is_that_of_the_first_letter_put_off() -> None:
    dispatch = makers.make_dispatch()
    soon, late = timezone.now() + timedelta(minutes=1), timezone.now() + timedelta(minutes=9)
    makers.make_deliveries(dispatch, "deferred", next_attempt_at=late)
    makers.make_deliveries(dispatch, "deferred", next_attempt_at=soon)

    assert reporting.progress(dispatch).next_attempt_at == soon


def test_letters_to_a_reader_come_newest_first_with_their_briefs() -> None:
    reader = makers.make_reader()
    for headline in ("First", "Second"):
        (delivery,) = makers.make_deliveries(
            makers.make_dispatch(makers.make_brief(headline)), "accepted"
        )
        delivery.subscriber = reader
        delivery.save()

    found = [letter.dispatch.brief.headline for letter in reporting.letters_to(reader)]

    assert found == ["Second", "First"]
