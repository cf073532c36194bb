"""/metrics as Prometheus asks for it: who may, what it says, and what is absent when."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as plain

from dispatcher import metrics, signs
from dispatcher.mailing.models import Batch
from dispatcher.relays.buckets import Buckets
from dispatcher.relays.outcomes import Outcome, Result
from tests.away import database_away
from tests.makers import make_brief, make_dispatch
from tests.watching.conftest import LeaveAged

pytestmark = pytest.mark.django_db(transaction=True)
TOKEN = "a token for tests that is long enough"


@pytest.fixture(autouse=True)
def token(settings: Any) -> None:
    settings.METRICS_TOKEN = TOKEN


def ask(**headers: str) -> Any:
    return Client().get("/metrics", headers={"Authorization": f"Bearer {TOKEN}", **headers})


def told() -> dict[tuple[str, ...], float]:
    """Values by name and labels."""
    response = ask()
    assert response.status_code == 200
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in plain(response.content.decode())
        for sample in family.samples
    }


def test_it_is_the_text_of_prometheus_or_openmetrics_and_no_cache_keeps_it() -> None:
    response = ask()
    assert response.headers["Content-Type"].startswith("text/plain; version=")
    assert "charset=utf-8" in response.headers["Content-Type"]
    assert response.headers["Cache-Control"] == "no-store"
    response = ask(Accept="application/openmetrics-text; version=1.0.0")
    assert response.headers["Content-Type"].startswith(
        "application/openmetrics-text; version=1.0.0"
    )
    assert {family.name for family in openmetrics(response.content.decode())} >= {
        "dispatcher_source_up",
        "dispatcher_alarm",
    }


def test_every_metric_is_ours_and_says_what_it_is() -> None:
    metrics.count_batch("urgent", 0.2, [Outcome(1, Result.ACCEPTED, "relay.example.org:25")])
    for family in plain(ask().content.decode()):
        assert family.name.startswith("dispatcher_")
        assert family.documentation


@pytest.mark.parametrize(
    "given",
    ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer £"],
)
def test_without_the_token_it_is_not_there(given: str) -> None:
    headers = {"Authorization": given.encode("utf-8").decode("latin-1")} if given else {}
    assert Client().get("/metrics", headers=headers).status_code == 404


def test_without_any_token_only_this_machine_may_read_an_installation_for_this_machine(
    settings: Any,
) -> None:
    settings.METRICS_TOKEN = ""
    settings.PUBLIC_HOST = "127.0.0.1"
    assert Client().get("/metrics").status_code == 200
    assert Client(REMOTE_ADDR="::1").get("/metrics").status_code == 200
    assert Client(REMOTE_ADDR="192.0.2.7").get("/metrics").status_code == 404
    assert Client(REMOTE_ADDR="").get("/metrics").status_code == 404
    for header in ("Forwarded", "X-Forwarded-For", "X-Forwarded-Proto"):
        assert Client().get("/metrics", headers={header: "x"}).status_code == 404
    settings.PUBLIC_HOST = "news.example.org"
    assert Client().get("/metrics").status_code == 404


def test_it_can_only_be_read() -> None:
    assert Client().post("/metrics").status_code == 405


def test_it_tells_of_queues_workers_dispatches_and_letters(valkey: Any) -> None:
    make_dispatch(deliveries={"waiting": 2, "accepted": 3})
    make_dispatch(make_brief(urgent=True), deliveries={"waiting": 1})
    valkey.rpush("routine", "a job", "another")
    signs.leave(signs.BEAT)
    signs.say_present("urgent@a", ["urgent", "upkeep"])
    metrics.count_batch(
        "routine", 0.2, [Outcome(n, Result.FAILED, "relay2.example.org:25") for n in range(5)]
    )
    found = told()
    assert (
        found["dispatcher_source_up", "postgresql"] == found["dispatcher_source_up", "valkey"] == 1
    )
    assert found["dispatcher_queue_jobs", "routine"] == 2
    assert found["dispatcher_queue_workers", "urgent"] == 1
    assert found["dispatcher_queue_workers", "routine"] == 0
    assert found["dispatcher_open_dispatches", "sending"] == 2
    assert found["dispatcher_deliveries", "waiting"] == 3
    assert found["dispatcher_deliveries", "accepted"] == 3
    assert found["dispatcher_deliveries", "failed"] == 0
    assert found["dispatcher_batches_due", "routine"] == 1
    assert found["dispatcher_urgent_wait_seconds",] < 60
    assert found["dispatcher_beat_age_seconds",] < 5
    assert ("dispatcher_sweep_age_seconds",) not in found, "there was none"
    assert found["dispatcher_letters_total", "relay2.example.org:25", "failed"] == 5
    assert found["dispatcher_alarm", "no_beat"] == 0


def test_an_alarm_that_rings_is_1(leave_aged: LeaveAged) -> None:
    leave_aged(signs.BEAT, 45)
    leave_aged(signs.SWEEP, 45)
    found = told()
    assert found["dispatcher_alarm", "no_beat"] == 1
    assert found["dispatcher_alarm", "no_sweep"] == 0


def test_what_postgresql_would_say_is_absent_while_it_is_away() -> None:
    make_dispatch(deliveries={"waiting": 2})
    with database_away():
        found = told()
    assert found["dispatcher_source_up", "postgresql"] == 0
    assert found["dispatcher_alarm", "postgresql_away"] == 1
    assert found["dispatcher_queue_jobs", "routine"] == 0
    names = {name for name, *_ in found}
    assert not [name for name in names if re.search("deliver|batches|urgent|dispatches", name)]
    assert ("dispatcher_alarm", "urgent_waits") not in found


def test_what_valkey_would_say_is_absent_while_it_is_away(settings: Any) -> None:
    make_dispatch(deliveries={"waiting": 2})
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    found = told()
    assert found["dispatcher_source_up", "valkey"] == 0
    assert found["dispatcher_deliveries", "waiting"] == 2
    names = {name for name, *_ in found}
    assert not [name for name in names if re.search("queue|age_seconds", name)]
    assert ("dispatcher_alarm", "no_beat") not in found


def test_how_relays_stand_is_told_by_relay(settings: Any) -> None:
    settings.RELAY_URLS = ("smtp://one.example.org:25", "smtp://two.example.org:25")
    buckets = Buckets(settings.REDIS_URL)
    buckets.note_away("one.example.org:25", "Connection refused", 25.0)
    found = told()
    assert 20 < found["dispatcher_relay_away_seconds", "one.example.org:25"] <= 25
    assert found["dispatcher_relay_away_seconds", "two.example.org:25"] == 0
    assert found["dispatcher_alarm", "relay_away"] == 1


def test_left_behind_batches_are_told_apart() -> None:
    make_dispatch(deliveries={"carrying": 2})
    Batch.objects.update(state="carrying", lease_until="2026-01-01T00:00:00Z")
    assert told()["dispatcher_batches_left_behind", "routine"] == 1
