"""What every test stands on: an empty Valkey."""

from __future__ import annotations

from collections.abc import Iterator

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
