"""How time passes in the digest trial, and when the blows fall: at moments when workers have work in hand.

The driver stands for beat. A blow waits for its moment; what the killed left behind in the rows is
counted, so that it is known how many blows struck amid something.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from datetime import datetime
from itertools import cycle, islice
from typing import Any

from django.db import connection

from bench.digests_crew import LEASE_SECONDS, Crew
from dispatcher import queue
from dispatcher.mailing import digests
from dispatcher.mailing.models import Batch, DigestRun, Dispatch
from workers.schedule import BEAT

LONGEST_WAIT = 2.0  # seconds for a moment to come
PATIENCE = 300.0  # seconds for a run that was killed, and for the last letters
SWEEP = BEAT["sweep"]

_SQL_BATCHES = """
SELECT 'batch', b.id, b.holder FROM dispatcher_batch b JOIN dispatcher_dispatch d ON d.id = b.dispatch_id
WHERE b.state = 'carrying' AND b.lease_until > now() AND
"""
# What a worker has in hand just now; its kind, number and holder.
MOMENTS = {
    "gathering": """
        SELECT 'run', id, holder FROM dispatcher_digestrun
        WHERE finished_at IS NULL AND lease_until > now()""",
    "carrying a digest": f"{_SQL_BATCHES} d.kind = 'digest'",
    "matching": "SELECT 'dispatch', id, '' FROM dispatcher_dispatch WHERE state = 'matching' AND audience > 0",
    "carrying an alert": f"{_SQL_BATCHES} d.kind = 'alert' AND d.lane = 'routine'",
    "carrying an urgent alert": f"{_SQL_BATCHES} d.lane = 'urgent'",
}
# What the killed had in hand, and nobody has ended since.
LEFT = """
SELECT 'run', id, holder FROM dispatcher_digestrun WHERE finished_at IS NULL AND holder <> ''
UNION ALL SELECT 'batch', id, holder FROM dispatcher_batch WHERE state = 'carrying'
UNION ALL SELECT 'dispatch', id, '' FROM dispatcher_dispatch WHERE state = 'matching'
"""
BLOWS = ("children", "whole", "main", "one")


class Driver:
    """Beat's place. Half of the blows fall on digests, at random steps, and half on releases."""

    def __init__(self, crew: Crew, chance: random.Random, *, kills: int, steps: int) -> None:
        self._crew = crew
        self._chance = chance
        self._swept_at = 0.0
        of_digests, of_releases = kills - kills // 2, kills // 2
        self._digests = list(islice(cycle(("gathering", "carrying a digest")), of_digests))
        self._releases = list(
            islice(
                cycle(("carrying an alert", "matching", "carrying an urgent alert")), of_releases
            )
        )
        self._steps = sorted(chance.sample(range(96, steps), of_digests))
        self._blows = cycle(BLOWS)
        self.kills: list[float] = []
        self.struck: Counter[str] = Counter()
        self.left: Counter[str] = Counter()

    def figures(self) -> dict[str, Any]:
        return {
            "kills": dict(self.struck),
            "left_in_hand": dict(self.left),
            "lease_seconds": LEASE_SECONDS,
        }

    def digest(self, step: int, now: datetime) -> None:
        """What beat does at that time, until every run is gathered; with a blow, if one is due."""
        digests.digest(now)
        if self._steps and step >= self._steps[0] and self._strikes(self._digests[0]):
            self._steps.pop(0)
            self._digests.pop(0)
        posted_at = time.monotonic()
        deadline = posted_at + PATIENCE
        while DigestRun.objects.filter(finished_at=None).exists():
            if time.monotonic() > deadline:
                raise TimeoutError(f"the run of {now} is not finished")
            if time.monotonic() - posted_at > 1:
                digests.digest(now)
                posted_at = time.monotonic()
            self._sweep()
            time.sleep(0.005)
        self._sweep()

    def after_release(self, *, is_urgent: bool) -> None:
        """A blow on what a release set going, if one is due; an urgent one waits for an urgent brief."""
        of_urgent = [each for each in self._releases if "urgent" in each]
        others = [each for each in self._releases if "urgent" not in each]
        fitting = of_urgent if is_urgent else others
        if fitting and self._chance.random() < 0.5 and self._strikes(fitting[0]):
            self._releases.remove(fitting[0])

    def settle(self) -> None:
        """Wait until every dispatch is done."""
        deadline = time.monotonic() + PATIENCE
        while Dispatch.objects.exclude(state="done").exists():
            if time.monotonic() > deadline:
                raise TimeoutError("some dispatches are not done")
            self._sweep()
            time.sleep(0.5)

    def _strikes(self, moment: str) -> bool:
        """Wait for that moment and strike; False when all is done before it was seen."""
        if not self._seen(moment):
            return False
        time.sleep(self._chance.uniform(0, 0.05))
        name = "worker-urgent" if "urgent" in moment else "worker"
        blow = next(self._blows)
        in_hand = _rows(LEFT)
        self.kills.append(time.time())
        self._crew.kill(blow, name, self._chance)
        self.struck[f"{blow} while {moment}"] += 1
        time.sleep(1)  # whoever outlived it ends what is short
        for kind, _, _ in in_hand & _rows(LEFT):
            self.left[kind] += 1
        self._crew.start()
        return True

    def _seen(self, moment: str) -> bool:
        """Whether it came, while it still might; what was left by the killed may stand still for long."""
        deadline = time.monotonic() + LONGEST_WAIT
        while not _rows(MOMENTS[moment]):
            if time.monotonic() > deadline or not self._is_busy():
                return False
            self._sweep()
            time.sleep(0.001)
        return True

    def _is_busy(self) -> bool:
        return (
            DigestRun.objects.filter(finished_at=None).exists()
            or Dispatch.objects.filter(state=Dispatch.State.MATCHING).exists()
            or Batch.objects.exclude(state=Batch.State.DONE).exists()
        )

    def _sweep(self) -> None:
        """As beat posts it."""
        if time.monotonic() - self._swept_at > SWEEP["schedule"]:
            self._swept_at = time.monotonic()
            queue.app.send_task(SWEEP["task"], **SWEEP["options"])


def _rows(sql: str) -> set[tuple[str, int, str]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return set(cursor.fetchall())
