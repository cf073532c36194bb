"""Routine letters stand aside for a moment while an urgent brief goes out.

An urgent lane has workers and connections of its own, yet shares processors, Valkey and the relay with
the other; for the first second or so it gets all of them. Only a nudge: without Valkey nobody waits.
"""

from __future__ import annotations

import time
from functools import lru_cache

from django.conf import settings
from redis import Redis
from redis.exceptions import RedisError

KEY = "dispatcher:urgent now"
LASTS = 0.4  # seconds that a word of it is believed
EVERY = 40  # letters between two looks: some 15 ms of a quick relay
MOST = (
    1.0  # seconds that one batch stands aside, so that an urgent brief to a million stops nothing
)
_STEP = 0.03


def announce() -> None:
    """Say that urgent letters are on their way now; whoever sends them repeats it."""
    try:
        _valkey(settings.REDIS_URL).set(KEY, 1, px=int(LASTS * 1000))
    except (RedisError, OSError):
        return


class Way:
    """What one batch has left of its patience. Urgent ones announce themselves instead."""

    def __init__(self, *, is_urgent: bool) -> None:
        self._is_urgent = is_urgent
        self._letters = 0
        self._patience = MOST

    def give(self) -> None:
        """Called before each letter."""
        self._letters += 1
        if self._letters % EVERY != 1:
            return
        if self._is_urgent:
            announce()
            return
        while self._patience > 0 and _is_announced():
            time.sleep(_STEP)
            self._patience -= _STEP


def _is_announced() -> bool:
    try:
        return bool(_valkey(settings.REDIS_URL).exists(KEY))
    except (RedisError, OSError):
        return False


@lru_cache(maxsize=1)
def _valkey(url: str) -> Redis:
    return Redis.from_url(url, socket_connect_timeout=0.5, socket_timeout=0.5)
