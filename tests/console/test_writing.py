from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from dispatcher.briefs.models import Brief, Revision
from tests import makers
from tests.console.reading import Page

pytestmark = pytest.mark.django_db

TEXT = """# Ferries run again between the islands

Kind: Flash Brief

## Latest Developments

The ferry line reopened on Monday after nine weeks.

## Expert Analysis

> “Nobody planned for it, and nobody wrote it down.” — Ada Example, harbour analyst

Topics: Harbours, Ferries
"""
MARKDOWN = """---
headline: Ferries run again between the islands
kind: Flash Brief
date: 2026-03-02
topics: [{topics}]
---

## Latest Developments

The ferry line reopened on Monday after nine weeks.

## What Comes Next

Two more ships are due in the spring.
"""


def text(topics: str = "Harbours, Ferries") -> str:
    return MARKDOWN.format(topics=topics)


@pytest.fixture(autouse=True)
def topics(db: None) -> None:
    harbours = makers.make_topic("Harbours")
    makers.make_topic("Ferries")
    makers.make_reader(any_of=[harbours])
    makers.make_reader(any_of=[harbours], cadence="daily")


def hand_in(desk: Client, path: str = "/desk/write", **fields: Any) -> Any:
    return desk.post(path, {"save": "", **fields})


def test_a_pasted_brief_is_saved_and_shown(desk: Client) -> None:
    response = hand_in(desk, text=text())

    brief = Brief.objects.get()
    assert response.url == f"/desk/briefs/{brief.public_id}/"
    page = Page(desk.get(response.url))
    assert page.heading == "Ferries run again between the islands"
    assert "Saved as a draft" in page.text
    assert brief.current is not None
    assert brief.current.by == "ada"
    assert not brief.urgent


def test_looking_shows_what_was_understood_and_saves_nothing(desk: Client) -> None:
    page = Page(desk.post("/desk/write", {"text": text(), "look": ""}))

    understood = page.said("understood")
    for part in ("Flash Brief · 2 March 2026", "Latest Developments 1 paragraph", "Next"):
        assert part in understood
    assert "Harbours 2 readers" in understood
    assert "Ferries 0 readers" in understood
    assert "1 reader would get it at once." in understood
    assert page.value("text").split() == text().split()
    assert not Brief.objects.exists()


def test_typing_refreshes_only_what_was_understood(desk: Client) -> None:
    response = desk.post("/desk/write", {"text": text()}, headers={"HX-Request": "true"})

    assert response.status_code == 200
    assert b"<html" not in response.content
    assert "Harbours" in response.content.decode()


def test_an_unknown_topic_is_named_with_its_neighbours_and_nothing_is_lost(desk: Client) -> None:
    response = hand_in(desk, text=text("Harbors, Ferries"), urgent="on")

    page = Page(response)
    assert page.status == 422
    assert "Unknown topic 'Harbors'; the nearest known: Harbours" in page.said("errors")
    assert "Harbors unknown" in page.said("understood")
    assert page.value("text").split() == text("Harbors, Ferries").split()
    assert page.root.xpath("//input[@name='urgent']")[0].get("checked") is not None
    assert not Brief.objects.exists()


def test_a_brief_without_topics_can_be_given_some_by_ticking(desk: Client) -> None:
    page = Page(hand_in(desk, text=text("")))
    assert "names no topics" in page.said("errors")
    assert page.root.xpath("//form//details")[0].get("open") is not None

    hand_in(desk, text=text(""), topics=["Ferries"])

    assert Page(desk.get("/desk/briefs/")).text.count("Ferries") >= 1


def test_ticked_topics_are_used_instead_of_those_in_the_text(desk: Client) -> None:
    hand_in(desk, text=text("Harbours"), topics=["Ferries"])

    brief = Brief.objects.get()
    assert brief.topics == [makers.make_topic("Ferries").pk]


def test_an_urgent_brief_is_marked_so(desk: Client) -> None:
    hand_in(desk, text=text(), urgent="on")

    assert Brief.objects.get().urgent


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_an_uploaded_file_takes_the_place_of_the_text(desk: Client, encoding: str) -> None:
    written = text().replace("Ferries run", "Fähren – they run")
    file = SimpleUploadedFile("brief.md", written.encode(encoding))
    page = Page(desk.post("/desk/write", {"text": "other", "file": file, "look": ""}))

    assert page.value("text").split() == written.split()
    assert "Fähren – they run" in page.said("understood")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\x00\x01\x02\x03" * 100, "binary"),
        (b"", "empty"),
        (b"a" * 3_000_000, "limit is 2 MB"),
        (b" \n \n", "empty"),
    ],
)
def test_a_file_that_is_no_brief_is_refused_beside_its_field(
    desk: Client, content: bytes, words: str
) -> None:
    page = Page(hand_in(desk, text="", file=SimpleUploadedFile("brief.txt", content)))

    assert page.status == 422
    assert words in page.said("file-error")
    assert words in page.said("errors")


def test_pasting_too_much_is_refused_with_a_way_back(desk: Client) -> None:
    response = hand_in(desk, text="a" * 3_100_000)

    assert response.status_code == 400
    assert "2 MB" in Page(response).text


def test_the_same_brief_again_says_so_and_stores_nothing(desk: Client) -> None:
    hand_in(desk, text=text())
    response = hand_in(desk, text=text())

    assert "was here already" in Page(desk.get(response.url)).text
    assert Revision.objects.count() == 1


def test_a_new_version_becomes_a_revision_of_the_same_brief(desk: Client) -> None:
    hand_in(desk, text=text())
    brief = Brief.objects.get()

    other = text().replace("nine weeks", "ten weeks").replace("run again", "sail again")
    response = hand_in(desk, f"/desk/briefs/{brief.public_id}/write", text=other)

    brief.refresh_from_db()
    assert response.url == f"/desk/briefs/{brief.public_id}/"
    assert brief.headline == "Ferries sail again between the islands"
    assert brief.current is not None
    assert brief.current.number == 2


def test_what_a_brief_contains_stays_text_on_the_desk(desk: Client) -> None:
    hostile = text().replace("Ferries run", "<img src=x onerror=alert(1)> \"'><script> run")
    response = desk.post("/desk/write", {"text": hostile, "look": ""})

    assert b"<img src=x" not in response.content
    assert b"><script>" not in response.content.replace(b"defer></script>", b"")


def test_a_new_version_begins_with_what_was_handed_in(desk: Client) -> None:
    brief_page = hand_in(desk, text=text(), urgent="on").url
    answer = desk.get(brief_page + "write").content.decode()

    assert "The ferry line reopened on Monday" in answer
    assert 'aria-describedby="urgent-help" checked' in answer
