"""What a process keeps in memory, by key, up to so many octets: what was longest not asked for goes.

It knows nothing of what it keeps but its size. Threads share it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, Protocol, TypeVar


class Sized(Protocol):
    @property
    def size(self) -> int: ...


Key = TypeVar("Key", bound=Hashable)
Thing = TypeVar("Thing", bound=Sized)
_OVERHEAD = 2_048  # of one thing: headers, key, and what Python takes


class Stock(Generic[Key, Thing]):
    """Things by key. `octets` bound them all together, overhead included."""

    def __init__(self, octets: int) -> None:
        self._most = octets
        self._octets = 0
        self._things: OrderedDict[Key, Thing] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Key) -> Thing | None:
        """The thing, which counts as asked for just now."""
        with self._lock:
            thing = self._things.get(key)
            if thing is not None:
                self._things.move_to_end(key)
            return thing

    def put(self, key: Key, thing: Thing) -> None:
        """Keep it in place of what was there; one larger than a quarter of all is not kept."""
        with self._lock:
            self._drop(key)
            if thing.size > self._most // 4:
                return
            self._things[key] = thing
            self._octets += thing.size + _OVERHEAD
            while self._octets > self._most:
                self._drop(next(iter(self._things)))

    def drop(self, key: Key) -> None:
        """Repeats do nothing."""
        with self._lock:
            self._drop(key)

    @property
    def octets(self) -> int:
        return self._octets

    def __len__(self) -> int:
        return len(self._things)

    def _drop(self, key: Key) -> None:
        thing = self._things.pop(key, None)
        if thing is not None:
            self._octets -= thing.size + _OVERHEAD
