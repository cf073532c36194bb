from __future__ import annotations

import pytest
from django.test import Client

from dispatcher.audience import browsing, consent, reasons, suppressing
from dispatcher.audience.rules import Rule
from dispatcher.mailing.models import Receipt
from tests import makers
from tests.console.reading import Page

pytestmark = pytest.mark.django_db


def test_readers_are_found_by_a_part_of_their_address(desk: Client) -> None:
    makers.make_reader("ada@example.org")
    makers.make_reader("ben_1@example.net", state="left")

    assert len(Page(desk.get("/desk/readers/")).rows) == 2
    (row,) = Page(desk.get("/desk/readers/?search=EXAMPLE.net")).rows
    assert row.startswith("ben_1@example.net Left")
    assert "No address contains “%”" in Page(desk.get("/desk/readers/?search=%25")).text


def test_readers_are_leafed_through_newest_first(desk: Client) -> None:
    for number in range(browsing.LEAF + 1):
        makers.make_reader(f"reader-{number:02}@example.org")

    page = Page(desk.get("/desk/readers/?search=reader-"))
    assert page.rows[0].startswith("reader-50")
    (last,) = Page(desk.get("/desk/readers/" + page.links["Older"])).rows
    assert last.startswith("reader-00")


def test_a_suppressed_address_is_marked(desk: Client) -> None:
    reader = makers.make_reader("Ada@example.org")
    suppressing.suppress("ada@example.org", reason="hard bounce")

    assert "Suppressed" in Page(desk.get("/desk/readers/")).rows[0]
    page = Page(desk.get(f"/desk/readers/{reader.pk}/"))
    assert "Nothing is mailed to this address: hard bounce." in page.text


def test_a_reader_has_rules_in_words_consents_and_letters(desk: Client) -> None:
    harbours, ferries = makers.make_topic("Harbours"), makers.make_topic("Ferries")
    reader = makers.make_reader(any_of=[harbours], none_of=[ferries], cadence="weekly")
    other = consent.subscribe(reader, Rule(topics=frozenset([ferries.pk])), source="page")
    consent.leave(reader, [other], source="their page")
    dispatch = makers.make_dispatch(makers.make_brief("Ferries run again"))
    delivery = makers.make_deliveries(dispatch, "accepted", text="250 2.0.0 queued")[0]
    delivery.subscriber = reader
    delivery.save()

    page = Page(desk.get(f"/desk/readers/{reader.pk}/"))

    assert "Harbours, but not Ferries, weekly" in page.text
    assert "Ferries, at once ended today" in page.text
    assert "left by the reader" in page.text
    assert "Left today" in page.text
    assert "Ferries run again Accepted 250 2.0.0 queued" in page.rows[0]


def test_topics_show_their_readers_and_briefs(desk: Client) -> None:
    assert "Topics will stand here" in Page(desk.get("/desk/topics/")).text
    harbours = makers.make_topic("Harbours")
    ports = makers.make_topic("Fishing Ports", parent=harbours)
    makers.make_reader(any_of=[harbours, ports])
    makers.make_reader(any_of=[harbours], cadence="daily")
    makers.make_brief(topics=[ports])

    rows = Page(desk.get("/desk/topics/")).rows

    assert rows[0].startswith("Fishing Ports under Harbours 1 reader 1 brief")
    assert rows[1].startswith("Harbours 2 readers 0 briefs")


def test_the_desk_tells_why_readers_left_and_what_came_back(desk: Client) -> None:
    reader = makers.make_reader("gone@example.org", any_of=[makers.make_topic("Tides")])
    reasons.keep(reader.pk, "too many", "Three a day.")
    suppressing.suppress(reader.address, reason="complaint", by="what came back")
    Receipt.objects.create(
        kind="complaint", subscriber=reader, address=reader.address, source="pipe"
    )
    listed = desk.get("/desk/readers/").content.decode()
    assert "Too many letters" in listed
    assert "Three a day." in listed
    shown = desk.get(f"/desk/readers/{reader.pk}/").content.decode()
    assert "<b>Suppressed:</b>" in shown
    assert "Complaint" in shown
