"""The pages about feeds in a real browser: any width and number of topics, by keys, without a script."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from dispatcher.audience import access
from dispatcher.feeds import publishing
from tests.feeds.releasing import release
from tests.makers import make_reader, make_topic
from tests.pages.test_joining_browser import assert_good

# Names stand in isolates, whatever way they run.
CHOSEN = re.compile("Iran.?, .?Élections.? without .?Iran Missiles.?")
pytestmark = pytest.mark.django_db(transaction=True)
NAMES = ("Iran", "Iran Missiles", "Israel", "Lebanon", "Élections", "גליל", "Gulf " * 20)


@pytest.fixture
def site(live_server: LiveServer, settings: Settings) -> str:
    settings.PUBLIC_URL = live_server.url
    return live_server.url


@pytest.fixture
def context(browser: Browser, site: str) -> Iterator[BrowserContext]:
    with browser.new_context(base_url=site) as made:
        made.grant_permissions(["clipboard-read", "clipboard-write"])
        yield made


def fill(number: int) -> None:
    names = [*NAMES, *(f"Topic {n}" for n in range(number))][:number]
    topics = [make_topic(name) for name in names]
    if topics:
        publishing.publish(release(topics=topics[:3], kind="Flash Brief").pk)
        publishing.publish(release("Fog", topics=topics[:1], kind="Note", urgent=True).pk)


def tab_to(page: Page, selector: str) -> None:
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("s => document.activeElement.matches(s)", selector):
            return
    raise AssertionError(selector)


@pytest.mark.parametrize("number", [0, 3, 60, 500])
def test_the_index_can_be_read_by_everyone(browser: Browser, site: str, number: int) -> None:
    fill(number)
    faults: list[str] = []

    def hear(said: ConsoleMessage) -> None:
        if said.type == "error":
            faults.append(said.text)

    for width, scheme in ((360, "light"), (800, "dark"), (1280, "light")):
        context = browser.new_context(
            viewport={"width": width, "height": 740},
            color_scheme="dark" if scheme == "dark" else "light",
            base_url=site,
        )
        page = context.new_page()
        page.on("console", hear)
        page.on("pageerror", lambda fault: faults.append(str(fault)))
        page.goto("/feeds/")
        for summary in page.locator("summary").all():
            summary.click()
        if number:
            page.locator("#topic-iran").check()
        assert_good(page, width)
        assert not faults
        assert not context.cookies()
        context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_every_other_page_of_feeds_can_be_read_by_everyone(
    browser: Browser, site: str, scheme: str, width: int
) -> None:
    fill(3)
    reader = make_reader(all_of=[])
    context = browser.new_context(
        viewport={"width": width, "height": 740},
        color_scheme="dark" if scheme == "dark" else "light",
        base_url=site,
    )
    page = context.new_page()
    for path in (
        "/feeds/any/iran,israel",
        "/feeds/each/iran,israel/not/iran-missiles",
        "/feeds/urgent",
        f"/feeds/mine/{access.feed_token(reader.pk)}",
        f"/reader/{access.manage_token(reader.pk)}/feed",
        "/feeds/any/nowhere",
        "/feeds/choose?topic=iran&not=iran",
    ):
        page.goto(path)
        for summary in page.locator("summary").all():
            summary.click()
        assert_good(page, width)
    assert not context.cookies()
    context.close()


def test_topics_are_found_ticked_and_made_one_feed_whose_address_is_copied(
    context: BrowserContext, site: str
) -> None:
    fill(60)
    page = context.new_page()
    page.goto("/feeds/")
    search = page.get_by_role("searchbox", name="Search topics", exact=True)
    search.fill("elec")
    expect(page.locator(".combining .feeds li:visible")).to_have_count(1)
    page.locator("#topic-elections").check()
    search.fill("")
    page.locator("#topic-iran").check()
    page.get_by_text("Leave some topics out").click()
    page.locator("#not-iran-missiles").check()
    expect(page.locator("[data-chosen]")).to_have_text(CHOSEN)
    page.get_by_role("button", name="Make this feed").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(
        re.compile("Briefs on .*Élections.* or .*Iran.*, (but )?not .*Iran Missiles")
    )
    page.get_by_role("button", name="Copy the Atom address").click()
    expect(page.get_by_text("Copied")).to_be_visible()
    copied = page.evaluate("() => navigator.clipboard.readText()")
    assert copied == f"{site}/feeds/any/elections,iran/not/iran-missiles.atom"
    found = page.locator('link[rel="alternate"]').evaluate_all("all => all.map(one => one.href)")
    assert copied in found
    page.get_by_role("link", name="Choose other topics").click()
    expect(page.locator("#topic-iran")).to_be_checked()
    expect(page.locator("[data-chosen]")).to_have_text(CHOSEN)


def test_more_topics_than_a_feed_combines_are_told_before_and_after(
    context: BrowserContext,
) -> None:
    fill(20)
    page = context.new_page()
    page.goto("/feeds/")
    for number in range(9):
        page.locator(f"#topic-topic-{number}").check()
    expect(page.locator("[data-chosen]")).to_have_text("A feed combines 8 topics at most.")
    page.get_by_role("button", name="Make this feed").click()
    expect(page.get_by_role("alert")).to_contain_text("A feed combines up to 8 topics")
    expect(page.locator("#topic-topic-8")).to_be_checked()


def test_it_works_by_keyboard_alone(context: BrowserContext, site: str) -> None:
    fill(12)
    page = context.new_page()
    page.goto("/feeds/")
    tab_to(page, "button[data-copies]")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Copied")).to_be_visible()
    assert page.evaluate("() => navigator.clipboard.readText()") == f"{site}/feeds/all.atom"
    tab_to(page, "input[type=search]")
    page.keyboard.type("leban")
    page.keyboard.press("Enter")  # which searches and does not send
    tab_to(page, "#topic-lebanon")
    page.keyboard.press("Space")
    tab_to(page, "button.main")
    page.keyboard.press("Enter")
    page.wait_for_url("**/topics/lebanon*")


def test_it_works_without_javascript(browser: Browser, site: str) -> None:
    fill(12)
    with browser.new_context(java_script_enabled=False, base_url=site) as context:
        page = context.new_page()
        page.goto("/feeds/")
        assert page.locator("button[data-copies]:visible").count() == 0
        assert page.locator("#address-1").input_value() == f"{site}/feeds/all.atom"
        page.locator("#topic-iran").check()
        page.locator("#topic-israel").check()
        page.locator("#match-each").check()
        page.locator("button.main").click()
        assert page.locator("h1").inner_text() == "Briefs on Iran and Israel"
        field = page.locator("#address-1")
        assert field.input_value() == f"{site}/feeds/each/iran,israel.atom"
        assert field.is_visible()
