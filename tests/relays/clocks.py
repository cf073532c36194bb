"""A time that goes on only when it is told to."""

from __future__ import annotations

from datetime import UTC, datetime

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC).timestamp()


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now
