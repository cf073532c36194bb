"""/health/live and /health/ready, as a load balancer asks."""

from __future__ import annotations

import socket
import time

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from pytest_django import Settings
from redis import Redis

from dispatcher.watching import alarms, facts
from dispatcher.watching.alarms import Name
from tests.away import database_away, hanging_database


def ask(path: str) -> tuple[int, bytes]:
    """Status and body of an answer that no cache may keep and that sets no cookie."""
    response = Client().get(path)
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Content-Type"] == "application/json"
    assert not response.cookies
    return response.status_code, response.content


@pytest.mark.django_db
def test_it_is_ready_when_both_servers_answer_and_all_migrations_are_applied() -> None:
    assert ask("/health/ready") == (200, b'{"ready": true, "reasons": []}')


@pytest.mark.django_db(transaction=True)
def test_it_lives_and_is_not_ready_while_postgresql_is_away() -> None:
    with database_away():
        assert ask("/health/live") == (200, b'{"live": true}')
        answer = ask("/health/ready")
    assert answer == (503, b'{"ready": false, "reasons": ["PostgreSQL does not answer."]}')
    assert ask("/health/ready")[0] == 200


@pytest.mark.django_db(transaction=True)
def test_no_alarm_takes_it_out_of_service() -> None:
    with Redis.from_url(settings.REDIS_URL) as valkey:
        valkey.set("dispatcher:sign:beat", 1, ex=60)  # as good as six days old
    assert Name.NO_BEAT in {alarm.name for alarm in alarms.judge(facts.gather())}
    assert ask("/health/ready")[0] == 200


@pytest.mark.django_db
def test_it_lives_and_is_not_ready_while_valkey_is_away(settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert ask("/health/live") == (200, b'{"live": true}')
    answer = ask("/health/ready")
    assert answer == (503, b'{"ready": false, "reasons": ["Valkey does not answer."]}')


@pytest.mark.django_db(transaction=True)
def test_it_is_not_ready_while_a_migration_is_missing() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE django_migrations RENAME TO aside")
        try:
            cursor.execute(
                "CREATE TABLE django_migrations AS SELECT * FROM aside WHERE app <> 'auth'"
            )
            some = ask("/health/ready")
            cursor.execute("DROP TABLE django_migrations")
            all_of_them = ask("/health/ready")
        finally:
            cursor.execute("DROP TABLE IF EXISTS django_migrations")
            cursor.execute("ALTER TABLE aside RENAME TO django_migrations")
        cursor.execute(
            "SELECT count(*) FILTER (WHERE app = 'auth'), count(*) FROM django_migrations"
        )
        counts = cursor.fetchone()
    for (status, body), missing in zip((some, all_of_them), counts, strict=True):
        assert status == 503
        assert f"{missing} migrations are not applied;".encode() in body
    assert ask("/health/ready")[0] == 200


@pytest.mark.django_db
def test_a_valkey_that_hangs_is_given_up_after_its_deadline(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.REDIS_URL = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        began = time.monotonic()
        answer = ask("/health/ready")
    assert answer == (503, b'{"ready": false, "reasons": ["Valkey does not answer."]}')
    assert time.monotonic() - began < 8


@pytest.mark.django_db(transaction=True)
def test_a_postgresql_that_hangs_is_given_up_after_its_deadline() -> None:
    with hanging_database():
        began = time.monotonic()
        answer = ask("/health/ready")
    assert answer == (503, b'{"ready": false, "reasons": ["PostgreSQL does not answer."]}')
    assert time.monotonic() - began < 8


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
def test_health_can_only_be_asked(path: str) -> None:
    assert Client().post(path).status_code == 405


@pytest.mark.django_db
def test_a_head_request_is_answered_too() -> None:
    response = Client().head("/health/ready")
    assert (response.status_code, response.content) == (200, b"")
