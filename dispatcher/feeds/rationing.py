"""How much one process renders for who asks: a document once at a time, and of what is kept nowhere little.

It knows nothing of what is rendered. Workers render what is kept without asking here.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from zlib import crc32

from dispatcher.errors import Refusal

AT_ONCE = 2  # more would only share the same core, and leave fewer threads for everybody else
PATIENCE = 0.5  # seconds; what is rendered takes a few hundredths
_LOCKS = tuple(threading.Lock() for _ in range(64))
_ROOM = threading.BoundedSemaphore(AT_ONCE)


class FeedsBusy(Refusal):
    """More is asked for of what is kept nowhere than is rendered at once."""


@contextmanager
def alone(*document: str) -> Iterator[bool]:
    """Alone at this document, or one of the few that share its lock; whether another was at it before."""
    lock = _LOCKS[crc32("\n".join(document).encode()) % len(_LOCKS)]
    had_to_wait = not lock.acquire(blocking=False)
    if had_to_wait:
        lock.acquire()
    try:
        yield had_to_wait
    finally:
        lock.release()


@contextmanager
def with_room() -> Iterator[None]:
    """One of few who render what is kept nowhere. Raises FeedsBusy when they are so many for a while."""
    if not _ROOM.acquire(timeout=PATIENCE):
        raise FeedsBusy(
            "Too many feeds that are not kept ready are asked for just now; ask again in a minute."
        )
    try:
        yield
    finally:
        _ROOM.release()
