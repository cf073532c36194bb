"""A feed that somebody opens in Chromium: the page of it is there, and Back leads where they came from.

Chromium shows feeds of the exact type as source, whatever they bring along; so `Refresh` leads on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from pathlib import Path
from urllib.parse import unquote

import pytest
from playwright.sync_api import Browser, Page
from pytest_django import Settings

from dispatcher.audience import access
from dispatcher.feeds import publishing
from dispatcher.feeds.building import Format, build
from tests.feeds import standing
from tests.feeds.releasing import release
from tests.feeds.samples import entry, feed
from tests.feeds.standing import stand
from tests.feeds.web import web
from tests.makers import make_reader, make_topic

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def at(tmp_path: Path, settings: Settings) -> Iterator[str]:
    """The address of a web process that leads to itself."""
    topics = [make_topic("Fog"), make_topic("גליל")]
    with web(tmp_path, is_at_home=True) as running:
        settings.PUBLIC_URL = running.url
        publishing.publish(release(topics=topics, kind="Note").pk)
        yield running.url


def opened(page: Page, address: str, *, leads_to: str | Callable[[str], bool]) -> None:
    """Follow a link to a feed, arrive at the page about it, and go back."""
    start = page.url
    page.evaluate("(to) => { location.href = to }", address)
    page.wait_for_url(leads_to)
    assert page.evaluate("() => document.querySelector('h1') !== null")
    page.go_back()
    assert page.url == start


def is_at(address: str, url: str) -> bool:
    return unquote(url) == address


def test_every_feed_leads_to_its_page_and_back_leads_to_where_one_was(
    at: str, browser: Browser
) -> None:
    own = f"/feeds/mine/{access.feed_token(make_reader(all_of=[]).pk)}"
    pages = {
        "/feeds/all": "/",
        "/feeds/topics/fog": "/topics/fog",
        "/feeds/topics/גליל": "/topics/גליל",
        "/feeds/any/fog,גליל": "/feeds/any/fog,גליל",
        "/feeds/kinds/note": "/feeds/kinds/note",
        "/feeds/urgent": "/feeds/urgent",
        "/feeds/all/archive/2023-03": "/",
        "/feeds/kinds/note/archive/2023-03": "/feeds/kinds/note",
        own: own,
    }
    page = browser.new_page()
    page.goto(f"{at}/join")
    for (stem, leads_to), form in product(pages.items(), Format):
        for _ in ("from the server", "from what the browser kept"):
            opened(
                page,
                f"{at}{stem}.{form}",
                leads_to=partial(is_at, at + leads_to),
            )
    page.close()


def test_what_a_browser_kept_and_a_304_confirms_leads_on_too(browser: Browser) -> None:
    """So a 304 says nothing of it: what it does not name stands as it was kept (RFC 9111 §3.2)."""
    with stand() as held:
        page_of = standing.Page("text/html", b"<!doctype html><title>Read</title><h1>Read</h1>")
        held.pages |= {"/": page_of, "/page": page_of, "/favicon.ico": page_of}
        held.pages["/all.atom"] = standing.Page(
            Format.ATOM.content_type,
            build(feed(entry()), Format.ATOM),
            {"Refresh": f"0; url={held.base_url}/page", "Cache-Control": "max-age=0"},
        )
        page = browser.new_page()
        page.goto(f"{held.base_url}/")
        for _ in range(2):
            opened(page, f"{held.base_url}/all.atom", leads_to="**/page")
        assert held.answers["/all.atom"] == [200, 304]
        page.close()
