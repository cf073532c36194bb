"""One client of Valkey a process and deadline, for everything that is not Celery's. Threads share it."""

from __future__ import annotations

from functools import lru_cache

from redis import Redis


@lru_cache(maxsize=8)
def connected(url: str, *, seconds: float = 3.0) -> Redis:
    """The client for this address. It connects when it is asked something, and no answer takes longer."""
    return Redis.from_url(url, socket_connect_timeout=seconds, socket_timeout=seconds)
