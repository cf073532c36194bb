"""Beat posts at once and steadily, whatever the date is said to be; two of them do no harm."""

from __future__ import annotations

import json
import shelve
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from celery.beat import ScheduleEntry
from redis import Redis

from tests.watching.processes import OwnValkey, running, within
from workers import app, schedule

IN_A_YEAR = datetime.now(UTC) + timedelta(days=365)


def entry(last_run_at: datetime) -> ScheduleEntry:
    return ScheduleEntry(name="sweep", app=app, last_run_at=last_run_at, **schedule.BEAT["sweep"])


def posted(valkey: Redis) -> list[dict[str, Any]]:
    jobs: list[bytes] = valkey.lrange("upkeep", 0, -1)  # type: ignore[assignment]
    return [json.loads(job)["headers"] for job in jobs]


@pytest.mark.django_db
def test_a_schedule_from_before_the_clock_was_set_back_does_not_silence_beat(
    tmp_path: Path,
) -> None:
    is_due, next_time = entry(IN_A_YEAR).is_due()
    assert not is_due
    assert next_time > 300 * 86_400, "this is what would silence it"
    left_over = tmp_path / "celerybeat-schedule"
    with shelve.open(str(left_over)) as store:  # noqa: S301  our own
        store["entries"] = {"sweep": entry(IN_A_YEAR)}
        store.update({"__version__": "5.7.0", "tz": "UTC", "utc_enabled": True})
    (tmp_path / "valkey").mkdir()
    valkey = OwnValkey(tmp_path / "valkey")
    try:
        with running(tmp_path, valkey, "beat", "--schedule", str(left_over)) as beat:
            assert within(60, valkey.knows("upkeep")), beat.said("it")
            assert within(60, valkey.knows("dispatcher:sign:beat"))  # left after what it posts
    finally:
        valkey.stop()


def test_it_posts_at_once_and_then_at_its_pace_though_the_clock_is_set_back(
    valkey: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    beat = schedule.Steady(app)
    assert 4 < beat.tick() <= schedule.SWEEP_SECONDS
    monkeypatch.setattr(app, "now", lambda: datetime.now(UTC) - timedelta(days=1))
    beat.tick()
    assert len(posted(valkey)) == len(schedule.BEAT), "it is not due yet"
    due = {name: when - schedule.DIGEST_SECONDS for name, when in beat._due.items()}
    monkeypatch.setattr(beat, "_due", due)
    beat.tick()
    assert len(posted(valkey)) == 2 * len(schedule.BEAT)


def test_what_beat_posts_expires_so_that_two_beats_or_an_outage_pile_nothing_up(
    valkey: Redis,
) -> None:
    schedule.Steady(app).tick()
    schedule.Steady(app).tick()
    jobs = posted(valkey)
    assert sorted(job["task"] for job in jobs) == sorted([*schedule.BEAT] * 2)
    for job in jobs:
        left = datetime.fromisoformat(job["expires"]) - datetime.now(UTC)
        assert left <= timedelta(seconds=schedule.DIGEST_SECONDS)


def test_a_queue_that_is_away_is_one_line_and_beat_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    away = Celery("away", broker="redis://127.0.0.1:1/0", set_as_current=False)
    away.conf.update(
        beat_schedule=schedule.BEAT,
        task_publish_retry=False,
        broker_transport_options={"max_retries": 0},
    )
    beat = schedule.Steady(away)
    monkeypatch.setattr(
        schedule.Steady, "producer", away.amqp.Producer(away.connection_for_write())
    )
    assert 4 < beat.tick() <= schedule.SWEEP_SECONDS
    records = [record for record in caplog.records if record.name == "workers.schedule"]
    said = sorted(record.getMessage().partition(":")[0].split()[-1] for record in records)
    assert said == sorted(schedule.BEAT)
    assert all(record.exc_info is None for record in records)
