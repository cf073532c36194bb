"""Two sweeps at the same moment, in two processes with connections of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection, transaction
from django.utils import timezone
from redis import Redis

from dispatcher.mailing.models import Batch, Dispatch
from tests.makers import make_brief, make_dispatch
from tests.services import database_url
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)
BATCHES = 300


def standing() -> Dispatch:
    """A dispatch whose batches have all lost their nudges."""
    dispatch = make_dispatch(deliveries={"waiting": 1}, matched_at=timezone.now())
    past = timezone.now() - timedelta(minutes=1)
    Batch.objects.bulk_create(
        Batch(dispatch=dispatch, number=number) for number in range(2, BATCHES + 1)
    )
    Batch.objects.update(posted_at=past, due_at=past)
    return dispatch


def two_processes(call: str) -> list[subprocess.Popen[str]]:
    """Each prints what that call of the sweep returns."""
    program = (
        f"import django; django.setup(); from dispatcher.mailing import sweeping; print({call})"
    )
    environment = os.environ | {
        "DATABASE_URL": database_url(),
        "DJANGO_SETTINGS_MODULE": "dispatcher.settings",
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    command = (sys.executable, "-c", program)
    return [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]


def held_up() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return int(cursor.fetchone()[0])


def answers(sweeps: list[subprocess.Popen[str]]) -> list[int]:
    return sorted(int(sweep.communicate(timeout=30)[0]) for sweep in sweeps)


def test_two_sweeps_that_begin_together_nudge_each_batch_once(valkey: Redis) -> None:
    standing()
    past = timezone.now() - timedelta(seconds=1)
    due = make_brief("Due by now", urgent=True)
    make_dispatch(due, state=Dispatch.State.SCHEDULED, scheduled_for=past)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE dispatcher_dispatch IN ACCESS EXCLUSIVE MODE")
        sweeps = two_processes("sweeping.sweep()")
        until(lambda: held_up() == 2)
    assert sum(answers(sweeps)) == BATCHES + 1  # the dispatch that was due is a step too
    waiting = [valkey.llen(lane) for lane in ("routine", "urgent", "upkeep")]
    assert waiting == [BATCHES, 1, 1]  # to match and to publish


def test_what_one_sweep_has_seen_and_not_yet_nudged_another_leaves_alone(valkey: Redis) -> None:
    standing()
    with transaction.atomic(), connection.cursor() as cursor:
        # Batches can be read and chosen, but not written: whoever has chosen stands right there.
        cursor.execute("LOCK TABLE dispatcher_batch IN SHARE MODE")
        sweeps = two_processes("sweeping._carry_again('routine')")
        until(lambda: held_up() + sum(sweep.poll() is not None for sweep in sweeps) == 2)
    assert answers(sweeps) == [0, BATCHES]
    assert valkey.llen("routine") == BATCHES
