"""What the page of a dispatch reports besides its ledger: how quickly, by what relays, what is in the way."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from dispatcher.mailing import dispatching
from dispatcher.mailing.models import Batch, Dispatch
from dispatcher.watching import alarms
from tests import makers
from tests.console.reading import Page

pytestmark = pytest.mark.django_db


def see(desk: Client, dispatch: Dispatch) -> Page:
    return Page(desk.get(f"/desk/dispatches/{dispatch.pk}/"))


def test_how_long_it_took_is_said_share_by_share(desk: Client) -> None:
    dispatch = makers.make_dispatch(deliveries={"waiting": 3})
    for seconds in (0.4, 75, 80):
        at = dispatch.released_at + timedelta(seconds=seconds)
        makers.make_deliveries(dispatch, "accepted", settled_at=at)

    rows = see(desk, dispatch).rows

    assert "First letter 0.4 s" in rows
    assert "50 % 1 min 20 s" in rows
    assert "95 % not yet" in rows


def test_letters_in_trouble_are_put_together_by_what_was_answered(desk: Client) -> None:
    dispatch = makers.make_dispatch()
    at = timezone.now() + timedelta(hours=1)
    for number in range(3):
        words = f"421 4.7.28 too many, queue {number}"
        makers.make_deliveries(
            dispatch, "deferred", text=words, code="4.7.28", relay="mx:25", next_attempt_at=at
        )
    makers.make_deliveries(dispatch, "failed", text="550 5.1.1 no such user", code="5.1.1")

    reasons = [row for row in see(desk, dispatch).rows if "all at example.org" in row]

    assert reasons[0].startswith("3 letters all at example.org Put off 421 4.7.28 too many, queue")
    assert "again from" in reasons[0]
    assert reasons[1].startswith("1 letter all at example.org Failed 550 5.1.1")


def test_relays_stand_in_a_table_with_what_they_took(desk: Client) -> None:
    dispatch = makers.make_dispatch()
    makers.make_deliveries(dispatch, "accepted", 3, relay="one.example.org:25")
    makers.make_deliveries(dispatch, "deferred", 2, relay="two.example.org:25")

    rows = see(desk, dispatch).rows

    assert "one.example.org:25 3 accepted 0 put off 0 failed 0 in doubt" in rows
    assert "two.example.org:25 0 accepted 2 put off 0 failed 0 in doubt" in rows


def test_a_batch_that_breaks_its_workers_is_said_with_the_reason(desk: Client) -> None:
    dispatch = makers.make_dispatch(deliveries={"waiting": 2})
    Batch.objects.update(faults=4, fault="KeyError('slot')")

    text = see(desk, dispatch).text

    assert "Batch 1 with 2 letters stands still: it broke down 4 times in a row" in text
    assert "last with “KeyError('slot')”" in text


def test_what_was_done_stands_there_with_who_and_when(desk: Client) -> None:
    dispatch = makers.make_dispatch(deliveries={"waiting": 2})
    dispatching.pause(dispatch.pk, by="bea")
    desk.post(f"/desk/dispatches/{dispatch.pk}/resume")

    items = see(desk, dispatch).root.xpath("//ol[@class='timeline']/li")

    said = [" ".join(item.text_content().split()) for item in items]
    assert said[0].startswith("Paused bea, today")
    assert said[1].startswith("Resumed ada, today")


@pytest.fixture
def ended(db: None) -> Dispatch:
    """Done, with three letters that failed through no fault of their readers and two in doubt."""
    dispatch = makers.make_dispatch(state="done", deliveries={"accepted": 4})
    makers.make_deliveries(dispatch, "failed", 3, text="550 5.7.1 policy", code="5.7.1", relay="mx")
    makers.make_deliveries(dispatch, "failed", text="550 5.1.1 no such user", code="5.1.1")
    makers.make_deliveries(dispatch, "unknown", 2)
    Dispatch.objects.update(audience=10)
    return dispatch


def send_rest(desk: Client, dispatch: Dispatch, **fields: Any) -> Page:
    usual = {"failed": 3, "doubtful": 2}
    path = f"/desk/dispatches/{dispatch.pk}/rest"
    return Page(desk.post(path, {**usual, **fields}, follow=True))


def test_the_rest_is_offered_with_its_numbers_and_sent(desk: Client, ended: Dispatch) -> None:
    assert "Send the rest…" in see(desk, ended).links
    page = Page(desk.get(f"/desk/dispatches/{ended.pk}/rest"))
    assert "3 letters failed through no fault of their readers" in page.text
    assert page.buttons == [
        "Send 3 letters again",
        "Send 2 letters in doubt again",
        "Take 2 letters as accepted",
    ]

    page = send_rest(desk, ended, answer="failed")

    assert "3 letters are on the way again." in page.text
    assert "Sent the rest again: 3 letters" in page.text
    assert "Sending 7 of 10" in page.text
    assert "3 letters are on the way again." not in send_rest(desk, ended, answer="failed").text


@pytest.mark.parametrize(
    ("answer", "said"),
    [("doubtful", "2 letters are on the way again."), ("accept", "2 letters are taken as")],
)
def test_letters_in_doubt_are_sent_again_or_taken_as_accepted(
    desk: Client, ended: Dispatch, answer: str, said: str
) -> None:
    assert said in send_rest(desk, ended, answer=answer).text
    assert not ended.deliveries.filter(state="unknown").exists()


def test_another_number_than_the_button_said_asks_again(desk: Client, ended: Dispatch) -> None:
    page = send_rest(desk, ended, answer="failed", failed=30)

    assert page.status == 422
    assert "It was 30 letters when you looked and is 3 now" in page.text
    assert "Send 3 letters again" in page.buttons
    assert Dispatch.objects.get().state == "done"


@pytest.mark.parametrize("fields", [{}, {"answer": "all"}, {"answer": "failed", "failed": "x"}])
def test_a_form_that_says_nothing_sends_nothing(
    desk: Client, ended: Dispatch, fields: dict[str, str]
) -> None:
    send_rest(desk, ended, **fields)

    assert Dispatch.objects.get().state == "done"


@pytest.mark.parametrize("state", ["done", "cancelled"])
def test_where_nothing_is_left_nothing_is_offered(desk: Client, state: str) -> None:
    dispatch = makers.make_dispatch(state=state, deliveries={"accepted": 1})
    if state == "cancelled":
        makers.make_deliveries(dispatch, "failed")

    assert "Send the rest…" not in see(desk, dispatch).links
    asked = desk.get(f"/desk/dispatches/{dispatch.pk}/rest", follow=True)
    assert "Nothing of this dispatch is left" in Page(asked).text


def test_an_alarm_stands_on_every_page(
    desk: Client, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    monkeypatch.setattr(alarms, "_seen", None)

    text = Page(desk.get("/desk/topics/")).text

    assert "Valkey does not answer. Start it or mend REDIS_URL" in text
