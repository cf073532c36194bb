"""Signs of life in Valkey: that beat ticks, a sweep ended, a job was taken; which workers are there.

A sign that cannot be left is no fault of the one who leaves it. Ages are by the clock of Valkey alone,
so that machines need not agree on the time. What a missing sign means is decided in `watching`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.conf import settings
from redis import Redis
from redis.exceptions import RedisError

from dispatcher.valkey import connected

log = logging.getLogger(__name__)

BEAT = "beat"
SWEEP = "sweep"
URGENT = "urgent letters"  # that some are on their way at this moment
PRESENT_SECONDS = 15.0  # a worker says that it is there three times within this
_DEADLINE = 1.0
_KEPT = 7 * 24 * 3600  # seconds; older is as good as never

# A worker is there, on so many queues. The score is Valkey's own time, old ones are forgotten.
_PRESENT = """
local now = tonumber(redis.call('TIME')[1])
for _, key in ipairs(KEYS) do
    redis.call('ZADD', key, now, ARGV[1])
    redis.call('ZREMRANGEBYSCORE', key, '-inf', now - 3600)
    redis.call('EXPIRE', key, 3600)
end
"""
_COUNT = """
local now = tonumber(redis.call('TIME')[1])
local counts = {}
for number, key in ipairs(KEYS) do
    counts[number] = redis.call('ZCOUNT', key, now - tonumber(ARGV[1]), '+inf')
end
return counts
"""


@dataclass(frozen=True, slots=True)
class Signs:
    """What was found: jobs and workers by queue, seconds since each sign (None for never)."""

    jobs: Mapping[str, int]
    workers: Mapping[str, int]
    ages: Mapping[str, float | None]
    up_for: float  # seconds since Valkey was started; younger signs than that there cannot be


def taken_from(queue: str) -> str:
    """The name of the sign that a job of a queue came to its end."""
    return f"job of {queue}"


def leave(name: str, *, kept: float = _KEPT) -> None:
    """Leave a sign, now, for so many seconds. Costs one answer of Valkey; without one it is left out."""
    try:
        _valkey().set(_key(name), 1, px=int(kept * 1000))
    except (RedisError, OSError) as fault:
        log.debug("no sign %s: %s", name, fault)


def is_there(name: str) -> bool:
    """Whether a sign was left and is kept still; without Valkey none is."""
    try:
        return bool(_valkey().exists(_key(name)))
    except (RedisError, OSError) as fault:
        log.debug("no sign %s to be seen: %s", name, fault)
        return False


def say_present(worker: str, queues: Iterable[str]) -> None:
    """This worker consumes these queues; to be said again every few seconds."""
    try:
        keys = [_workers(queue) for queue in queues]
        _valkey().eval(_PRESENT, len(keys), *keys, worker)
    except (RedisError, OSError) as fault:
        log.debug("nobody hears that %s is there: %s", worker, fault)


def say_gone(worker: str, queues: Iterable[str]) -> None:
    """This worker has ended in good order."""
    try:
        for queue in queues:
            _valkey().zrem(_workers(queue), worker)
    except (RedisError, OSError) as fault:
        log.debug("nobody hears that %s is gone: %s", worker, fault)


def read(queues: Sequence[str], names: Sequence[str]) -> Signs:
    """All signs in one answer, within two seconds. Raises RedisError or OSError."""
    wanted = [*names, *map(taken_from, queues)]
    pipe = _valkey().pipeline(transaction=False)
    pipe.info("server")
    pipe.eval(_COUNT, len(queues), *map(_workers, queues), str(PRESENT_SECONDS))
    for queue in queues:
        pipe.llen(queue)
    for name in wanted:
        pipe.pttl(_key(name))
    server, workers, *rest = pipe.execute()
    lives = dict(zip(wanted, rest[len(queues) :], strict=True))
    return Signs(
        jobs=dict(zip(queues, rest, strict=False)),
        workers=dict(zip(queues, workers, strict=True)),
        ages={name: _age(milliseconds) for name, milliseconds in lives.items()},
        up_for=float(server["uptime_in_seconds"]),
    )


def _age(milliseconds_left: int) -> float | None:
    return max(0.0, _KEPT - milliseconds_left / 1000) if milliseconds_left >= 0 else None


def _key(name: str) -> str:
    return f"dispatcher:sign:{name}"


def _workers(queue: str) -> str:
    return f"dispatcher:workers:{queue}"


def _valkey() -> Redis:
    return connected(settings.REDIS_URL, seconds=_DEADLINE)
