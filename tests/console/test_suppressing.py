"""The list of suppressed addresses, what came back, and fuses, at the desk."""

from __future__ import annotations

import pytest
from django.test import Client

from dispatcher.audience import browsing, consent, suppressing
from dispatcher.audience.models import Suppression, SuppressionAct
from dispatcher.mailing import erasing, fuses, refusals
from dispatcher.mailing.models import Batch, Fuse, Receipt
from tests import makers
from tests.console.reading import Page

pytestmark = pytest.mark.django_db

LIST, BACK = "/desk/readers/suppressed/", "/desk/readers/returned/"


def test_a_reader_is_suppressed_with_a_reason_and_let_in_again(desk: Client) -> None:
    reader = makers.make_reader("gil@example.org", any_of=[makers.make_topic("Tides")])
    path = f"/desk/readers/{reader.pk}/"
    assert "Suppress gil@example.org" in Page(desk.get(path + "suppress")).buttons
    page = Page(desk.post(path + "suppress", {"reason": " "}))
    assert (page.status, "Say why" in page.text) == (422, True)
    form = {"reason": "asked by phone", "address": "other@example.org"}
    assert "is not mailed any more" in Page(desk.post(path + "suppress", form, follow=True)).text
    assert [row.address for row in Suppression.objects.all()] == ["gil@example.org"]
    assert consent.suppressed("gil@example.org") == "asked by phone"
    form = {"reason": "a mistake"}
    assert "may be mailed again" in Page(desk.post(path + "lift", form, follow=True)).text
    assert "not suppressed any more" in Page(desk.post(path + "lift", form, follow=True)).text
    told = [(act.what, act.reason, act.by) for act in SuppressionAct.objects.order_by("pk")]
    assert told == [
        ("suppressed", "asked by phone", "desk by ada"),
        ("lifted", "a mistake", "desk by ada"),
    ]


def test_an_address_of_nobody_is_suppressed_and_lifted_from_the_list(desk: Client) -> None:
    for address, status in (("nonsense", 422), ("", 422), ("press@example.org", 302)):
        form = {"address": address, "reason": "a trap"}
        assert desk.post(LIST + "add", form).status_code == status
    (row,) = Page(desk.get(LIST)).rows
    assert row.startswith("press@example.org a trap today")
    path = f"{LIST}{Suppression.objects.get().pk}/lift"
    assert "Mail press@example.org again" in Page(desk.get(path)).buttons
    assert desk.post(path, {"reason": "no trap"}).status_code == 302
    assert not Suppression.objects.exists()
    assert desk.get(path).status_code == 404


def test_suppressions_are_searched_sifted_and_leafed_through(desk: Client) -> None:
    for number in range(browsing.LEAF + 1):
        suppressing.suppress(f"r{number:02}@example.org", reason="it bounced: 5.1.1")
    suppressing.suppress("who@example.net", reason="complaint")
    suppressing.suppress("phoned@example.net", reason="asked by phone", by="ada")
    reader = makers.make_reader("gone@example.net")
    erasing.erase(reader.pk, by="ada")

    def rows(**asked: str) -> list[str]:
        return Page(desk.get(LIST, asked)).rows

    assert len(rows()) == browsing.LEAF
    assert [row.split()[0] for row in rows(why="complaint")] == ["who@example.net"]
    assert [row.split()[0] for row in rows(why="by hand")] == ["phoned@example.net"]
    assert [row.split()[0] for row in rows(search="PHONE")] == ["phoned@example.net"]
    (erased,) = rows(why="erased")
    assert "erased at the reader's wish" in erased
    assert "Lift" not in erased
    page = Page(desk.get(LIST, {"why": "bounced"}))
    assert f"{browsing.LEAF + 1} addresses" in page.text
    (last,) = Page(desk.get(LIST + page.links["Older"])).rows
    assert last.startswith("r00@example.org")
    assert "No suppressed address is like that" in Page(desk.get(LIST, {"search": "%"})).text
    assert len(rows(why="nonsense")) == browsing.LEAF


def test_a_suppression_of_a_reader_leads_to_the_reader(desk: Client) -> None:
    reader = makers.make_reader("Straße@example.org")
    suppressing.suppress("straße@EXAMPLE.org", reason="complaint")
    assert Page(desk.get(LIST)).links["straße@example.org"] == f"/desk/readers/{reader.pk}/"


def test_what_came_back_is_sifted_and_notes_are_among_it(desk: Client) -> None:
    reader = makers.make_reader("gil@example.org")
    Receipt.objects.create(kind="hard bounce", subscriber=reader, address=reader.address, status="5.1.1",
                           diagnostic="550 no such user", source="pipe", has_suppressed=True)  # fmt: skip
    Receipt.objects.create(
        kind="note", address="<b>@x", diagnostic="<script>", source="SMTP", digest="1"
    )
    assert len(Page(desk.get(BACK)).rows) == 2
    (note,) = Page(desk.get(BACK, {"kind": "note"})).rows
    assert note.startswith("<b>@x Note <script> today")
    (bounce,) = Page(desk.get(BACK, {"search": "NO SUCH"})).rows
    assert bounce.startswith("gil@example.org Hard bounce 5.1.1 suppressed 550 no such user")
    assert "Nothing like that" in Page(desk.get(BACK, {"kind": "complaint"})).text


@pytest.fixture
def fuse(db: None) -> Fuse:
    dispatch = makers.make_dispatch(state="done")
    makers.make_deliveries(dispatch, "failed", 30, relay="one", code="5.1.1", text="550 5.1.1 no")
    Batch.objects.update(state="done")
    refusals.count()
    return Fuse.objects.get()


def test_staff_believe_or_dismiss_what_a_relay_refused(desk: Client, fuse: Fuse) -> None:
    path = Page(desk.get(BACK)).links[f"The relay one refused 30 of 30 letters of {fuse.sending}"]
    page = Page(desk.get(path))
    assert page.buttons == ["Dismiss 30 refusals", "Believe 30 refusals"]
    assert "30 refusals are held, and nobody is suppressed" in page.text
    assert "Believed." in Page(desk.post(path, {"answer": "believe"}, follow=True)).text
    fuses.settle()
    assert Suppression.objects.count() == 30
    page = Page(desk.get(path))
    assert "30 addresses are suppressed" in page.text
    assert page.buttons == ["Dismiss 30 refusals"]
    desk.post(path, {"answer": "dismiss"})
    fuses.settle()
    assert not Suppression.objects.exists()
    fuse.refresh_from_db()
    assert (fuse.verdict, fuse.by) == ("dismissed", "desk by ada")


def test_no_other_answer_decides(desk: Client, fuse: Fuse) -> None:
    path = f"{BACK}fuses/{fuse.pk}"
    assert desk.post(path, {"answer": "maybe"}).status_code == 409
    assert desk.post(path).status_code == 409
    assert desk.get(path, {"answer": "believe"}).status_code == 200
    fuse.refresh_from_db()
    assert fuse.verdict == ""
    assert desk.get(f"{BACK}fuses/{fuse.pk + 1}").status_code == 404
