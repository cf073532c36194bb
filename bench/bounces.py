"""`python -m bench.bounces`: how mail that comes back is read, family by family, and what a bomb costs."""

from __future__ import annotations

import statistics
import sys
import time
from collections import defaultdict

from dispatcher.mailing import bounces
from tests.mailing.samples import ALL, garbage

HARM = {"bounce", "complaint", "opt-out"}
ROUNDS = 20


def main() -> int:
    """Print the share recognised and the time of each family; 1 when harmless mail does harm."""
    families: dict[str, list[bool]] = defaultdict(list)
    times: dict[str, list[float]] = defaultdict(list)
    harmed = 0
    for sample in ALL:
        report = bounces.read(sample.octets)
        is_right = report.kind == sample.kind and (
            not sample.status
            or any(
                (r.address, r.status) == (sample.address, sample.status) for r in report.recipients
            )
        )
        families[sample.family].append(is_right)
        harmed += report.kind in HARM and sample.kind not in HARM
        if len(sample.octets) < 100_000:
            times[sample.family].append(_seconds(sample.octets))
    for family, right in families.items():
        each = (
            f"{statistics.median(times[family]) * 1e6:7,.0f} µs" if times[family] else "         "
        )
        sys.stdout.write(f"{family:20} {sum(right):3} of {len(right):3}  {each}\n")
    known = [right for found in families.values() for right in found]
    every = [seconds for found in times.values() for seconds in found]
    sys.stdout.write(
        f"recognised {sum(known)} of {len(known)}; harmless mail that would do harm: {harmed}; "
        f"a message takes {statistics.median(every) * 1e6:,.0f} µs, at most {max(every) * 1e6:,.0f}\n"
    )
    bombs = {
        "a million lines": garbage.million_lines(),
        "100,000 parts": garbage.wide(100_000),
        "100,000 parts within parts": garbage.bomb(100_000),
    }
    for name, octets in bombs.items():
        began = time.perf_counter()
        bounces.read(octets)
        sys.stdout.write(
            f"{name}, {len(octets) / 1e6:.1f} MB: {(time.perf_counter() - began) * 1e3:.0f} ms\n"
        )
    return 1 if harmed else 0


def _seconds(octets: bytes) -> float:
    began = time.process_time()
    for _ in range(ROUNDS):
        bounces.read(octets)
    return (time.process_time() - began) / ROUNDS


if __name__ == "__main__":
    sys.exit(main())
