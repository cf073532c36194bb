"""How often a token may ask. Counted in Valkey, so that all web processes count together."""

from __future__ import annotations

import logging
import math
from time import time

from django.core.cache import cache
from django.http import HttpRequest
from ninja.throttling import BaseThrottle
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

REQUESTS = 300  # a publisher hands in a few an hour; this is one watching several dispatches live
SECONDS = 60


class PerToken(BaseThrottle):
    """So many requests a token in each window of the clock. Without Valkey nothing is counted."""

    def __init__(self, requests: int = REQUESTS, seconds: int = SECONDS) -> None:
        self._requests = requests
        self._seconds = seconds

    def allow_request(self, request: HttpRequest) -> bool:
        token = request.auth  # type: ignore[attr-defined]  # set by the check that ran before
        key = f"api:{token.pk}:{int(time()) // self._seconds}"
        try:
            cache.add(key, 0, timeout=2 * self._seconds)
            return cache.incr(key) <= self._requests
        except (RedisError, OSError) as fault:
            log.warning("requests are not counted: %s", fault)
            return True

    def wait(self) -> float:
        """Seconds until the next window, for Retry-After (RFC 9110 §10.2.3)."""
        return math.ceil(self._seconds - time() % self._seconds)
