"""The last letter: one that says nothing more comes, and how to undo it."""

from __future__ import annotations

import pytest
from django.test import Client

from dispatcher.audience import access, consent, reasons
from dispatcher.audience.models import LeavingReason
from dispatcher.audience.rules import Rule
from dispatcher.mailing import erasing
from dispatcher.mailing.models import Notice
from tests.makers import make_brief, make_dispatch, make_reader, make_topic
from tests.pages.reading import page, pressed, texts

pytestmark = pytest.mark.django_db

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


def test_the_last_rule_that_ends_brings_one_farewell_by_mail(client: Client) -> None:
    tides, fog = make_topic("Tides"), make_topic("Fog")
    reader = make_reader("ada@example.org", any_of=[tides])
    consent.subscribe(reader, Rule(topics=frozenset({fog.pk})), source="a test")
    dispatch = make_dispatch(make_brief("High water", topics=[tides]))
    client.post(f"/leave/{access.leave_token(reader.pk, dispatch.pk)}", ONE_CLICK)
    assert consent.live(reader).exists()
    assert not Notice.objects.exists()
    link = f"/reader/{access.manage_token(reader.pk)}"
    for action in ("everything", "everything", "undo", "everything"):
        client.post(link, {"action": action})
    farewell = Notice.objects.get()
    assert (farewell.kind, farewell.address) == ("farewell", reader.address)
    assert farewell.link.endswith(link)
    assert farewell.facts["rules"] == "Briefs on Fog."


def test_a_link_that_was_replaced_ends_its_letters_and_tells_and_keeps_nothing_else(
    client: Client,
) -> None:
    tides, fog = make_topic("Tides"), make_topic("Fog")
    reader = make_reader("ada@example.org", any_of=[tides])
    consent.subscribe(reader, Rule(topics=frozenset({fog.pk})), source="a test")
    dispatch = make_dispatch(make_brief("High water", topics=[tides]))
    link = f"/leave/{access.leave_token(reader.pk, dispatch.pk)}"
    assert "Fog" in page(client, link).text_content()
    reasons.keep(reader.pk, "too many", "Mine")
    access.renew(reader.pk)

    assert texts(page(client, link), "//main//li") == ["Briefs on Tides At once, a letter for each"]
    left = pressed(client, link, {"action": "leave"})
    again = page(client, link)
    said = pressed(client, link, {"action": "reason", "reason": "other", "words": "Not mine"})
    for read, heading in (
        (left, "You are unsubscribed"),
        (again, "You no longer get these letters"),
        (said, "You are unsubscribed"),
    ):
        assert texts(read, "//main//*") == [heading]
    assert [rule.topics for rule in consent.live(reader)] == [[fog.pk]]
    assert LeavingReason.objects.get().words == "Mine"

    erasing.erase(reader.pk, by="a test")
    pressed(client, link, {"action": "reason", "reason": "other", "words": "Not mine"})
    assert LeavingReason.objects.get().words == ""
    assert client.post(link, ONE_CLICK).content == b"You are unsubscribed.\n"
