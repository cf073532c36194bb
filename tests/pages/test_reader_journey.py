"""A reader's whole way in a browser, with real workers: sign up, confirm, read, change, leave."""

from __future__ import annotations

import email
import email.policy
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from pytest_django.live_server_helper import LiveServer

from dispatcher.audience import consent
from dispatcher.audience.rules import EVERYTHING
from dispatcher.briefs.models import Topic
from dispatcher.mailing import dispatching
from dispatcher.mailing.models import Dispatch
from tests.makers import make_brief, make_topic
from tests.pages.test_joining_journey import PUBLIC, links
from tests.services import workers
from tests.sinks import Sink
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)


def release_and_wait(headline: str, topic: Topic) -> None:
    """Release a brief and wait until its dispatch has ended, whoever it went to."""
    made = dispatching.release(make_brief(headline, topics=[topic]), by="ada")
    until(lambda: Dispatch.objects.get(pk=made.pk).state == "done")


def hers(sink: Sink) -> list[int]:
    """Where the letters to Ada stand among all."""
    return [at for at, address in enumerate(sink.addresses) if address == "ada@example.org"]


def the_link(sink: Sink, number: int, kind: str) -> str:
    return next(path for path in links(sink, hers(sink)[number]) if path.startswith(kind))


@pytest.mark.parametrize("has_script", [True, False])
def test_from_the_form_to_one_click(
    browser: Browser, live_server: LiveServer, tmp_path: Path, has_script: bool
) -> None:
    tides, fog = make_topic("Tides"), make_topic("Fog")
    for topic in (tides, fog):
        make_brief(f"First on {topic.name}", topics=[topic])
    consent.add("bob@example.org", EVERYTHING, source="so that every release has a reader")
    context = browser.new_context(
        java_script_enabled=has_script,
        viewport={"width": 360, "height": 740},
        base_url=live_server.url,
    )
    page = context.new_page()
    with Sink() as sink, workers(tmp_path, relay=sink.url, beat=True):
        sign_up(page, f"#topic-{tides.pk}")
        until(lambda: len(hers(sink)) == 1)
        page.goto(the_link(sink, 0, "/join/confirm/"))
        page.get_by_role("button", name="Confirm").click()
        until(lambda: len(hers(sink)) == 2)  # the welcome
        release_and_wait("Second on Tides", tides)
        assert subject(sink, 2).endswith("Second on Tides")

        page.goto(the_link(sink, 2, "/reader/"))
        page.get_by_role("link", name="Change").click()
        page.locator(f"#topic-{tides.pk}").uncheck()
        page.locator(f"#topic-{fog.pk}").check()
        page.get_by_role("button", name="Save").click()
        release_and_wait("Third on Tides", tides)
        assert len(hers(sink)) == 3
        release_and_wait("Second on Fog", fog)
        assert subject(sink, 3).endswith("Second on Fog")

        way_out = one_click(sink, 3)
        for _ in range(2):  # a mail provider's: no cookie, no page before it
            answer = context.request.post(way_out, form={"List-Unsubscribe": "One-Click"})
            assert answer.status == 200
        until(lambda: len(hers(sink)) == 5)  # the farewell
        release_and_wait("Third on Fog", fog)
        assert len(hers(sink)) == 5
    context.close()


def sign_up(page: Page, topic: str) -> None:
    page.goto("/join")
    page.get_by_label("Your mail address").fill("ada@example.org")
    page.locator(topic).check()
    page.get_by_role("button", name="Sign up").click()
    page.wait_for_url("**/join/sent")


def subject(sink: Sink, number: int) -> str:
    data = sink.letters[hers(sink)[number]].data
    return str(email.message_from_bytes(data, policy=email.policy.default)["Subject"])


def one_click(sink: Sink, number: int) -> str:
    """The path that List-Unsubscribe names (RFC 8058 §3.1)."""
    data = sink.letters[hers(sink)[number]].data
    message = email.message_from_bytes(data, policy=email.policy.default)
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    found = re.search(rf"<{PUBLIC}(/leave/[^>]+)>", str(message["List-Unsubscribe"]))
    assert found
    return found[1]
