"""What beat posts, and how often. A sweep that waited too long is worthless, so it expires.

Beat goes by the monotonic clock and keeps nothing on disk. Celery's own goes by the time of day, so
that it would be silent for as long as a clock is set back, and be so again after a restart. Two beats
do no harm: each sweep is posted twice, and the second finds nothing to do.
"""

from __future__ import annotations

import logging
import time
from typing import Any

from celery.beat import ScheduleEntry, Scheduler, SchedulingError

from dispatcher import queue, signs

log = logging.getLogger(__name__)

SWEEP_SECONDS = 5.0
DIGEST_SECONDS = 30.0

BEAT: dict[str, dict[str, Any]] = {
    "sweep": {
        "task": "sweep",
        "schedule": SWEEP_SECONDS,
        "options": {"queue": queue.UPKEEP, "expires": SWEEP_SECONDS * 3},
    },
    "digest": {
        "task": "digest",
        "schedule": DIGEST_SECONDS,
        "options": {"queue": queue.UPKEEP, "expires": DIGEST_SECONDS},
    },
}


class Steady(Scheduler):  # type: ignore[misc]
    """Posts each entry at the start and every so many seconds from then on, whatever the date.

    Entries have seconds for a schedule: at which time of day something falls due is for rows to say.
    """

    def setup_schedule(self) -> None:
        super().setup_schedule()
        self._due = dict.fromkeys(self.schedule, time.monotonic())

    def tick(self, *_: Any, **__: Any) -> float:
        """Post what is due; the seconds until more is."""
        for name, entry in list(self.schedule.items()):
            if time.monotonic() >= self._due[name]:
                self._due[name] = time.monotonic() + entry.schedule.run_every.total_seconds()
                self._post(entry)
                signs.leave(signs.BEAT)
        return float(min(self.max_interval, min(self._due.values()) - time.monotonic()))

    def _post(self, entry: ScheduleEntry) -> None:
        try:
            self.apply_async(entry, producer=self.producer, advance=False)
        except SchedulingError as fault:  # one line, for it comes again until the queue is back
            log.warning("%s", fault)
