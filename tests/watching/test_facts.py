"""What rows and signs tell, read from a real PostgreSQL and a real Valkey; and what of it rings."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings
from redis import Redis

from dispatcher import queue, signs
from dispatcher.mailing.models import Batch, Dispatch
from dispatcher.relays.buckets import Buckets
from dispatcher.watching import alarms, facts
from dispatcher.watching.rows import Rows
from tests.away import database_away
from tests.makers import make_brief, make_deliveries, make_dispatch
from tests.watching.conftest import LeaveAged

pytestmark = pytest.mark.django_db(transaction=True)
LONG_AGO = timedelta(minutes=10)


def rows() -> Rows:
    found = facts.gather().rows
    assert found
    return found


def rung() -> set[tuple[str, str]]:
    return {(alarm.name, alarm.about) for alarm in alarms.ringing()}


def urgent(**fields: Any) -> Dispatch:
    return make_dispatch(make_brief(urgent=True), released_at=timezone.now() - LONG_AGO, **fields)


def test_an_urgent_dispatch_is_waited_for_until_its_first_letter_is_accepted() -> None:
    dispatch = urgent(deliveries={"waiting": 2, "deferred": 1})
    assert rows().urgent[dispatch.pk] == pytest.approx(600, abs=5)
    make_deliveries(dispatch, "accepted")
    assert rows().urgent == {}


@pytest.mark.parametrize("state", ["paused", "done", "cancelled"])
def test_an_urgent_dispatch_that_is_not_meant_to_move_is_not_waited_for(state: str) -> None:
    urgent(deliveries={"waiting": 2}, state=state)
    assert rows().urgent == {}


def test_a_routine_dispatch_and_one_to_the_feeds_alone_are_not_waited_for() -> None:
    make_dispatch(deliveries={"waiting": 2}, released_at=timezone.now() - LONG_AGO)
    urgent(by_mail=False)
    assert rows().urgent == {}


def test_a_scheduled_dispatch_is_waited_for_from_its_time_on() -> None:
    dispatch = urgent(state="scheduled", scheduled_for=timezone.now() + LONG_AGO)
    assert rows().beginning == {}
    Dispatch.objects.update(scheduled_for=timezone.now() - timedelta(minutes=3))
    assert rows().beginning[dispatch.pk] == pytest.approx(180, abs=5)
    assert rows().urgent[dispatch.pk] == pytest.approx(180, abs=5)


def test_batches_that_are_due_or_left_behind_are_told_by_dispatch() -> None:
    dispatch = make_dispatch(deliveries={"waiting": 2})
    now = timezone.now()
    Batch.objects.update(due_at=now - LONG_AGO)
    Batch.objects.create(
        dispatch=dispatch, number=2, state="carrying", lease_until=now - LONG_AGO / 2
    )
    Batch.objects.create(dispatch=dispatch, number=3, state="carrying", lease_until=now + LONG_AGO)
    Batch.objects.create(dispatch=dispatch, number=4, due_at=now + LONG_AGO)
    found = rows()
    (due,) = found.due
    assert (due.dispatch, due.lane, due.batches, due.left_behind) == (dispatch.pk, "routine", 2, 1)
    assert due.for_seconds == pytest.approx(600, abs=5)
    assert found.in_hand == {"routine": 1}


def test_a_batch_that_breaks_each_time_is_told_with_what_breaks_it() -> None:
    dispatch = make_dispatch(deliveries={"waiting": 1})
    Batch.objects.update(faults=2, fault="KeyError('slot')")
    assert rows().broken == ()
    Batch.objects.update(faults=3)
    (broken,) = rows().broken
    assert (broken.dispatch, broken.times, broken.words) == (dispatch.pk, 3, "KeyError('slot')")
    Batch.objects.update(state="done")
    assert rows().broken == ()


def test_a_dispatch_with_nothing_left_to_send_that_is_not_done_is_told() -> None:
    long_ago = timezone.now() - LONG_AGO
    dispatch = make_dispatch(audience=3, matched_at=long_ago)
    make_deliveries(dispatch, "accepted", 2, settled_at=long_ago)
    assert rows().unbalanced == {}
    Batch.objects.update(state="done")
    assert rows().unbalanced[dispatch.pk] == pytest.approx(600, abs=5)


def test_workers_are_there_as_long_as_they_say_so_and_gone_when_they_say_that(
    valkey: Redis,
) -> None:
    signs.say_present("urgent@a", ["urgent", "upkeep"])
    signs.say_present("urgent@b", ["urgent"])
    assert signs.read(queue.QUEUES, ()).workers == {
        "urgent": 2,
        "routine": 0,
        "upkeep": 1,
        "outbound": 0,
    }
    signs.say_gone("urgent@b", ["urgent"])
    valkey.zincrby("dispatcher:workers:upkeep", -signs.PRESENT_SECONDS - 1, "urgent@a")
    assert signs.read(queue.QUEUES, ()).workers == {
        "urgent": 1,
        "routine": 0,
        "upkeep": 0,
        "outbound": 0,
    }


def test_signs_are_as_old_as_valkey_says(leave_aged: LeaveAged) -> None:
    leave_aged("beat", 45)
    ages = signs.read(queue.QUEUES, ("beat", "sweep")).ages
    assert ages["beat"] == pytest.approx(45, abs=2)
    assert ages["sweep"] is None


def test_silence_rings_and_the_signs_of_life_end_it(
    monkeypatch: pytest.MonkeyPatch, leave_aged: LeaveAged
) -> None:
    signs.say_present("all@here", queue.QUEUES)
    leave_aged(signs.BEAT, 45)
    leave_aged(signs.SWEEP, 65)
    assert rung() == {("no beat", ""), ("no sweep", "")}
    signs.leave(signs.BEAT)
    signs.leave(signs.SWEEP)
    assert rung(), "for some seconds, so that pages may ask at every turn"
    monkeypatch.setattr(alarms, "_seen", None)
    assert rung() == set()


def test_a_relay_that_workers_leave_alone_is_told_until_they_try_it_again(
    settings: Settings,
) -> None:
    settings.RELAY_URLS = ("smtp://one.example.org:25", "smtp://two.example.org:25")
    buckets = Buckets(settings.REDIS_URL)
    buckets.note_away("one.example.org:25", "Connection refused", 25.0)
    one, two = facts.gather().relays
    assert (one.away_words, two.away_words) == ("Connection refused", "")
    assert ("relay away", "one.example.org:25") in rung()
    buckets.note_away("one.example.org:25", "", 0.0)
    assert not [relay for relay in facts.gather().relays if relay.away_words]


def test_where_no_relay_is_set_there_is_nothing_to_tell_of_them(settings: Settings) -> None:
    settings.RELAY_URLS = ()
    assert facts.gather().relays == ()


def test_what_does_not_answer_is_unknown_and_the_other_source_is_told(
    settings: Settings,
) -> None:
    with database_away():
        known = facts.gather()
        assert known.rows is None
        assert known.signs is not None
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    known = facts.gather()
    assert known.rows is not None
    assert known.signs is None
    signs.leave("beat")  # which is no fault of the one who leaves it
    signs.say_present("all@here", queue.QUEUES)
    signs.say_gone("all@here", queue.QUEUES)
