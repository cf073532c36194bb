"""What every test stands on: an empty Valkey, and passwords that are quick to check."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from redis import Redis


@pytest.fixture(scope="session")
def valkey() -> Iterator[Redis]:
    with Redis.from_url(settings.REDIS_URL) as client:
        yield client


@pytest.fixture(autouse=True)
def empty_valkey(valkey: Redis) -> None:
    """Queues, journals and the cache as on the first day, for every test."""
    valkey.flushall()


@pytest.fixture(autouse=True)
def quick_passwords(settings: Any) -> None:
    """A good hash takes half a second by design, and every test of the desk signs somebody in."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
