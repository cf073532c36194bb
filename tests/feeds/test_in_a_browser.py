"""A feed that somebody opens in Chromium: what it shows, what it hides, and how it leads on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from dispatcher.feeds.building import Feed, Format, Withdrawal, build
from dispatcher.security import HEADER, POLICY
from tests.feeds import standing
from tests.feeds.samples import MARCH, entry, feed
from tests.feeds.standing import Stand, stand

STYLE = Path(__file__).parents[2] / "dispatcher" / "static" / "dispatcher" / "feed.css"
every_xml = pytest.mark.parametrize("form", [Format.ATOM, Format.RSS])

# The words of every element that holds nothing but words and takes room on the screen.
SEEN = """() => [...document.querySelectorAll('*')]
    .filter(one => !one.children.length && one.textContent.trim() && one.getClientRects().length)
    .map(one => one.textContent)"""
TURNED = """() => [...document.querySelectorAll('entry, item')]
    .map(one => getComputedStyle(one.querySelector('title')).direction)"""
BACKGROUND = "() => getComputedStyle(document.documentElement).backgroundColor"


@pytest.fixture
def served() -> Iterator[Stand]:
    with stand() as held:
        tokens = ":root { --paper: #ffffff } @media (prefers-color-scheme: dark) { :root { --paper: #16181b } }"
        held.pages["/look.css"] = standing.Page("text/css", tokens.encode())
        held.pages["/feed.css"] = standing.Page("text/css", STYLE.read_bytes())
        held.pages["/page"] = standing.Page("text/html", b"<!doctype html><title>Read</title>")
        held.pages["/favicon.ico"] = standing.Page("image/x-icon", b"")
        yield held


def sample(at: Stand) -> Feed:
    return feed(
        entry(1, title="Fish & chips", html="<p>Hidden</p>", kind="flash-brief"),
        entry(2, title="שיחות הנמל", summary="", html="", language="he"),
        page_url=f"{at.base_url}/page",
        stylesheet_url=f"{at.base_url}/feed.css",
        hub_urls=(f"{at.base_url}/hub",),
        withdrawals=(Withdrawal("urn:x:1", MARCH, "Hidden"),),
        kind_scheme=f"{at.base_url}/kinds/",
        logo_url=f"{at.base_url}/logo.png",
    )


def opened(at: Stand, browser: Browser, form: Format, scheme: str = "light") -> Page:
    """The feed as XML, which is what a browser that shows its exact type takes it for."""
    at.pages["/all"] = standing.Page(
        "application/xml; charset=utf-8",
        build(sample(at), form),
        {HEADER: POLICY, "X-Content-Type-Options": "nosniff"},
    )
    page = browser.new_page(color_scheme="dark" if scheme == "dark" else "light")
    page.goto(f"{at.base_url}/all")
    return page


@every_xml
def test_it_shows_what_people_read_and_hides_what_programs_do(
    served: Stand, browser: Browser, form: Format
) -> None:
    page = opened(served, browser, form)
    dates = {Format.ATOM: "2023-03-02T10:00:00Z", Format.RSS: "Thu, 02 Mar 2023 10:00:00 GMT"}
    assert sorted(page.evaluate(SEEN)) == sorted(
        [
            "This is a feed",
            sample(served).self_url,
            "Read the same briefs as a page",
            "All briefs",
            "Every brief of the Example Institute",
            "Fish & chips",
            dates[form],
            "The two ports agreed on a common pilot service.",
            "שיחות הנמל",
            dates[form],
        ]
    )
    page.close()


@every_xml
def test_its_link_leads_to_the_page(served: Stand, browser: Browser, form: Format) -> None:
    page = opened(served, browser, form)
    page.evaluate("() => document.querySelector('a').click()")
    page.wait_for_url("**/page")
    assert page.title() == "Read"
    page.close()


@every_xml
def test_a_brief_reads_from_the_side_of_its_language(
    served: Stand, browser: Browser, form: Format
) -> None:
    page = opened(served, browser, form)
    assert page.evaluate(TURNED) == ["ltr", "rtl"]
    page.close()


@every_xml
@pytest.mark.parametrize(
    ("scheme", "paper"), [("light", "rgb(255, 255, 255)"), ("dark", "rgb(22, 24, 27)")]
)
def test_it_wears_the_colours_of_the_pages(
    served: Stand, browser: Browser, form: Format, scheme: str, paper: str
) -> None:
    page = opened(served, browser, form, scheme)
    assert page.evaluate(BACKGROUND) == paper
    page.close()


@pytest.mark.parametrize("form", list(Format))
def test_under_its_exact_type_chromium_shows_source_and_a_refresh_leads_on_to_the_page(
    served: Stand, browser: Browser, form: Format
) -> None:
    """Chromium takes feeds for plain text whatever they bring along; readers know no Refresh."""
    document = build(sample(served), form)
    served.pages["/bare"] = standing.Page(form.content_type, document)
    leading = {"Refresh": f"0; url={served.base_url}/page"}
    served.pages["/leading"] = standing.Page(form.content_type, document, leading)
    page = browser.new_page()
    page.goto(f"{served.base_url}/bare")
    assert page.evaluate("() => document.documentElement.localName") == "html"
    assert "This is a feed" in page.evaluate("() => document.documentElement.textContent")
    page.goto(f"{served.base_url}/leading", wait_until="commit")
    page.wait_for_url("**/page")
    page.close()
