"""The reader's page and its forms in a real browser: narrow and wide, light and dark, by keys, without a script."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer

from dispatcher.audience import access, consent
from dispatcher.audience.models import AddressChange, Subscriber
from dispatcher.audience.rules import EVERYTHING
from dispatcher.audience.tokens import Purpose, seal
from dispatcher.mailing.models import Batch, Delivery
from tests.makers import make_brief, make_dispatch, make_reader, make_topic
from tests.pages.test_joining_browser import assert_good

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def reader(db: None) -> Subscriber:
    tides = make_topic("Tides")
    reader = make_reader("ada@example.org", any_of=[tides, make_topic("Harbours")])
    consent.subscribe(reader, EVERYTHING, source="made for a test")
    reader.subscriptions.update(started_at=timezone.now() - timedelta(days=1))
    dispatch = make_dispatch(make_brief("High water at the quays", topics=[tides]))
    batch = Batch.objects.create(dispatch=dispatch, number=1)
    Delivery.objects.create(dispatch=dispatch, subscriber=reader, batch=batch, state="accepted")
    return reader


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1000])
def test_every_page_of_a_reader_can_be_read_by_everyone(
    browser: Browser, live_server: LiveServer, reader: Subscriber, scheme: str, width: int
) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 740},
        color_scheme="dark" if scheme == "dark" else "light",
        base_url=live_server.url,
    )
    page, faults = context.new_page(), []
    page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    link = f"/reader/{access.manage_token(reader.pk)}"
    change = AddressChange.objects.create(
        subscriber=reader, address="ada@new.example.org", link_version=0
    )
    rule = consent.live(reader).first()
    assert rule is not None
    forms = ("/rules/new", f"/rules/{rule.pk}", "/details", "/address", "/letters", "/erase")
    for path in ("", *forms):
        page.goto(link + path)
        assert_good(page, width)
    page.goto(link)
    page.get_by_label("Nothing until").fill(str(timezone.localdate() + timedelta(days=9)))
    page.get_by_role("button", name="Pause").click()
    assert_good(page, width)
    page.goto(f"/leave/{access.leave_token(reader.pk, 0)}")
    assert_good(page, width)
    page.get_by_role("button", name="Unsubscribe").click()
    assert_good(page, width)
    page.get_by_label("Too many letters").check()
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("status")).to_have_text("Thank you.")
    page.goto(link)
    assert_good(page, width)
    page.goto(f"/move/{seal(Purpose.MOVE, change.pk)}")
    assert_good(page, width)
    page.get_by_role("button", name="Use this address").click()
    assert_good(page, width)
    assert not faults
    assert not context.cookies()
    context.close()


def test_a_rule_is_changed_without_javascript_and_by_keyboard_alone(
    browser: Browser, live_server: LiveServer, reader: Subscriber
) -> None:
    context = browser.new_context(java_script_enabled=False, base_url=live_server.url)
    page = context.new_page()
    page.goto(f"/reader/{access.manage_token(reader.pk)}")

    def press_tab_until(name: str) -> None:
        for _ in range(60):
            page.keyboard.press("Tab")
            if page.locator(f"{name}:focus").count():
                return
        raise AssertionError(name)

    press_tab_until("a[aria-label^='Change: Briefs on']")
    page.keyboard.press("Enter")
    page.wait_for_url("**/rules/*")
    harbours = page.get_by_label("Harbours").first.get_attribute("id")
    press_tab_until(f"#{harbours}")
    page.keyboard.press("Space")
    press_tab_until("button.main")
    page.keyboard.press("Enter")
    page.wait_for_url("**done=changed")
    assert "Briefs on Tides" in page.locator("main").inner_text()
    context.close()
