"""A reader who speaks Hebrew or Arabic, on a phone: signs up, confirms, and sees what comes."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer

from dispatcher.audience.models import Subscriber
from tests.makers import make_topic
from tests.pages.test_joining_browser import NAMES, assert_good, confirm_path

pytestmark = pytest.mark.django_db(transaction=True)

SAID = {
    "he": ("כתובת הדוא״ל שלך", "הרשמה", "כדאי לבדוק את תיבת הדואר", "אישור", "ההרשמה הושלמה"),
    "ar": ("عنوان بريدك الإلكتروني", "الاشتراك", "يُرجى تفقّد بريدك", "تأكيد", "تم الاشتراك"),
}
PAGE = {"he": "מה שנשלח אליך", "ar": "ما يصلك"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["he", "ar"])
def test_signing_up_confirming_and_the_readers_page(
    browser: Browser, live_server: LiveServer, language: str, scheme: str
) -> None:
    for name in (*NAMES, "ביטחון ימי"):
        make_topic(name)
    context = browser.new_context(
        viewport={"width": 360, "height": 740},
        color_scheme="dark" if scheme == "dark" else "light",
        locale=f"{language}-IL",
        base_url=live_server.url,
    )
    page, faults = context.new_page(), []
    page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda fault: faults.append(str(fault)))
    field, sign_up, sent, confirm, done = SAID[language]
    page.goto("/join")
    for summary in page.locator("summary").all():
        summary.click()
    assert page.evaluate("getComputedStyle(document.documentElement).direction") == "rtl"
    assert_good(page, 360)
    page.get_by_label(field).fill("ada@example.org")
    page.get_by_label("Iran", exact=True).first.check()
    page.get_by_role("button", name=sign_up).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(sent)
    assert_good(page, 360)
    page.goto(confirm_path())
    assert_good(page, 360)
    page.get_by_role("button", name=confirm).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(done)
    assert_good(page, 360)
    onward = page.locator("main a").first.get_attribute("href") or ""
    page.goto(onward.removeprefix("http://news.example.org"))
    expect(page.get_by_role("heading", level=1)).to_have_text(PAGE[language])
    assert_good(page, 360)
    # Each rule starts at the right, its buttons at the left end or beneath it.
    words = page.locator(".rules li > span").first.bounding_box()
    assert words
    assert words["x"] + words["width"] > 300
    assert Subscriber.objects.get().language == language
    assert not faults
    assert not context.cookies()
    context.close()


def test_the_language_is_changed_without_a_script_and_stays_on_the_way(
    browser: Browser, live_server: LiveServer
) -> None:
    make_topic("Tides")
    context = browser.new_context(
        java_script_enabled=False, locale="en-GB", base_url=live_server.url
    )
    page = context.new_page()
    page.goto("/")
    page.get_by_role("navigation", name="Language").get_by_role("link", name="עברית").click()
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    page.get_by_role("link", name="לקבלת תדריכים בדוא״ל").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("קבלת התדריכים שלנו בדוא״ל")
    assert page.locator("#language").input_value() == "he"
    context.close()
