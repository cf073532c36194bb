"""Counting who would get a brief on three of sixty topics, as the desk shows it before a release."""

from __future__ import annotations

import time

from bench import filling
from bench.running import Bench
from dispatcher.briefs.models import Topic
from dispatcher.mailing import matching

TITLE = "Counting an audience among a million readers"
KEYS = ("count_ms_1m",)


def run(bench: Bench) -> None:
    """Milliseconds of `matching.count`; the first call, which finds cold caches, is told apart."""
    bench.ground.use(bench.sizes.many)
    reach = list(Topic.objects.filter(name__in=filling.AUDIENCE).values_list("pk", flat=True))
    first, readers = _count(reach)
    for _ in range(bench.sizes.counts):
        bench.book.add("count_ms", _count(reach)[0])
    bench.book.add("count_first_ms", first)
    bench.book.add("count_readers", readers)
    bench.say(
        f"  {readers:,} readers in {bench.book.median('count_ms'):.0f} ms, first {first:.0f} ms"
    )


def _count(reach: list[int]) -> tuple[float, int]:
    began = time.perf_counter()
    readers = matching.count(reach).readers
    return (time.perf_counter() - began) * 1_000, readers
