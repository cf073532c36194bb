"""Signing up in a real browser: narrow and wide, light and dark, by keyboard alone, without a script."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from dispatcher.audience.models import SignUp, Subscriber
from dispatcher.briefs.models import Topic
from dispatcher.mailing.models import Notice
from tests.makers import make_topic

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
NAMES = ("Harbours", "Iran", "Lebanon", "Tides", "Élections", "Sanctions", "Gas", "Ports", "Rivers")

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def topics(db: None) -> dict[str, Topic]:
    made = {name: make_topic(name) for name in NAMES}
    made["Iran Missiles"] = make_topic("Iran Missiles", parent=made["Iran"])
    return made


def confirm_path() -> str:
    return Notice.objects.latest("pk").link.removeprefix("http://news.example.org")


def assert_good(page: Page, width: int) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") <= width, page.url
    found = Axe().run(page, options={"runOnly": RULES}).response
    assert [violation["id"] for violation in found["violations"]] == [], page.url


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1000])
def test_every_page_of_signing_up_can_be_read_by_everyone(
    browser: Browser,
    live_server: LiveServer,
    topics: dict[str, Topic],
    scheme: str,
    width: int,
) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 740},
        color_scheme="dark" if scheme == "dark" else "light",
        timezone_id="Asia/Beirut",
        base_url=live_server.url,
    )
    page, faults = context.new_page(), []
    page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda fault: faults.append(str(fault)))
    page.goto("/join")
    for summary in page.locator("summary").all():
        summary.click()
    assert_good(page, width)
    page.get_by_label("Your mail address").fill("ada@example.org")
    page.get_by_role("searchbox", name="Search topics", exact=True).fill("elec")
    shown = page.locator("fieldset:has(> legend:text-is('Topics')) .ticks .tick:visible")
    expect(shown).to_have_count(1)
    shown.click()
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Look into your mailbox")
    assert_good(page, width)
    sign_up = SignUp.objects.get()
    assert (sign_up.topics, sign_up.timezone) == ([topics["Élections"].pk], "Asia/Beirut")
    page.goto(confirm_path())
    assert_good(page, width)
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You are in")
    assert_good(page, width)
    page.goto("/join/embed")
    assert_good(page, width)
    assert not faults
    assert not context.cookies()
    context.close()


def test_it_works_without_javascript(
    browser: Browser, live_server: LiveServer, topics: dict[str, Topic]
) -> None:
    context = browser.new_context(java_script_enabled=False, base_url=live_server.url)
    page = context.new_page()
    page.goto("/join")
    page.locator("#address").fill("ada@example.org")
    page.locator(f"#topic-{topics['Iran Missiles'].pk}").check()
    page.locator("button").click()
    page.goto(confirm_path())
    page.locator("button").click()
    assert page.locator("h1").inner_text() == "You are in"
    assert Subscriber.objects.get().subscriptions.get().topics == [topics["Iran Missiles"].pk]
    context.close()


def test_it_works_by_keyboard_alone(
    browser: Browser, live_server: LiveServer, topics: dict[str, Topic]
) -> None:
    page = browser.new_page(base_url=live_server.url)
    page.goto("/join")

    def tab_to(selector: str) -> None:
        for _ in range(60):
            page.keyboard.press("Tab")
            if page.evaluate("s => document.activeElement.matches(s)", selector):
                return
        raise AssertionError(selector)

    tab_to("#address")
    page.keyboard.type("ada@example.org")
    tab_to("input[type=search]")
    page.keyboard.type("tides")
    page.keyboard.press("Enter")  # which searches and does not send
    tab_to(f"#topic-{topics['Tides'].pk}")
    page.keyboard.press("Space")
    tab_to("button")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Look into your mailbox")
    page.goto(confirm_path())
    tab_to("button")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("You are in")
    page.close()


def test_a_browser_solves_the_puzzle_while_the_form_is_filled_in(
    browser: Browser, live_server: LiveServer, topics: dict[str, Topic], settings: Any
) -> None:
    settings.JOIN_CAPTCHA = True
    page = browser.new_page(base_url=live_server.url)
    page.goto("/join")
    page.locator("#address").fill("ada@example.org")
    page.get_by_label("Every brief").check()
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(
        "Look into your mailbox", timeout=20_000
    )
    assert SignUp.objects.count() == 1
    page.close()
