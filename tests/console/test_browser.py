"""The desk in a real browser: the whole way of a brief, by mouse and by keyboard, wide and narrow."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.utils import timezone
from playwright.sync_api import Browser, Dialog, Page, expect
from pytest_django.live_server_helper import LiveServer

from dispatcher.audience import consent, editing, suppressing
from dispatcher.audience.models import Subscriber
from dispatcher.audience.rules import EVERYTHING, Rule
from dispatcher.briefs import curating
from dispatcher.mailing import amending, dispatching, leaving, refusals
from dispatcher.mailing.models import Batch, Dispatch, Fuse, Receipt
from tests import makers

pytestmark = pytest.mark.django_db(transaction=True)

LONG = "Operators of cables warn that nine weeks without a link to the outer islands showed how few"
TEXT = f"""---
headline: {LONG}
kind: Flash Brief
topics: [Harbours, Ferries]
---
## Latest Developments

The ferry line reopened on Monday after nine weeks.
"""

LOOKS: tuple[tuple[int, Literal["light", "dark"]], ...] = (
    (360, "light"),
    (360, "dark"),
    (1280, "dark"),
    (1280, "light"),
)
Open = Callable[..., Page]


@pytest.fixture
def open_desk(browser: Browser, live_server: LiveServer) -> Iterator[Open]:
    """Signs ada in, in a browser of its own each time; at the end no page has complained."""
    complaints: list[str] = []
    contexts = []
    makers.make_staff("ada")

    def open_(**options: Any) -> Page:
        context = browser.new_context(base_url=live_server.url, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda said: complaints.append(said.text) if said.type == "error" else None,
        )
        page.goto("/desk/")
        page.get_by_label("Name").fill("ada")
        page.get_by_label("Password").fill(makers.PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Briefs")
        return page

    yield open_
    complained = list(complaints)  # a request that closing breaks off is no fault
    for context in contexts:
        context.close()
    assert complained == []


@pytest.fixture
def readers(db: None) -> None:
    harbours, ferries = makers.make_topic("Harbours"), makers.make_topic("Ferries")
    for _ in range(12):
        makers.make_reader(any_of=[harbours, ferries])


def test_a_brief_is_pasted_looked_at_released_and_followed(open_desk: Open, readers: None) -> None:
    page = open_desk()
    page.get_by_role("link", name="Write the first brief").click()

    page.get_by_label("Text").fill(TEXT)
    expect(page.get_by_label("What was understood")).to_contain_text("12 readers would get it")
    page.get_by_role("button", name="Save as draft").click()

    expect(page.get_by_role("heading", level=1)).to_have_text(LONG)
    letter = page.frame_locator("iframe")
    expect(letter.get_by_role("heading", level=1)).to_have_text(LONG)
    page.context.route(f"{settings.PUBLIC_URL}/**", lambda route: route.fulfill(body="Harbours"))
    with page.expect_popup() as beside:
        letter.get_by_role("link", name="Harbours").click()
    expect(beside.value).to_have_url(re.compile("/topics/harbours$"))
    beside.value.close()
    page.get_by_role("link", name="Text", exact=True).click()
    expect(page.get_by_role("region", name="plain text")).to_contain_text("LATEST DEVELOPMENTS")

    page.get_by_role("link", name="Release…").click()
    page.get_by_label("At a time").check()
    page.get_by_label("Date and time").fill("2099-03-02T14:05")
    expect(page.locator("#last")).to_contain_text("Monday 2 March 2099, 14:05:00 UTC")
    page.get_by_label("Now").check()
    page.get_by_role("button", name="Release to 12 readers").click()

    expect(page.locator(".sentence")).to_contain_text("Preparing")
    dispatch = Dispatch.objects.get()
    makers.make_deliveries(dispatch, "accepted", 9)
    makers.make_deliveries(dispatch, "waiting", 3)
    Dispatch.objects.update(state="sending", audience=12, matched_at=timezone.now())
    expect(page.locator(".sentence")).to_have_text("Sending 9 of 12")
    expect(page.locator("#live")).to_contain_text("The ledger balances")
    makers.make_deliveries(dispatch, "accepted", 1)
    Dispatch.objects.update(audience=13)
    expect(page.locator(".sentence")).to_have_text("Sending 10 of 13")


def test_a_release_needs_no_mouse(open_desk: Open, readers: None) -> None:
    makers.make_brief(topics=[makers.make_topic("Harbours")])
    page = open_desk()

    def press_until(name: str) -> None:
        """Tab to what has that name and press it."""
        for _ in range(40):
            page.keyboard.press("Tab")
            focused = page.evaluate("document.activeElement.textContent.trim()")
            if focused.startswith(name):
                page.keyboard.press("Enter")
                return
        raise AssertionError(f"{name} cannot be reached by keyboard")

    press_until("Ferries run again")
    expect(page).to_have_url(re.compile("/briefs/[a-z0-9]+/$"))
    press_until("Release…")
    expect(page.get_by_role("heading", level=1)).to_have_text("Release")
    press_until("Release to 12 readers")
    expect(page.locator(".sentence")).to_contain_text("Preparing")


def test_a_release_needs_no_script(open_desk: Open, readers: None) -> None:
    brief = makers.make_brief(topics=[makers.make_topic("Harbours")])
    page = open_desk(java_script_enabled=False)

    page.goto(f"/desk/briefs/{brief.public_id}/")
    page.get_by_role("link", name="Release…").click()
    page.get_by_role("button", name="Release to 12 readers").click()

    expect(page.locator(".sentence")).to_contain_text("Preparing")


def test_unsaved_text_is_not_left_by_mistake_and_is_saved_by_a_key(
    open_desk: Open, readers: None
) -> None:
    page = open_desk()
    page.goto("/desk/write")
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    page.get_by_label("Text").fill(TEXT)

    page.get_by_role("link", name="Readers").click()
    expect(page).to_have_url(re.compile("/desk/write$"))
    assert asked == ["beforeunload"]

    page.keyboard.press("Control+s")
    expect(page.get_by_role("heading", level=1)).to_have_text(LONG)


def test_a_brief_is_corrected_and_withdrawn_by_hand(open_desk: Open, readers: None) -> None:
    brief = makers.make_dispatch(makers.make_brief("Ferries run"), state="done").brief
    assert brief
    page = open_desk()
    page.goto(f"/desk/briefs/{brief.public_id}/")
    page.get_by_role("link", name="Correct…").click()
    page.get_by_label("Text").fill(TEXT)
    expect(page.get_by_label("What was understood")).to_contain_text(LONG)
    page.get_by_label("What changed").fill("They run to all islands.")
    page.get_by_role("button", name="Correct it now").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(LONG)
    expect(page.get_by_role("list", name="Changed since")).to_contain_text(
        "Corrected: They run to all islands. ada, today"
    )
    page.get_by_role("link", name="Withdraw…").click()
    page.get_by_label("Why").fill("It was another line.")
    page.get_by_role("button", name="Withdraw “").click()
    expect(page.get_by_role("status").first).to_contain_text("Withdrawn.")
    expect(page.get_by_role("link", name="Correct and bring back…")).to_be_visible()


def test_a_reader_is_helped_by_keys_alone_and_without_a_script(
    open_desk: Open, readers: None
) -> None:
    reader = makers.make_reader("gil@example.org", any_of=[makers.make_topic("Harbours")])
    page = open_desk(java_script_enabled=False)

    def press(name: str) -> None:
        """Tab to what has that name, in this order of the page, and press it."""
        for _ in range(60):
            page.keyboard.press("Tab")
            if page.locator(":focus").count() and page.locator(":focus").text_content() == name:
                page.keyboard.press("Enter")
                page.wait_for_load_state()
                return
        raise AssertionError(f"{name} cannot be reached by keyboard")

    page.goto(f"/desk/readers/{reader.pk}/")
    press("End")
    expect(page.get_by_role("status")).to_contain_text("Ended:")
    press("Take up again")
    expect(page.get_by_role("status")).to_contain_text("Taken up again")
    press("Suppress…")
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.locator("#reason:focus").count():
            break
    page.keyboard.type("asked by phone")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Nothing is mailed to this address: asked by phone.")).to_be_visible()
    press("Erase…")
    press("Erase gil@example.org")
    expect(page.get_by_role("status")).to_contain_text("Erased.")
    assert not Subscriber.objects.filter(address="gil@example.org").exists()


@pytest.fixture
def busy_desk(readers: None) -> list[str]:
    """Addresses of every page, each with something on it."""
    harbours = makers.make_topic("Harbours")
    draft = makers.make_brief(LONG, topics=[harbours])
    sending = makers.make_dispatch(
        makers.make_brief("Ferries stop", urgent=True),
        deliveries={"accepted": 90, "failed": 3, "deferred": 2, "waiting": 12},
        excluded={"left": 1, "suppressed": 2},
    )
    makers.make_deliveries(sending, "failed", text="550 5.1.1 no such user", code="5.1.1")
    Dispatch.objects.update(audience=108)
    Batch.objects.update(faults=4, fault="KeyError('slot')")
    dispatching.pause(sending.pk, by="ada")
    dispatching.resume(sending.pk, by="bea")
    makers.make_deliveries(sending, "deferred", text="421 4.7.28 later", relay="mx.example.org:25")
    gone = makers.make_dispatch(makers.make_brief("Ferries sink"), state="done").brief
    assert gone
    amending.correct(gone, f"# {LONG}\n\nThey float.", by="ada", note="Ferries float.")
    amending.retract(gone, by="bea", note="They never sank.")
    curating.retire(makers.make_topic("Rafts").slug, by="ada")
    done = makers.make_dispatch(
        makers.make_brief("Ferries run"), state="done", deliveries={"failed": 2, "unknown": 1}
    )
    paused = makers.make_dispatch(
        makers.make_brief("Harbours freeze"), state="paused", deliveries={"waiting": 3}
    )
    assert sending.brief
    reader = makers.make_reader(
        f"{'long.address.' * 4}x@{'sub.' * 10}example.org", any_of=[harbours]
    )
    consent.subscribe(reader, EVERYTHING, source="the reader's page")
    tides = makers.make_topic("Tides")
    dropped = consent.subscribe(reader, Rule(topics=frozenset({tides.pk})), source="desk by bea")
    leaving.stop(reader.pk, dropped.pk, source="desk by ada", why=consent.BY_STAFF)
    suppressing.suppress(reader.address, reason="it bounced: 5.1.1", by="what came back")
    resting = makers.make_reader(any_of=[harbours])
    until = str(timezone.localdate() + timedelta(days=9))
    editing.pause(resting.pk, until, source="desk by ada")
    Receipt.objects.create(
        kind="hard bounce",
        subscriber=reader,
        address=reader.address,
        status="5.1.1",
        diagnostic=f"550 5.1.1 <{reader.address}>: Recipient address rejected",
        source="at hand-over",
        has_suppressed=True,
    )
    Receipt.objects.create(kind="note", address="who@example.net", source="SMTP", digest="1")
    broken = makers.make_dispatch(makers.make_brief("Ferries lie idle"), state="done")
    makers.make_deliveries(broken, "failed", 30, relay="mx.example.org:25", code="5.1.1")
    Batch.objects.filter(dispatch=broken).update(state="done")
    refusals.count()
    at = f"/desk/readers/{reader.pk}/"
    brief = f"/desk/briefs/{draft.public_id}/"
    return [
        "/desk/briefs/",
        "/desk/briefs/?search=nothing",
        "/desk/write",
        brief,
        f"{brief}?kind=text",
        f"{brief}?kind=source&address=ben@example.org",
        f"{brief}release",
        f"{brief}release?when=later&at=",
        "/desk/dispatches/",
        f"/desk/dispatches/{sending.pk}/",
        f"/desk/dispatches/{paused.pk}/",
        f"/desk/dispatches/{sending.pk}/cancel",
        f"/desk/dispatches/{done.pk}/rest",
        "/desk/readers/",
        "/desk/readers/?state=pending",
        at,
        f"{at}suppress",
        f"{at}lift",
        f"{at}erase",
        f"{at}pause",
        f"{at}rules/new",
        f"/desk/readers/{resting.pk}/",
        "/desk/readers/suppressed/",
        "/desk/readers/suppressed/add",
        "/desk/readers/returned/",
        f"/desk/readers/returned/fuses/{Fuse.objects.get().pk}",
        "/desk/topics/",
        f"/desk/topics/{harbours.pk}/merge",
        f"/desk/topics/{harbours.pk}/retire",
        f"/desk/topics/{harbours.pk}/rename",
        f"/desk/topics/{makers.make_topic('Rafts').pk}/reinstate",
        f"/desk/briefs/{gone.public_id}/",
        f"/desk/briefs/{gone.public_id}/correct",
        f"/desk/briefs/{sending.brief.public_id}/correct",
        f"/desk/briefs/{sending.brief.public_id}/withdraw",
        "/desk/feeds/",
    ]


def test_every_page_is_accessible_and_fits(open_desk: Open, busy_desk: list[str]) -> None:
    page = open_desk()
    faults = []
    for path in busy_desk:
        page.goto(path)
        for width, colours in LOOKS:
            page.set_viewport_size({"width": width, "height": 800})
            page.emulate_media(color_scheme=colours)
            faults += [f"{path}, {width} px, {colours}: {fault}" for fault in look_over(page)]
    assert faults == []


def look_over(page: Page) -> list[str]:
    # What is inside a preview's frame is the letter, and runs no script.
    found = Axe().run(page, options={"resultTypes": ["violations"], "iframes": False})
    faults = [
        f"{each['id']} at {each['nodes'][0]['target']}" for each in found.response["violations"]
    ]
    over = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    return [*faults, f"{over} px too wide"] if over > 0 else faults


def test_signing_in_is_accessible(browser: Browser, live_server: LiveServer) -> None:
    page = browser.new_page(base_url=live_server.url)
    page.goto("/desk/sign-in")

    assert Axe().run(page).response["violations"] == []
    page.close()
