"""The sweep finds what stands still, nudges it once, and leaves the rest alone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from redis import Redis

from dispatcher.mailing import dispatching, matching, sweeping
from dispatcher.mailing.models import Batch, Dispatch
from tests.makers import make_brief, make_dispatch, make_reader, make_topic

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
    dispatching.cancel(dispatch.pk, by="ada")
    assert sweeping.sweep() == 0
    Batch.objects.update(state="carrying", lease_until=timezone.now() - LONG_AGO)
    assert sweeping.sweep() == 1


def test_what_resume_has_posted_is_not_posted_again_by_the_sweep(valkey: Redis) -> None:
    dispatch = standing()
    dispatching.pause(dispatch.pk, by="ada")
    valkey.flushall()
    long_ago = timezone.now() - max(sweeping.NUDGE_ANYWAY.values()) - LONG_AGO
    Batch.objects.update(due_at=long_ago, posted_at=long_ago)
    dispatching.resume(dispatch.pk, by="ada")
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


def test_letters_to_go_in_a_batch_that_is_done_open_it_again_once(valkey: Redis) -> None:
    dispatch = make_dispatch(deliveries={"accepted": 2, "waiting": 1}, matched_at=timezone.now())
    Batch.objects.update(state="done")
    assert sweeping.sweep() == 1
    assert dispatch.batches.get().state == Batch.State.WAITING
    assert valkey.llen("routine") == 1
    assert sweeping.sweep() == 0


def test_the_urgent_lane_is_swept_before_the_other(valkey: Redis) -> None:
    order: list[str] = []
    for urgent in (False, True):
        dispatch = make_dispatch(make_brief(urgent=urgent), deliveries={"waiting": 1})
        order.append(dispatch.lane)
    past = timezone.now() - LONG_AGO
    Batch.objects.update(due_at=past, posted_at=past)
    with CaptureQueriesContext(connection) as asked:
        assert sweeping.sweep() == 2
    nudged = [
        lane
        for query in asked.captured_queries
        for lane in order
        if f"\"lane\" = '{lane}'" in query["sql"]
    ]
    assert nudged == ["urgent", "routine"]
    assert (valkey.llen("urgent"), valkey.llen("routine")) == (1, 1)


def test_a_lost_nudge_in_a_busy_lane_is_given_again_sooner_where_it_is_urgent(
    valkey: Redis,
) -> None:
    for urgent in (False, True):
        make_dispatch(make_brief(urgent=urgent), deliveries={"waiting": 1})
    past = timezone.now() - timedelta(minutes=2)
    Batch.objects.update(due_at=past - LONG_AGO, posted_at=past)
    for lane in ("urgent", "routine"):
        valkey.rpush(lane, "a job of another dispatch")
    assert sweeping.sweep() == 1
    assert (valkey.llen("urgent"), valkey.llen("routine")) == (2, 1)


def test_a_sweep_gives_a_bounded_number_of_nudges_and_the_next_goes_on(
    valkey: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeping, "AT_ONCE", 4)
    dispatch = make_dispatch(deliveries={"waiting": 1})
    past = timezone.now() - LONG_AGO
    Batch.objects.bulk_create(
        Batch(dispatch=dispatch, number=number, due_at=past, posted_at=past)
        for number in range(2, 8)
    )
    Batch.objects.update(posted_at=past, due_at=past)
    assert sweeping.sweep() == 4
    valkey.flushall()  # the workers have taken them
    assert sweeping.sweep() == 3
    valkey.flushall()
    assert sweeping.sweep() == 0
