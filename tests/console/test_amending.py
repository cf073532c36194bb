"""Correcting and withdrawing at the desk: a page that asks, what it says, and what a second press does."""

from __future__ import annotations

import pytest
from django.test import Client

from dispatcher.briefs.models import Brief
from dispatcher.mailing.models import Dispatch
from tests.console.reading import Page
from tests.makers import make_brief, make_dispatch, make_reader, make_topic

pytestmark = pytest.mark.django_db

TEXT = "# Ferries run again between the islands\n\nThe line reopened on Tuesday."


@pytest.fixture
def brief() -> Brief:
    make_reader(any_of=[make_topic("Harbours")])
    sending = make_dispatch(make_brief(), deliveries={"waiting": 3})
    assert sending.brief
    sending.brief.refresh_from_db()
    return sending.brief


def at(brief: Brief, verb: str = "") -> str:
    return f"/desk/briefs/{brief.public_id}/{verb}"


def given(brief: Brief, **fields: str) -> dict[str, str]:
    return (
        {"text": TEXT, "topics": "Harbours", "note": "It was Tuesday.", "save": ""}
        | fields
        | {"revision": str(brief.released_id)}
    )


def test_a_brief_that_is_not_public_has_no_such_buttons(desk: Client) -> None:
    draft = make_brief()
    links = Page(desk.get(at(draft))).links
    assert not {"Correct…", "Withdraw…"} & links.keys()
    for verb in ("correct", "withdraw"):
        refused = Page(desk.get(at(draft, verb)))
        assert refused.status == 409
        assert "has not been released" in refused.text


def test_the_page_says_what_a_correction_does_and_what_it_does_not(
    desk: Client, brief: Brief
) -> None:
    page = Page(desk.get(at(brief, "correct")))
    dispatch = Dispatch.objects.get()
    assert "No letter goes out about it." in page.text
    assert (
        f"Letters of dispatch {dispatch.pk} that have not left keep what was released" in page.text
    )
    assert "ada, is kept with it for the desk alone" in page.text
    assert "would get it" not in page.text


def test_a_correction_needs_a_sentence(desk: Client, brief: Brief) -> None:
    page = Page(desk.post(at(brief, "correct"), given(brief, note=" ")))
    assert page.status == 422
    assert "Say in a sentence what changed" in page.text
    assert "Tuesday" in page.value("text")
    assert brief.revisions.count() == 1


def test_a_correction_is_made_once_and_who_made_it_is_kept(desk: Client, brief: Brief) -> None:
    for said in ("Corrected.", "Nothing was changed"):
        brief.refresh_from_db()
        answer = desk.post(at(brief, "correct"), given(brief), follow=True)
        assert said in Page(answer).text
    revision = brief.revisions.get(change="correction")
    assert (revision.by, revision.note) == ("ada", "It was Tuesday.")
    assert "Corrected: It was Tuesday. ada, today" in Page(desk.get(at(brief))).text


def test_what_was_looked_at_before_somebody_else_corrected_it_is_refused(
    desk: Client, brief: Brief
) -> None:
    late = given(brief) | {"text": TEXT.replace("Tuesday", "Friday")}
    desk.post(at(brief, "correct"), given(brief))
    page = Page(desk.post(at(brief, "correct"), late))
    assert page.status == 422
    assert "has changed since you looked at it" in page.text


def test_the_text_is_understood_while_it_is_written(desk: Client, brief: Brief) -> None:
    answer = desk.post(at(brief, "correct"), {"text": TEXT}, headers={"HX-Request": "true"})
    assert "Ferries run again" in answer.content.decode()
    assert brief.revisions.count() == 1


def test_withdrawing_asks_why_and_says_what_ends(desk: Client, brief: Brief) -> None:
    page = Page(desk.get(at(brief, "withdraw")))
    assert page.buttons == ["Withdraw “Ferries run again between the islands”"]
    assert f"Dispatch {Dispatch.objects.get().pk} ends." in page.text
    assert "no letter goes out about it" in page.text
    assert "ada, is kept with it" in page.text
    assert Page(desk.post(at(brief, "withdraw"), {"note": ""})).status == 422
    brief.refresh_from_db()
    assert brief.withdrawn_at is None


def test_withdrawing_twice_is_once(desk: Client, brief: Brief) -> None:
    for _ in range(2):
        page = Page(desk.post(at(brief, "withdraw"), {"note": "Wrong."}, follow=True))
        assert "Readers no longer see this brief" in page.text
    assert brief.revisions.filter(change="retraction", by="ada", note="Wrong.").count() == 1
    assert Dispatch.objects.get().state == "cancelled"
    assert "Withdrawn: Wrong. ada, today" in page.text
    assert not {"Release…", "Withdraw…"} & page.links.keys()
    listed = Page(desk.get("/desk/briefs/?standing=withdrawn")).rows
    assert len(listed) == 1
    assert "Withdrawn" in listed[0]
    assert Page(desk.get(at(brief, "release"))).status == 409


def test_a_withdrawn_brief_is_brought_back_by_a_correction(desk: Client, brief: Brief) -> None:
    desk.post(at(brief, "withdraw"), {"note": "Wrong."})
    brief.refresh_from_db()
    assert Page(desk.get(at(brief, "correct"))).heading == "Bring back"
    desk.post(at(brief, "correct"), given(brief))
    brief.refresh_from_db()
    assert brief.withdrawn_at is None
    assert "Release…" in Page(desk.get(at(brief))).links


def test_looking_changes_nothing(desk: Client, brief: Brief) -> None:
    desk.get(at(brief, "withdraw"), {"note": "Wrong."})
    desk.get(at(brief, "correct"), given(brief))
    assert brief.revisions.count() == 1
