"""Remembers bytes that cost something to make, the ones asked for last, within a limit of memory.

What is kept is only ever what would be made again from the same key, so losing it loses time alone.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock

_PLACE = 1_000  # bytes that a key and its place take, beside a text as long as what is made of it


class Kept:
    """Bytes by key; with their keys they take at most about `limit` bytes. Safe between threads."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held: OrderedDict[Hashable, bytes] = OrderedDict()
        self._size = 0
        self._lock = Lock()

    def get(self, key: Hashable, make: Callable[[], bytes]) -> bytes:
        """What is kept under the key, or what `make` makes now; two threads may both make it."""
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
                return self._held[key]
        made = make()
        with self._lock:
            if key not in self._held and len(made) <= self._limit // 8:
                self._held[key] = made
                self._size += _cost(made)
            while self._size > self._limit:
                _, oldest = self._held.popitem(last=False)
                self._size -= _cost(oldest)
        return made

    def forget(self) -> None:
        """Everything, as in a new process."""
        with self._lock:
            self._held.clear()
            self._size = 0


def _cost(made: bytes) -> int:
    return _PLACE + 2 * len(made)
