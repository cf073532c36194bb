from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from dispatcher.mailing.models import Dispatch
from tests import makers
from tests.console.reading import Page

pytestmark = pytest.mark.django_db

MIXED = {"accepted": 6, "failed": 2, "deferred": 1, "unknown": 1, "carrying": 3, "waiting": 7}


def see(desk: Client, dispatch: Dispatch, query: str = "") -> Page:
    return Page(desk.get(f"/desk/dispatches/{dispatch.pk}/{query}"))


def test_the_first_day_says_what_will_stand_here(desk: Client) -> None:
    assert "Every release will stand here" in Page(desk.get("/desk/dispatches/")).text


def test_dispatches_are_listed_and_filtered_by_state(desk: Client) -> None:
    makers.make_dispatch(makers.make_brief("Ferries"), state="paused", deliveries=MIXED)
    makers.make_dispatch(makers.make_brief("Harbours"), state="done")

    assert len(Page(desk.get("/desk/dispatches/")).rows) == 2
    (row,) = Page(desk.get("/desk/dispatches/?state=paused")).rows
    assert "Ferries" in row
    assert "Paused 9 of 20" in row


def test_the_ledger_shows_every_outcome_and_that_it_balances(desk: Client) -> None:
    page = see(desk, makers.make_dispatch(deliveries=MIXED))

    ledger = page.said("live")
    assert "Sending 9 of 20" in ledger
    for part in ("Accepted the relay took the letter 6 30.0 %", "Sum 20 100.0 %"):
        assert part in ledger
    assert "The ledger balances: 20 readers, 20 outcomes." in ledger


def test_a_ledger_that_does_not_balance_says_so(desk: Client) -> None:
    page = see(desk, makers.make_dispatch(deliveries={"accepted": 2}, audience=3))

    assert "The ledger does not balance: 3 readers, 2 outcomes." in page.text


def test_who_was_left_out_is_counted_by_reason(desk: Client) -> None:
    page = see(desk, makers.make_dispatch(excluded={"suppressed": 1200, "left": 3}))

    assert "The address is suppressed 1,200" in page.text
    assert "The reader has left 3" in page.text


def test_failures_stand_there_with_the_relays_own_words(desk: Client) -> None:
    dispatch = makers.make_dispatch(deliveries={"accepted": 2})
    makers.make_deliveries(
        dispatch, "failed", code="5.1.1", text="550 5.1.1 <b>no such user</b>", relay="mx"
    )
    makers.make_deliveries(dispatch, "failed", text="left before it was handed over")
    makers.make_deliveries(dispatch, "deferred", attempts=2, text="451 later")

    page = see(desk, dispatch)

    troubles = [row for row in page.rows if "@example.org" in row]
    assert len(troubles) == 3
    assert "550 5.1.1 <b>no such user</b>" in troubles[0]
    assert "Put off 2 attempts 451 later" in troubles[2]
    assert len([r for r in see(desk, dispatch, "?outcome=accepted").rows if "@example" in r]) == 2
    assert len([r for r in see(desk, dispatch, "?outcome=failed").rows if "@example" in r]) == 2


def test_many_failures_are_leafed_through_with_the_filter_kept(desk: Client) -> None:
    dispatch = makers.make_dispatch(deliveries={"failed": 30})

    page = see(desk, dispatch, "?outcome=failed")

    assert "Page 1 of 2" in page.text
    assert len([row for row in see(desk, dispatch, page.links["Next"]).rows if "@" in row]) == 5


def test_progress_is_asked_for_every_second_while_it_moves_and_not_after(desk: Client) -> None:
    moving = makers.make_dispatch(deliveries=MIXED)
    over = makers.make_dispatch(makers.make_brief("Over"), state="done", deliveries={"accepted": 2})

    (live,) = see(desk, moving).root.xpath("//*[@id='live']")
    assert live.get("hx-trigger") == "every 1s"
    assert see(desk, moving).root.xpath("//noscript/meta[@http-equiv='refresh']")
    (still,) = see(desk, over).root.xpath("//*[@id='live']")
    assert still.get("hx-trigger") is None
    assert not see(desk, over).root.xpath("//noscript")
    assert "Sent: 2 of 2 letters accepted" in see(desk, over).text


def progress(desk: Client, dispatch: Dispatch, **query: int) -> Any:
    asked: dict[str, str | int] = {"state": dispatch.state, "step": 0, **query}
    headers = {"HX-Request": "true"}
    return desk.get(f"/desk/dispatches/{dispatch.pk}/progress", asked, headers=headers)


