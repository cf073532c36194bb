"""The journal of a batch in Valkey: what became of each letter, noted before the next one goes.

Nothing waits for Valkey's answers; they are looked at now and then, and a refusal among them stops the
batch. Whoever takes over an expired lease reads it; rows are written from it by `ledger`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from django.conf import settings
from redis import Redis
from redis.exceptions import RedisError

from dispatcher.relays.outcomes import Outcome, Result

SECONDS = 7 * 24 * 3600
UNHEEDED = 100  # answers that may be outstanding before they are looked at


class Line(NamedTuple):
    """An outcome, and how many attempts there had been before: it is about that attempt alone."""

    outcome: Outcome
    attempts: int


@dataclass(frozen=True, slots=True)
class Journalled:
    """What a journal holds: outcomes, oldest first, and which attempts were said to be under way."""

    lines: tuple[Line, ...]
    begun: frozenset[tuple[int, int]]


class Journal:
    """The lines of one batch."""

    def __init__(self, batch_id: int) -> None:
        self._key = f"dispatcher:journal:{batch_id}".encode()
        self._is_new = True

    def begin(self) -> None:
        """Forget an earlier holder's lines, which are all recorded. Raises RedisError or OSError."""
        _wire(settings.REDIS_URL).send((b"DEL", self._key))
        self._is_new = True

    def note(self, outcome: Outcome, attempts: int) -> None:
        """Add a line. It lies with Valkey, or on its way there, even if this process dies now.

        Raises RedisError or OSError when Valkey is away or takes nothing.
        """
        self._add([*_plain(outcome), attempts])

    def note_begun(self, key: int, attempts: int) -> None:
        """Say that a letter is about to go, for when it must be known what was on its way."""
        self._add([key, attempts])

    def read(self) -> Journalled:
        """All that is there, of this process too. Raises RedisError or OSError."""
        _wire(settings.REDIS_URL).heed()
        stored: Iterable[bytes] = _valkey(settings.REDIS_URL).lrange(self._key, 0, -1)  # type: ignore[assignment]
        lines, begun = [], set()
        for line in stored:
            key, *said, attempts = json.loads(line)
            if said:
                lines.append(Line(Outcome(key, Result(said[0]), *said[1:]), attempts))
            else:
                begun.add((key, attempts))
        return Journalled(tuple(lines), frozenset(begun))

    def forget(self) -> None:
        """Remove the lines, which are recorded. Without waiting, and it is no harm if they stay."""
        with suppress(RedisError, OSError):
            _wire(settings.REDIS_URL).send((b"DEL", self._key))

    def _add(self, line: list[int | str | float]) -> None:
        wire = _wire(settings.REDIS_URL)
        wire.send((b"RPUSH", self._key, json.dumps(line).encode()))
        if self._is_new:
            wire.send((b"EXPIRE", self._key, b"%d" % SECONDS))
            self._is_new = False


class _Wire:
    """One connection on which commands are written at once and answered whenever."""

    def __init__(self, url: str) -> None:
        pool = _valkey(url).connection_pool
        self._connection: Any = pool.make_connection()  # untyped
        self._unheeded = 0

    def send(self, command: tuple[bytes, ...]) -> None:
        """Write a command. Raises RedisError or OSError, also for what an earlier one was answered."""
        parts = [b"*%d\r\n" % len(command)]
        parts += [b"$%d\r\n%b\r\n" % (len(part), part) for part in command]
        try:
            self._connection.send_packed_command([b"".join(parts)], check_health=False)
            self._unheeded += 1
            if self._unheeded >= 2 * UNHEEDED:  # the older half was answered long ago
                self._read_answers(UNHEEDED)
        except BaseException:  # what was asked and what is answered no longer agree
            self._connection.disconnect()
            self._unheeded = 0
            raise

    def heed(self) -> None:
        """Wait for every answer that is outstanding."""
        try:
            self._read_answers(self._unheeded)
        except BaseException:
            self._connection.disconnect()
            self._unheeded = 0
            raise

    def _read_answers(self, number: int) -> None:
        for _ in range(number):
            self._connection.read_response()
        self._unheeded -= number


def _plain(outcome: Outcome) -> tuple[int | str | float, ...]:
    return (
        outcome.key,
        outcome.result,
        outcome.relay,
        outcome.code,
        outcome.text,
        outcome.at,
        outcome.wait,
    )


@lru_cache(maxsize=1)
def _wire(url: str) -> _Wire:
    return _Wire(url)


@lru_cache(maxsize=1)
def _valkey(url: str) -> Redis:
    return Redis.from_url(url, socket_connect_timeout=3, socket_timeout=3)
