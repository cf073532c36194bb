from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from dispatcher.mailing import ledger, reporting
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


def test_a_rate_needs_two_seconds_and_looks_at_the_last_minute() -> None:
    dispatch = makers.make_dispatch()
    settle(dispatch, 300, 0)
    assert reporting.progress(dispatch).rate is None

    settle(dispatch, 40, 20)

    rate = reporting.progress(dispatch).rate
    assert rate is not None
    assert rate == pytest.approx(30 / 40, rel=0.1)


def test_letters_with_moments_of_their_own_and_letters_of_one_moment_make_the_same_rate() -> None:
    dispatch = makers.make_dispatch()
    for age in range(400):  # one every tenth of a second, as relays answer
        at = timezone.now() - timedelta(seconds=age / 10)
        makers.make_deliveries(dispatch, "accepted", settled_at=at)

    rate = reporting.progress(dispatch).rate

    assert rate == pytest.approx(10, rel=0.1)


def test_a_stall_shows_in_the_time_left() -> None:
    dispatch = makers.make_dispatch(deliveries={"waiting": 10})
    settle(dispatch, 50, 49, 48)

    left = reporting.progress(dispatch).seconds_left

    assert left is not None
    assert left == pytest.approx(10 / (30 / 50), rel=0.1)


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


def test_progress_counts_the_rows_as_the_ledger_does() -> None:
    states = {"accepted": 4, "failed": 1, "deferred": 2, "unknown": 1, "carrying": 3, "waiting": 2}
    dispatch = makers.make_dispatch(deliveries=states, audience=99)

    sums = reporting.progress(dispatch).tally

    assert sums == ledger.tally(dispatch.pk) == ledger.Tally(audience=99, **states)
    assert not sums.balances
    assert reporting.progress(makers.make_dispatch(makers.make_brief("Empty"))).tally.balances


def accepted_after(dispatch: Dispatch, *seconds: float) -> None:
    for after in seconds:
        at = dispatch.released_at + timedelta(seconds=after)
        makers.make_deliveries(dispatch, "accepted", settled_at=at)


def times(dispatch: Dispatch) -> reporting.Times:
    return reporting.times(dispatch, reporting.progress(dispatch).tally)


def test_the_times_are_those_of_the_letters_that_complete_a_share() -> None:
    dispatch = makers.make_dispatch(state="done")
    accepted_after(dispatch, *(each / 2 for each in range(200, 0, -1)))
    makers.make_deliveries(dispatch, "failed", settled_at=timezone.now())

    assert times(dispatch) == reporting.Times(first=0.5, half=50, most=95, nearly_all=99, all=100)


def test_a_share_is_of_all_that_may_still_be_accepted_and_not_yet_until_it_is() -> None:
    dispatch = makers.make_dispatch(deliveries={"waiting": 50, "deferred": 10, "failed": 7})
    accepted_after(dispatch, *range(1, 41))
    assert times(dispatch) == reporting.Times(first=1)

    accepted_after(dispatch, *range(41, 61))

    assert times(dispatch) == reporting.Times(first=1, half=60)


def test_one_letter_is_every_share_and_none_is_no_time() -> None:
    dispatch = makers.make_dispatch(state="done")
    assert times(dispatch) == reporting.Times()

    accepted_after(dispatch, 0.25)

    assert times(dispatch) == reporting.Times(*[0.25] * 5)


def test_the_clock_of_a_scheduled_release_starts_at_its_time() -> None:
    released = timezone.now() - timedelta(hours=5)
    start = released + timedelta(hours=4)
    dispatch = makers.make_dispatch(released_at=released, scheduled_for=start)
    makers.make_deliveries(dispatch, "accepted", settled_at=start + timedelta(seconds=3))

    assert times(dispatch).first == 3


def test_letters_to_a_reader_come_newest_first_with_their_briefs() -> None:
    reader = makers.make_reader()
    for headline in ("First", "Second"):
        (delivery,) = makers.make_deliveries(
            makers.make_dispatch(makers.make_brief(headline)), "accepted"
        )
        delivery.subscriber = reader
        delivery.save()

    found = [letter.dispatch.headline for letter in reporting.letters_to(reader)]

    assert found == ["Second", "First"]