def test_the_moving_part_comes_alone_and_loads_the_page_when_the_state_is_another(
    desk: Client,
) -> None:
    dispatch = makers.make_dispatch(deliveries=MIXED)

    part = progress(desk, dispatch)
    assert b"<html" not in part.content
    assert b"Sending 9 of 20" in part.content
    Dispatch.objects.update(state="paused")
    assert progress(desk, dispatch).headers["HX-Refresh"] == "true"


def test_what_is_read_aloud_changes_with_every_tenth_only(desk: Client) -> None:
    dispatch = makers.make_dispatch(deliveries=MIXED)

    assert b"hx-swap-oob" in progress(desk, dispatch, step=3).content
    assert b"hx-swap-oob" not in progress(desk, dispatch, step=4).content


def test_time_left_is_said_once_there_is_a_rate_and_not_before(desk: Client) -> None:
    dispatch = makers.make_dispatch(deliveries={"waiting": 120})
    now = timezone.now()
    makers.make_deliveries(dispatch, "accepted", 10, settled_at=now)
    Dispatch.objects.update(audience=150)
    assert "left" not in see(desk, dispatch).said("said")

    for seconds in (30, 20):
        makers.make_deliveries(
            dispatch, "accepted", 10, settled_at=now - timedelta(seconds=seconds)
        )

    # 30 letters in 30 seconds, and 120 to go
    assert see(desk, dispatch).said("said") == "Sending 30 of 150 · about 2 minutes left"


def test_pausing_asks_first_and_names_the_number(desk: Client) -> None:
    dispatch = makers.make_dispatch(deliveries=MIXED)
    path = f"/desk/dispatches/{dispatch.pk}/pause"

    page = Page(desk.get(path))
    assert page.heading == f"Pause dispatch {dispatch.pk}?"
    assert page.buttons == ["Pause 11 letters"]
    assert Dispatch.objects.get().state == "sending"

    page = Page(desk.post(path, follow=True))
    assert "Paused at 9 of 20; 11 letters held" in page.text
    assert "Resume…" in page.links


def test_resuming_goes_on_with_the_rest(desk: Client) -> None:
    dispatch = makers.make_dispatch(deliveries=MIXED, state="paused", matched_at=timezone.now())
    path = f"/desk/dispatches/{dispatch.pk}/resume"

    assert Page(desk.get(path)).buttons == ["Resume 11 letters"]
    assert "Sending goes on." in Page(desk.post(path, follow=True)).text
    assert Dispatch.objects.get().state == "sending"


def test_cancelling_says_that_it_is_for_good(desk: Client) -> None:
    dispatch = makers.make_dispatch(deliveries=MIXED)
    path = f"/desk/dispatches/{dispatch.pk}/cancel"

    page = Page(desk.get(path))
    assert "Cancelling stops the other 11 for good" in page.text
    assert page.buttons == ["Cancel 11 letters"]
    assert "Cancelled at 9 of 20; 11 letters not sent" in Page(desk.post(path, follow=True)).text


def test_a_scheduled_dispatch_is_unscheduled(desk: Client) -> None:
    dispatch = makers.make_dispatch(
        state="scheduled", scheduled_for=timezone.now() + timedelta(days=1)
    )
    assert "Waits until tomorrow" in see(desk, dispatch).text
    path = f"/desk/dispatches/{dispatch.pk}/cancel"

    assert Page(desk.get(path)).buttons == [f"Unschedule dispatch {dispatch.pk}"]
    desk.post(path)
    assert Dispatch.objects.get().state == "cancelled"


def test_what_cannot_be_done_any_more_is_said_on_the_dispatch(desk: Client) -> None:
    dispatch = makers.make_dispatch(state="done", deliveries={"accepted": 1})
    path = f"/desk/dispatches/{dispatch.pk}/pause"

    assert desk.get(path).status_code == 302
    assert "is done, so it cannot be paused" in Page(desk.post(path, follow=True)).text


def test_a_release_to_the_feeds_alone_says_so(desk: Client) -> None:
    assert "Published to the feeds alone" in see(desk, makers.make_dispatch(state="done")).text


def test_digests_stand_apart_and_show_what_they_hold(desk: Client) -> None:
    ferries = makers.make_brief("Ferries")
    makers.make_dispatch(makers.make_brief("Harbours"))
    digest = makers.make_digest(ferries, title="Your daily digest: 1 brief")
    (row,) = Page(desk.get("/desk/dispatches/")).rows
    assert "Harbours" in row
    (row,) = Page(desk.get("/desk/dispatches/?state=digest")).rows
    assert "Your daily digest: 1 brief" in row
    page = see(desk, digest)
    assert "Ferries" in page.text
    assert "the brief, revision" not in page.text
