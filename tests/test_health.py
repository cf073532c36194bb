"""/health/live and /health/ready, as a load balancer asks."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from pytest_django import Settings

from tests.away import database_away


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


@pytest.mark.django_db
def test_it_lives_and_is_not_ready_while_valkey_is_away(settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert ask("/health/live") == (200, b'{"live": true}')
    answer = ask("/health/ready")
    assert answer == (503, b'{"ready": false, "reasons": ["Valkey does not answer."]}')


@pytest.mark.django_db
def test_it_is_not_ready_while_a_migration_is_missing() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'dispatcher'")
        missing = cursor.rowcount
    status, body = ask("/health/ready")
    assert status == 503
    assert f"{missing} migrations are not applied;".encode() in body


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
def test_health_can_only_be_asked(path: str) -> None:
    assert Client().post(path).status_code == 405


@pytest.mark.django_db
def test_a_head_request_is_answered_too() -> None:
    response = Client().head("/health/ready")
    assert (response.status_code, response.content) == (200, b"")
