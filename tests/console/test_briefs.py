from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from dispatcher.briefs.document import Section
from dispatcher.console.previews import POLICY
from tests import makers
from tests.console.reading import Page
from tests.letters.full_render import body, parsed
from tests.sinks import Sink

pytestmark = pytest.mark.django_db


def test_the_first_day_says_what_will_stand_here_and_how_to_begin(desk: Client) -> None:
    page = Page(desk.get("/desk/briefs/"))

    assert "Your briefs will stand here" in page.text
    assert page.links["Write the first brief"] == "/desk/write"


def test_every_state_has_its_word_and_its_action(desk: Client) -> None:
    for state in ("scheduled", "matching", "sending", "paused", "done", "cancelled"):
        makers.make_dispatch(
            makers.make_brief(f"A {state} one"),
            state=state,
            scheduled_for=timezone.now() if state == "scheduled" else None,
            deliveries={"accepted": 2, "waiting": 1} if state != "scheduled" else None,
        )
    makers.make_brief("A draft")

    rows = {
        row.split(" one")[0].split(" Brief")[0]: row for row in Page(desk.get("/desk/briefs/")).rows
    }

    assert "Draft" in rows["A draft"]
    assert rows["A draft"].endswith("Release A draft")
    assert "Scheduled for today" in rows["A scheduled"]
    assert "Unschedule" in rows["A scheduled"]
    assert "Preparing 2 of 3" in rows["A matching"]
    assert "Sending 2 of 3" in rows["A sending"]
    assert "Pause" in rows["A sending"]
    assert "Paused 2 of 3" in rows["A paused"]
    assert "Resume" in rows["A paused"]
    assert "Sent 3 letters" in rows["A done"]
    assert "Cancelled" in rows["A cancelled"]
    assert "Release" in rows["A cancelled"]


def test_the_list_is_filtered_by_state_and_searched_by_headline(desk: Client) -> None:
    makers.make_brief("Ferries run again")
    makers.make_brief("Harbours freeze")
    makers.make_dispatch(makers.make_brief("Ferries stop"), state="done")

    def headlines(query: str) -> set[str]:
        page = Page(desk.get(f"/desk/briefs/?{query}"))
        return {link.text for link in page.root.xpath("//td/a[@class='headline']")}

    assert headlines("search=ferries") == {"Ferries run again", "Ferries stop"}
    assert headlines("standing=draft") == {"Ferries run again", "Harbours freeze"}
    assert headlines("standing=done&search=ferries") == {"Ferries stop"}
    assert "No brief is like that" in Page(desk.get("/desk/briefs/?search=100%25")).text


def test_filters_stay_when_leafing(desk: Client) -> None:
    for number in range(26):
        makers.make_brief(f"Ferry {number}")

    page = Page(desk.get("/desk/briefs/?search=ferry&standing=draft"))

    assert len(page.rows) == 25
    assert "Page 1 of 2" in page.text
    assert len(Page(desk.get("/desk/briefs/" + page.links["Next"])).rows) == 1


def test_a_list_costs_the_same_number_of_queries_however_long(
    desk: Client, django_assert_max_num_queries: Any
) -> None:
    for number in range(12):
        makers.make_dispatch(makers.make_brief(f"Ferry {number}"), deliveries={"accepted": 1})

    with django_assert_max_num_queries(8):
        desk.get("/desk/briefs/")
    with django_assert_max_num_queries(6):
        desk.get("/desk/dispatches/")


def test_a_brief_shows_its_letter_under_an_inbox_line(desk: Client) -> None:
    harbours = makers.make_topic("Harbours")
    makers.make_reader(any_of=[harbours])
    brief = makers.make_brief(topics=[harbours])

    page = Page(desk.get(f"/desk/briefs/{brief.public_id}/"))

    assert "From Meridian Institute <briefs@news.example.org>" in page.text
    assert "Subject Ferries run again between the islands" in page.text
    assert "Harbours 1 reader" in page.text
    (frame,) = page.root.xpath("//iframe")
    assert "allow-scripts" not in frame.get("sandbox")
    assert "allow-same-origin" not in frame.get("sandbox")


