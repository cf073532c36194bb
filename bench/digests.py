"""A week of digests in simulated time, with workers killed amid it: who got which brief, and how often.

`python -m bench.digests --change spring` has 10,000 readers over 24 zones, releases at random times, and
readers who change their cadence, hour or zone. PostgreSQL, Valkey, the sink and the workers of the
compose file are real, and so is their clock, by which leases end. Only when digests fall due is told by
the driver: in beat's place it calls `digests.digest` with moments of its own, a quarter of an hour apart,
and posts the sweep. It prints JSON, and ends with status 1 unless every brief came exactly once.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

from bench.ground import laid
from bench.services import noting_sink
from bench.sizes import QUICK

BEGINS = {
    "spring": datetime(2026, 3, 26, tzinfo=UTC),
    "autumn": datetime(2026, 10, 22, tzinfo=UTC),
}
STEP = timedelta(minutes=15)
A_DAY = 96  # steps
SLOW = (
    0.002  # seconds that the sink takes over an answer, or nothing lasts long enough to be struck
)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.digests", description=__doc__)
    parser.add_argument("--readers", type=int, default=10_000)
    parser.add_argument("--topics", type=int, default=60)
    parser.add_argument("--releases", type=int, default=40)
    parser.add_argument("--days", type=int, default=7)
    parser.add_argument("--kills", type=int, default=16)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--change", choices=BEGINS, default="spring")
    given = parser.parse_args(arguments)
    with ExitStack() as stack:
        ground = stack.enter_context(laid(QUICK))
        from bench.digests_crew import crew
        from bench.digests_verdict import judge
        from bench.digests_week import Week

        sink = stack.enter_context(noting_sink(ground.folder, slow=SLOW))
        workers = stack.enter_context(crew(ground.folder, sink.relay.url))
        chance = random.Random(given.seed)
        week = Week(chance, readers=given.readers, topics=given.topics)
        began = time.monotonic()
        struck = _live(week, given, chance, workers)
        notes = sink.notes()
        found: dict[str, Any] = {
            "seed": given.seed,
            "change": given.change,
            "readers": given.readers,
            "releases": week.releases,
            "cadences_changed": week.cadences_changed,
            "hours_or_zones_changed": week.moves,
        }
        found |= struck.figures()
        found |= judge(notes, wanted=week.wanted, addresses=week.addresses, kills=struck.kills)
        found["seconds"] = round(time.monotonic() - began, 1)
        found["load"] = os.getloadavg()[2]
    print(json.dumps(found, indent=2))
    return 0 if found["exactly_once"] else 1


def _live(week: Any, given: argparse.Namespace, chance: random.Random, workers: Any) -> Any:
    """The week itself, and then as long as the last weekly digest takes to come."""
    from bench.digests_time import Driver

    steps = given.days * A_DAY
    driver = Driver(workers, chance, kills=given.kills, steps=steps)
    releases = Counter(chance.randrange(steps) for _ in range(given.releases))
    for step in range(steps + 8 * A_DAY):
        for _ in range(releases[step]):
            is_urgent = chance.random() < 0.2
            week.release(urgent=is_urgent)
            driver.after_release(is_urgent=is_urgent)
        if step < steps and step % 24 == 0:
            week.change_cadences(share=0.01)
            week.move(share=0.01)
        driver.digest(step, BEGINS[given.change] + step * STEP)
    driver.settle()
    return driver


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
