"""What is past its period goes, in slices and in short jobs; what the ledger is made of stays."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone
from redis import Redis

from dispatcher import queue
from dispatcher.audience.models import AddressChange, SignUp
from dispatcher.mailing import ledger, retention
from dispatcher.mailing.models import Delivery, Dispatch, Notice, Receipt
from tests.makers import make_deliveries, make_dispatch, make_reader

pytestmark = pytest.mark.django_db
LONG_AGO = timezone.now() - timedelta(days=400)
LATELY = timezone.now() - timedelta(days=300)
WORDS = "550 5.1.1 <ada@example.org> no such user"


def finished(at: Any, **fields: Any) -> Dispatch:
    dispatch = make_dispatch(state="done", finished_at=at, **fields)
    make_deliveries(dispatch, "failed", 3, code="5.1.1", text=WORDS)
    return dispatch


def words() -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    for pk, text in Delivery.objects.values_list("dispatch", "text"):
        found.setdefault(pk, set()).add(text)
    return found


def test_relays_words_go_with_time_and_outcomes_stay() -> None:
    old, new, running = finished(LONG_AGO), finished(LATELY), finished(None)
    Dispatch.objects.filter(pk=running.pk).update(state="sending", released_at=LONG_AGO)
    before = ledger.tally(old.pk)
    assert retention.tidy()["dispatches with relays' words about each letter"] == 1
    assert words() == {old.pk: {""}, new.pk: {WORDS}, running.pk: {WORDS}}
    assert set(old.deliveries.values_list("state", "code")) == {("failed", "5.1.1")}
    assert ledger.tally(old.pk) == before
    assert set(retention.tidy().values()) == {0}


def test_what_staff_sent_again_has_its_words_taken_once_more() -> None:
    dispatch = finished(timezone.now() - timedelta(days=800))
    dispatch.words_gone_at = LONG_AGO
    dispatch.finished_at = LONG_AGO + timedelta(days=1)
    dispatch.save()
    retention.tidy()
    assert words() == {dispatch.pk: {""}}


def test_periods_are_as_the_settings_say(settings: Any) -> None:
    settings.KEEP_RELAY_WORDS_DAYS = 200
    lately = finished(LATELY)
    retention.tidy()
    assert words() == {lately.pk: {""}}


def test_what_only_waited_for_a_click_is_gone_and_servers_words_too() -> None:
    reader = make_reader("ada@example.org")
    rule = {"match": "all", "cadence": "at once", "wording": "x"}
    for asked_at in (LONG_AGO, timezone.now()):
        SignUp.objects.create(address="a@example.org", asked_at=asked_at, **rule)
        AddressChange.objects.create(
            subscriber=reader, address="b@example.org", link_version=0, asked_at=asked_at
        )
        Session.objects.create(session_key=str(asked_at)[:40], expire_date=asked_at)
    Session.objects.filter(expire_date__gt=LATELY).update(
        expire_date=timezone.now() + timedelta(days=1)
    )
    Receipt.objects.create(kind="soft bounce", subscriber=reader, diagnostic=WORDS, at=LONG_AGO)
    retention.tidy()
    assert [SignUp.objects.count(), AddressChange.objects.count(), Session.objects.count()] == [
        1,
        1,
        1,
    ]
    assert Receipt.objects.get().diagnostic == ""


@pytest.mark.django_db(transaction=True)
def test_a_job_is_short_and_the_rest_comes_in_another(
    valkey: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "SLICE", 1)
    Notice.objects.bulk_create(
        Notice(kind="welcome", address="ada@example.org", settled_at=LONG_AGO) for _ in range(3)
    )
    assert sum(retention.tidy(at_most=timedelta()).values()) == 0
    assert valkey.llen(queue.UPKEEP) == 1
    assert retention.tidy()["notices"] == 3
    assert valkey.llen(queue.UPKEEP) == 1


@pytest.mark.django_db(transaction=True)
def test_it_is_posted_once_a_day_by_whoever_sweeps(valkey: Redis) -> None:
    for _ in range(3):
        retention.sweep()
    assert valkey.llen(queue.UPKEEP) == 1
