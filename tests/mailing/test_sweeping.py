"""The sweep finds what stands still, nudges it once, and leaves the rest alone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.utils import timezone
from redis import Redis

from dispatcher.mailing import dispatching, matching, sweeping
from dispatcher.mailing.models import Batch, Dispatch
from tests.makers import make_dispatch, make_reader, make_topic

pytestmark = pytest.mark.django_db(transaction=True)
LONG_AGO = timedelta(minutes=1)


def standing() -> Dispatch:
    """A matched dispatch whose nudges were lost with the queue."""
    iran = make_topic("Iran")
    make_reader(any_of=[iran])
    dispatch = make_dispatch(state=Dispatch.State.MATCHING, topics=[iran.pk])
    matching.match(dispatch.pk)
    past = timezone.now() - LONG_AGO
    Batch.objects.update(due_at=past, posted_at=past)
    return dispatch


def test_a_batch_whose_nudge_was_lost_is_nudged_again_once(valkey: Redis) -> None:
    standing()
    valkey.flushall()
    assert sweeping.sweep() == 1
    assert valkey.llen("routine") == 1
    assert sweeping.sweep() == 0


def test_a_batch_that_waits_in_its_queue_is_left_alone(valkey: Redis) -> None:
    standing()
    assert valkey.llen("routine") == 1
    assert sweeping.sweep() == 0


def test_a_batch_whose_lease_is_over_is_nudged(valkey: Redis) -> None:
    standing()
    Batch.objects.update(state="carrying", lease_until=timezone.now() - LONG_AGO)
    valkey.flushall()
    assert sweeping.sweep() == 1


def test_in_a_busy_lane_a_batch_that_fell_due_after_its_nudge_is_nudged_once(valkey: Redis) -> None:
    standing()
    Batch.objects.update(due_at=timezone.now())
    assert sweeping.sweep() == 1
    assert valkey.llen("routine") == 2
    assert sweeping.sweep() == 0


def test_in_a_busy_lane_a_batch_whose_lease_is_over_is_nudged_once() -> None:
    standing()
    over = timezone.now() - LONG_AGO / 2
    Batch.objects.update(state="carrying", lease_until=over)
    assert sweeping.sweep() == 1
    assert sweeping.sweep() == 0


def test_a_batch_left_behind_by_a_cancelled_dispatch_is_nudged_for_its_journal(
    valkey: Redis,
) -> None:
    dispatch = standing()
    valkey.flushall()
    dispatching.cancel(dispatch.pk)
    assert sweeping.sweep() == 0
    Batch.objects.update(state="carrying", lease_until=timezone.now() - LONG_AGO)
    assert sweeping.sweep() == 1


def test_what_resume_has_posted_is_not_posted_again_by_the_sweep(valkey: Redis) -> None:
    dispatch = standing()
    dispatching.pause(dispatch.pk)
    valkey.flushall()
    long_ago = timezone.now() - sweeping.NUDGE_ANYWAY - LONG_AGO
    Batch.objects.update(due_at=long_ago, posted_at=long_ago)
    dispatching.resume(dispatch.pk)
    assert sweeping.sweep() == 0


def test_a_batch_that_is_not_due_or_is_paused_is_left_alone(valkey: Redis) -> None:
    dispatch = standing()
    valkey.flushall()
    Batch.objects.update(due_at=timezone.now() + LONG_AGO)
    assert sweeping.sweep() == 0
    Batch.objects.update(due_at=timezone.now())
    Dispatch.objects.filter(pk=dispatch.pk).update(state=Dispatch.State.PAUSED)
    assert sweeping.sweep() == 0


def test_a_dispatch_that_was_never_matched_is_nudged(valkey: Redis) -> None:
    make_dispatch(state=Dispatch.State.MATCHING, released_at=timezone.now() - LONG_AGO)
    assert sweeping.sweep() == 1
    assert valkey.llen("routine") == 1


def test_in_a_busy_lane_a_dispatch_that_was_never_matched_is_nudged_once(valkey: Redis) -> None:
    make_dispatch(state=Dispatch.State.MATCHING, released_at=timezone.now() - LONG_AGO)
    valkey.rpush("routine", "a job of another dispatch")
    assert sweeping.sweep() == 1
    assert sweeping.sweep() == 0


def test_a_dispatch_that_cannot_start_does_not_keep_the_others_from_being_swept(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    make_dispatch(state=Dispatch.State.SCHEDULED, scheduled_for=timezone.now() - LONG_AGO)
    make_dispatch(state=Dispatch.State.MATCHING, released_at=timezone.now() - LONG_AGO)

    def fail(dispatch: Dispatch) -> bool:
        raise OperationalError("deadlock detected")

    monkeypatch.setattr(dispatching, "start", fail)
    assert sweeping.sweep() == 1
    assert "could not be started" in caplog.text


def test_a_dispatch_that_nobody_closed_is_closed() -> None:
    dispatch = make_dispatch(deliveries={"accepted": 2})
    Batch.objects.update(state="done")
    assert sweeping.sweep() == 1
    dispatch.refresh_from_db()
    assert dispatch.state == Dispatch.State.DONE


def test_a_ledger_that_does_not_balance_is_never_closed() -> None:
    dispatch = make_dispatch(deliveries={"accepted": 2}, audience=3)
    Batch.objects.update(state="done")
    sweeping.sweep()
    dispatch.refresh_from_db()
    assert dispatch.state == Dispatch.State.SENDING


def test_a_second_sweep_at_the_same_time_does_nothing(valkey: Redis) -> None:
    standing()
    valkey.flushall()
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [sweeping.ADVISORY_LOCK])
            assert sweeping.sweep() == 0
            cursor.execute("SELECT pg_advisory_unlock(%s)", [sweeping.ADVISORY_LOCK])
    finally:
        other.close()
    assert sweeping.sweep() == 1
