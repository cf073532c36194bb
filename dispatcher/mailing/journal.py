"""The journal of a batch in Valkey: what became of each letter, noted before the next one goes.

A line's answer is looked at when the next line is written, so nothing waits for Valkey and a refusal
stops the batch within two letters. Whoever takes over an expired lease reads the lines of the one
who held it; rows are written from them by `ledger`.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from django.conf import settings
from redis.exceptions import RedisError

from dispatcher.relays.outcomes import Outcome, Result
from dispatcher.valkey import connected

SECONDS = 7 * 24 * 3600
UNHEEDED = 1  # lines whose answers may be outstanding

_text = json.encoder.encode_basestring_ascii  # the one part of a line that needs escaping


class JournalGone(RedisError):  # noqa: N818  a state, not a fault
    """Valkey no longer has what was noted here."""


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
    """The lines of one holder of one batch: nobody else writes here, and whoever comes after reads it."""

    def __init__(self, batch_id: int, holder: str) -> None:
        self._key = f"dispatcher:journal:{batch_id}:{holder}".encode()
        self._wire = _wire(settings.REDIS_URL)

    def begin(self) -> None:
        """Open it, and wait until it is. Raises RedisError or OSError."""
        try:
            self._open()
        except (RedisError, OSError):  # the connection was kept from the batch before
            self._open()

    def note(self, outcome: Outcome, attempts: int) -> None:
        """Add a line. It lies with Valkey, or on its way there, even if this process dies now.

        Raises RedisError or OSError when Valkey is away or took not the line before; JournalGone when it
        has forgotten what it took.
        """
        said = _text(f"{outcome.relay}\n{outcome.code}\n{outcome.text}")
        line = (
            f'[{outcome.key},{attempts},"{outcome.result}",{outcome.at!r},{outcome.wait!r},{said}]'
        )
        self._add(line.encode())

    def note_begun(self, key: int, attempts: int) -> None:
        """Say that a letter is about to go, for when it must be known what was on its way."""
        self._add(b"[%d,%d]" % (key, attempts))

    def read(self) -> Journalled:
        """All that is there, of this process too. Raises RedisError or OSError."""
        self._wire.heed()
        stored: Iterable[bytes] = connected(settings.REDIS_URL).lrange(self._key, 0, -1)  # type: ignore[assignment]
        lines, begun = [], set()
        for line in filter(None, stored):  # it was opened with an empty one
            key, attempts, *said = json.loads(line)
            if said:
                result, at, wait, words = said
                relay, code, text = words.split("\n", 2)
                outcome = Outcome(key, Result(result), relay, code, text, at, wait)
                lines.append(Line(outcome, attempts))
            else:
                begun.add((key, attempts))
        return Journalled(tuple(lines), frozenset(begun))

    def forget(self) -> None:
        """Remove the lines, which are recorded. Without waiting, and it is no harm if they stay."""
        with suppress(RedisError, OSError):
            self._wire.send((b"DEL", self._key))

    def _open(self) -> None:
        wire = self._wire
        wire.send((b"RPUSH", self._key, b""))
        wire.send((b"EXPIRE", self._key, b"%d" % SECONDS))
        wire.heed()

    def _add(self, line: bytes) -> None:
        """RPUSHX, so that what Valkey has lost, or a successor has read and removed, takes no line more."""
        self._wire.send((b"RPUSHX", self._key, line))


class _Wire:
    """One connection on which a command is written before the last one's answer is looked at."""

    def __init__(self, url: str) -> None:
        pool = connected(url).connection_pool
        self._connection: Any = pool.make_connection()  # untyped
        self._unheeded: deque[bytes] = deque()  # the names of commands without an answer

    def send(self, command: tuple[bytes, ...]) -> None:
        """Write a command. Raises RedisError or OSError, also for what an earlier one was answered."""
        parts = [b"*%d\r\n" % len(command)]
        parts += [b"$%d\r\n%b\r\n" % (len(part), part) for part in command]
        try:
            self._connection.send_packed_command([b"".join(parts)], check_health=False)
            self._unheeded.append(command[0])
            # Between two lines a letter went to the relay and back, so this answer is there by now.
            self._read_answers(but=UNHEEDED)
        except BaseException:  # what was asked and what is answered no longer agree
            self._drop()
            raise

    def heed(self) -> None:
        """Wait for every answer that is outstanding."""
        try:
            self._read_answers()
        except BaseException:
            self._drop()
            raise

    def _read_answers(self, *, but: int = 0) -> None:
        while len(self._unheeded) > but:
            answer = self._connection.read_response()
            if self._unheeded.popleft() == b"RPUSHX" and not answer:
                raise JournalGone(
                    "the journal is gone: Valkey lost it, or the batch was taken over"
                )

    def _drop(self) -> None:
        self._connection.disconnect()
        self._unheeded.clear()


@lru_cache(maxsize=1)
def _wire(url: str) -> _Wire:
    return _Wire(url)
