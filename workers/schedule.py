"""What beat posts, and how often. A sweep that waited too long is worthless, so it expires."""

from __future__ import annotations

from typing import Any

from dispatcher import queue

SWEEP_SECONDS = 5.0

BEAT: dict[str, dict[str, Any]] = {
    "sweep": {
        "task": "sweep",
        "schedule": SWEEP_SECONDS,
        "options": {"queue": queue.UPKEEP, "expires": SWEEP_SECONDS * 3},
    },
}
