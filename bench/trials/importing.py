"""A million readers from a CSV file, and a tenth of them, each by a process of its own into an empty database."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from bench import filling
from bench.running import Bench

TITLE = "Import of a million readers"
KEYS = ("import_1m_s", "import_memory_growth")
_HEADING = "address,name,topics,match,except,cadence\n"


def run(bench: Bench) -> None:
    """Seconds and peak memory, once a round; the tenth only for its memory."""
    sizes = bench.sizes
    whole, tenth = bench.ground.folder / "readers.csv", bench.ground.folder / "tenth.csv"
    _write(whole, sizes.many)
    _write(tenth, sizes.many // 10)
    bench.book.add("import_tenth_mb", _import(bench, tenth)["mb"])
    for number in range(1, sizes.rounds + 1):
        told = _import(bench, whole)
        bench.book.add("import_s", told["seconds"])
        bench.book.add("import_mb", told["mb"])
        bench.say(f"  round {number}: {told['seconds']:.1f} s, {told['mb']:.0f} MB")


def _import(bench: Bench, path: Path) -> dict[str, float]:
    bench.ground.use(0)
    try:
        command = [sys.executable, "-m", "bench.importer", str(path)]
        told = subprocess.run(command, check=True, stdout=subprocess.PIPE, timeout=1_800).stdout
    finally:
        bench.ground.drop(0)
    values: dict[str, float] = json.loads(told)
    return values


def _write(path: Path, readers: int) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write(_HEADING)
        file.writelines(_rows(readers))


def _rows(readers: int) -> Iterator[str]:
    chance = random.Random(20260302)
    for number in range(1, readers + 1):
        topics = ";".join(chance.sample(filling.SUBJECTS, chance.randint(1, 7)))
        yield f"{filling.address(number)},Reader {number},{topics},any,,\n"
