"""Workers and posts while Valkey is killed, wiped, or hangs; and a worker that is told to end."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from celery import Celery
from django.conf import settings

from dispatcher import queue
from tests.watching.processes import OwnValkey, running, within

pytestmark = pytest.mark.django_db(transaction=True)
URGENT = ("worker", "-Q", "urgent,upkeep", "-c", "1", "-n", "urgent@%h", "--without-mingle")
JOB_DONE = "dispatcher:sign:job of upkeep"


@pytest.fixture
def own(tmp_path: Path) -> Iterator[OwnValkey]:
    (tmp_path / "valkey").mkdir()
    valkey = OwnValkey(tmp_path / "valkey")
    yield valkey
    valkey.stop()


def poster(valkey: OwnValkey) -> Celery:
    """Posts as our own app does, to that Valkey."""
    app = Celery("poster", broker=valkey.url, set_as_current=False)
    app.conf.update(
        broker_transport_options=settings.CELERY_BROKER_TRANSPORT_OPTIONS, task_publish_retry=False
    )
    return app


def test_a_worker_takes_jobs_again_within_seconds_of_its_queue_and_says_so_in_json(
    tmp_path: Path, own: OwnValkey
) -> None:
    with running(tmp_path, own, *URGENT) as worker:
        poster(own).send_task("sweep", queue="upkeep")
        assert within(30, own.knows(JOB_DONE)), worker.said("it")
        own.kill()
        assert within(10, lambda: "Trying again" in worker.said("it")), worker.said("it")
        own.start()
        poster(own).send_task("sweep", queue="upkeep")
        assert within(10, own.knows(JOB_DONE)), worker.said("it")
        assert own.knows("dispatcher:workers:urgent")()
    lines = [line for line in worker_lines(tmp_path) if line.get("job") == "sweep"]
    assert {line["logger"] for line in lines} >= {"celery.worker.strategy", "celery.app.trace"}
    assert all(len(line["job_id"]) == 36 for line in lines)


def worker_lines(folder: Path) -> list[dict[str, str]]:
    said = (folder / "it.log").read_text().splitlines()
    return [json.loads(line) for line in said if line.startswith("{")]


def test_a_worker_that_is_told_to_end_tells_its_processes_and_is_known_to_be_gone(
    tmp_path: Path, own: OwnValkey
) -> None:
    app = "tests.watching.staying"
    with running(tmp_path, own, *URGENT, app=app) as worker:
        poster(own).send_task("stay", queue="urgent")
        assert within(30, own.knows("dispatcher:sign:stays")), worker.said("it")
        assert own.knows("dispatcher:workers:urgent")()
        worker.stop(grace=20)
    assert own.knows("dispatcher:sign:gives back")()
    assert not own.client.zcard("dispatcher:workers:urgent")


def test_many_posts_to_a_queue_that_hangs_take_as_long_as_one(
    own: OwnValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = poster(own)
    app.send_task("warm", queue="urgent")
    monkeypatch.setattr(queue, "app", app)
    monkeypatch.setattr(queue, "_away_until", 0.0)
    with own.hanging():
        began = time.monotonic()
        for number in range(40):
            queue.carry(number, lane="urgent")
        assert time.monotonic() - began < 5
    monkeypatch.setattr(queue, "_away_until", 0.0)
    queue.carry(1, lane="urgent", after=timedelta(seconds=30))
    (last,) = (json.loads(job)["headers"] for job in own.client.lrange("urgent", 0, 0))
    assert (last["task"], last["argsrepr"]) == ("carry", "(1,)"), "and then it is posted to again"
    assert last["eta"]
