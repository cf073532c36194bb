"""Routine letters stand aside for a moment while an urgent brief goes out.

An urgent lane has workers and connections of its own, yet shares processors, Valkey and the relay with
the other; for the first second or so it gets all of them. Without Valkey nobody waits.
"""

from __future__ import annotations

import time

from dispatcher import signs

LASTS = 0.4  # seconds that a word of it is believed
EVERY = 40  # letters between two looks: some 15 ms of a quick relay
MOST = (
    1.0  # seconds that one batch stands aside, so that an urgent brief to a million stops nothing
)
_STEP = 0.03


def announce() -> None:
    """Say that urgent letters are on their way now; whoever sends them repeats it."""
    signs.leave(signs.URGENT, kept=LASTS)


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
        elif self._patience > 0:
            self._stand_aside()

    def _stand_aside(self) -> None:
        until = time.monotonic() + self._patience
        while signs.is_there(signs.URGENT) and time.monotonic() < until:
            time.sleep(_STEP)
        self._patience = until - time.monotonic()
