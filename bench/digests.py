"""A week of digests in simulated time, with workers killed amid them: who got which brief, and how often.

`python -m bench.digests --change spring` has 10,000 readers over 24 zones, releases at random times, and
readers who change their cadence. The driver stands for beat and passes the time; PostgreSQL, Valkey,
Celery workers and the sink are real. It prints JSON, and ends with status 1 unless every brief that a
rule let through at its release came exactly once.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

from bench.ground import laid
from bench.services import carriers, noting_sink
from bench.sizes import QUICK

BEGINS = {
    "spring": datetime(2026, 3, 26, tzinfo=UTC),
    "autumn": datetime(2026, 10, 22, tzinfo=UTC),
}
STEP = timedelta(minutes=15)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.digests", description=__doc__)
    parser.add_argument("--readers", type=int, default=10_000)
    parser.add_argument("--topics", type=int, default=60)
    parser.add_argument("--releases", type=int, default=40)
    parser.add_argument("--days", type=int, default=7)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--change", choices=BEGINS, default="spring")
    given = parser.parse_args(arguments)
    with ExitStack() as stack:
        ground = stack.enter_context(laid(QUICK))
        from bench.digests_week import Week, routine_workers

        sink = stack.enter_context(noting_sink(ground.folder))
        processes = stack.enter_context(routine_workers(ground.folder, sink.relay.url))
        chance = random.Random(given.seed)
        week = Week(chance, readers=given.readers, topics=given.topics)
        began = time.monotonic()
        killed = _live(week, given, chance, lambda: carriers(processes))
        week.settle()
        found: dict[str, Any] = {"seed": given.seed, "change": given.change, "killed": killed}
        found |= week.verdict(sink.letters(after=0))
        found["seconds"] = round(time.monotonic() - began, 1)
    print(json.dumps(found, indent=2))
    return 0 if found["exactly_once"] else 1


def _live(week: Any, given: argparse.Namespace, chance: random.Random, children: Any) -> int:
    """The week itself, and then as long as the last weekly digest takes to come."""
    now, steps = BEGINS[given.change], given.days * 96
    releases = sorted(chance.randrange(steps) for _ in range(given.releases))
    kills = sorted(chance.sample(range(96, steps), given.kills))
    killed = 0
    for step in range(steps + 8 * 96):
        for _ in range(releases.count(step)):
            week.release()
        if step < steps and step % 24 == 0:
            week.change_cadences(share=0.01)
        wants_kill = killed < len(kills) and step >= kills[killed]
        killed += week.digest(now + step * STEP, victims=children if wants_kill else None)
    return killed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
