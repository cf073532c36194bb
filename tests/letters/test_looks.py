"""Letters in a real browser: nothing runs over the edge, and everyone can read them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from dispatcher.letters.alert import AlertContext
from tests.letters import samples
from tests.letters.samples import HEBREW, PUBLISHER, RENDERER, alert, reader

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


@pytest.mark.parametrize(
    "context",
    [
        alert(urgent=True),
        alert(HEBREW, chrome="fr"),
        alert(HEBREW, chrome="he"),
        alert(urgent=True, chrome="ar"),
        alert(samples.long_quotation()),
    ],
    ids=["urgent", "hebrew in french", "hebrew", "english in arabic", "long"],
)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 800])
def test_a_letter_can_be_read_by_everyone(
    browser: Browser, context: AlertContext, scheme: str, width: int
) -> None:
    letter = RENDERER.render("alert", {**context.mapping(), "slots": reader()})
    page = browser.new_page(
        viewport={"width": width, "height": 700},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    page.set_content(letter.html)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    found = Axe().run(page, options={"runOnly": RULES}).response
    assert [violation["id"] for violation in found["violations"]] == []
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (paper == "rgb(255, 255, 255)") is (scheme == "light")
    page.close()


def test_a_word_without_end_does_not_widen_a_letter(browser: Browser) -> None:
    endless = replace(HEBREW, headline="א" * 200, language="he")
    context = alert(endless, publisher=replace(PUBLISHER, name="N" * 120))
    letter = RENDERER.render("alert", {**context.mapping(), "slots": reader()})
    page = browser.new_page(viewport={"width": 360, "height": 700})
    page.set_content(letter.html)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.close()
