"""The last letter: one that says nothing more comes, and how to undo it."""

from __future__ import annotations

import pytest
from django.test import Client

from dispatcher.audience import access, consent
from dispatcher.audience.rules import Rule
from dispatcher.mailing.models import Notice
from tests.makers import make_brief, make_dispatch, make_reader, make_topic

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
