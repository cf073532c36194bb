"""The last letters to a reader, and why each came."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from dispatcher.audience import consent, editing
from dispatcher.audience.models import Subscriber
from dispatcher.audience.rules import EVERYTHING, Rule
from dispatcher.mailing import history
from dispatcher.mailing.models import Batch, Delivery
from tests.makers import make_brief, make_dispatch, make_reader, make_topic

pytestmark = pytest.mark.django_db


def test_a_letter_says_what_became_of_it_and_which_rules_it_came_by() -> None:
    tides, fog = make_topic("Tides"), make_topic("Fog")
    reader = make_reader("ada@example.org", any_of=[tides])
    Subscriber.objects.update(timezone="Asia/Tokyo")
    consent.subscribe(reader, EVERYTHING, source="a test")
    consent.subscribe(reader, Rule(topics=frozenset({fog.pk})), source="a test")
    reader.subscriptions.update(started_at=timezone.now() - timedelta(days=1))
    dispatch = make_dispatch(make_brief("High water", topics=[tides]))
    batch = Batch.objects.create(dispatch=dispatch, number=1)
    Delivery.objects.create(dispatch=dispatch, subscriber=reader, batch=batch)
    held = reader.subscriptions.order_by("pk").first()
    assert held is not None
    editing.change(
        reader.pk, held.pk, Rule(topics=frozenset({fog.pk}), cadence="at once"), source="a test"
    )
    (letter,) = history.letters(reader.pk)
    assert letter.headline == "High water"
    assert letter.outcome == "On its way"
    assert letter.why == ("Briefs on Tides", "Every brief")
    assert letter.at.utcoffset() == timedelta(hours=9)
    Delivery.objects.update(state="failed", text="paused before it was handed over")
    assert history.letters(reader.pk)[0].outcome == "Not sent: you had paused before"


def test_nobody_has_no_letters() -> None:
    assert history.letters(999_999) == []