def test_the_letter_is_framed_with_a_policy_that_lets_nothing_run(desk: Client) -> None:
    brief = makers.make_brief()
    for kind in ("mail", "web"):
        response = desk.get(f"/desk/briefs/{brief.public_id}/{kind}")

        assert response.headers["Content-Security-Policy"] == POLICY
        assert response.headers["X-Frame-Options"] == "SAMEORIGIN"
        assert b"Ferries run again between the islands" in response.content


def test_a_letter_that_mailboxes_would_clip_is_refused_on_its_page(desk: Client) -> None:
    brief = makers.make_brief(blocks=(Section("All", ("word " * 30_000,)),))
    path = f"/desk/briefs/{brief.public_id}/"

    assert "mailboxes clip what is over" in Page(desk.get(path)).text
    page = Page(desk.get(f"{path}mail"))
    assert page.status == 409
    assert "Shorten the brief" in page.text


def test_the_letter_can_be_seen_in_the_dark_on_a_light_screen(desk: Client) -> None:
    brief = makers.make_brief()
    path = f"/desk/briefs/{brief.public_id}/mail"
    light = desk.get(path, {"scheme": "light"}).content.decode()
    dark = desk.get(path, {"scheme": "dark"}).content.decode()

    for html in (light, dark):
        assert "prefers-color-scheme" not in html
        assert "light dark" not in html
    assert "@media not all" in light
    assert "@media all" in dark


def test_the_plain_text_and_the_source_are_shown_as_text(desk: Client) -> None:
    brief = makers.make_brief(blocks=(Section("Markup", ("Less &lt; more",)),))
    path = f"/desk/briefs/{brief.public_id}/"

    assert "Less < more" in Page(desk.get(path, {"kind": "text"})).text
    assert "List-Unsubscribe-Post" in Page(desk.get(path, {"kind": "source"})).text


def test_why_somebody_did_not_get_it_is_said_in_words(desk: Client) -> None:
    brief = makers.make_brief()
    path = f"/desk/briefs/{brief.public_id}/"

    said = Page(desk.get(path, {"address": "ben@example.org"})).said("why")
    assert "ben@example.org did not get it" in said
    assert "is not a mail address" in Page(desk.get(path, {"address": "ben"})).said("why")


@pytest.fixture
def sink(settings: Any) -> Iterator[Sink]:
    with Sink() as sink:
        settings.RELAY_URLS = (sink.url,)
        yield sink


def test_a_test_letter_goes_to_the_address_given(desk: Client, sink: Sink) -> None:
    brief = makers.make_brief()
    path = f"/desk/briefs/{brief.public_id}/test"

    page = Page(desk.post(path, {"address": "ada@example.org"}, follow=True))

    assert "A test letter went to ada@example.org" in page.text
    assert b"[TEST]" in sink.letters[0].data


def test_what_the_relay_says_to_a_test_letter_is_shown(desk: Client, sink: Sink) -> None:
    brief = makers.make_brief()
    sink.answers["ada@example.org"] = "550 5.1.1 no such user"
    path = f"/desk/briefs/{brief.public_id}/test"

    assert "no such user" in Page(desk.post(path, {"address": "ada@example.org"}, follow=True)).text
    assert "is not a mail address" in Page(desk.post(path, {"address": "x"}, follow=True)).text


def test_a_test_letter_speaks_to_a_reader_in_their_language(desk: Client, sink: Sink) -> None:
    makers.make_reader("ada@example.org", language="fr-CA")
    path = f"/desk/briefs/{makers.make_brief().public_id}/test"
    for address in ("Ada@example.org", "bo@example.org"):
        desk.post(path, {"address": address})
    hers, his = (body(parsed(letter.data), "plain") for letter in sink.letters)
    assert "Se désabonner" in hers
    assert "Unsubscribe" in his


def test_the_preview_shows_our_words_in_the_language_chosen(desk: Client) -> None:
    path = f"/desk/briefs/{makers.make_brief().public_id}/"
    page = desk.get(f"{path}?kind=text&language=he").content.decode()
    assert "ביטול הרישום" in page
    assert '<option value="he" lang="he" selected>עברית</option>' in page
    assert "scheme=dark&amp;language=he" in desk.get(f"{path}?language=he").content.decode()
    assert "Se désabonner" in desk.get(f"{path}mail?language=fr").content.decode()
    for other in ("", "?language=xx", "?language=../fr"):
        assert "Unsubscribe" in desk.get(f"{path}mail{other}").content.decode()
