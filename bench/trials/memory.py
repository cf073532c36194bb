"""The most memory that a worker process takes, after a small dispatch and after a large one.

New workers each time, since VmHWM only ever grows; the figure is that of the process that took most.
"""

from __future__ import annotations

from bench import filling, releasing, services
from bench.running import Bench

TITLE = "Memory of a worker, a small dispatch and a large one"
KEYS = ("memory_growth", "memory_mb")


def run(bench: Bench) -> None:
    """Small and large in turns, into a sink that is not the bottleneck."""
    sizes = bench.sizes
    bench.ground.use(sizes.many)
    for number in range(1, sizes.rounds + 1):
        small = _peak(bench, sizes.few)
        large = _peak(bench, sizes.half)
        bench.book.add("memory_10k_mb", small)
        bench.book.add("memory_500k_mb", large)
        bench.say(f"  round {number}: {small:.1f} MB, then {large:.1f} MB")


def _peak(bench: Bench, readers: int) -> float:
    folder = bench.ground.folder
    with (
        services.fast_sink(folder) as relay,
        services.workers(folder, relay.url) as processes,
    ):
        done = releasing.run(
            (filling.of_size(readers),), processes, size=bench.sizes.letter, most=1_800
        )
        peak = max(services.peak_mb(child.pid) for child in services.carriers(processes))
    bench.say(f"  {done.letters:,} letters, {done.speed:,.0f}/s")
    bench.ground.calm()
    return peak
