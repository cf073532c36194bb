"""One run: its trials one after the other, each over in its own way, none able to spoil the others."""

from __future__ import annotations

import importlib
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from bench.book import Book, CannotMeasure
from bench.ground import Ground
from bench.sizes import Sizes

TRIALS = (
    "wire",
    "distant",
    "few",
    "counting",
    "first",
    "urgent",
    "memory",
    "importing",
    "feeds",
    "visible",
)


@dataclass(slots=True)
class Bench:
    """What a trial works with. `say` prints a line, `notes` are sentences for whoever reads the figures."""

    ground: Ground
    sizes: Sizes
    book: Book
    say: Callable[[str], None]
    notes: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def attempt(self, *keys: str) -> Iterator[None]:
        """Whatever goes wrong in the block leaves these ratios null, and the run goes on."""
        try:
            yield
        except CannotMeasure as reason:
            self.say(f"  not measured: {reason}")
            self.book.miss(str(reason), *keys)
        except Exception as fault:  # noqa: BLE001  the other figures are worth having
            traceback.print_exc()
            self.book.miss(f"{type(fault).__name__}: {str(fault)[:300]}", *keys)


def run(bench: Bench, names: Sequence[str]) -> None:
    """Run the trials of these names. A trial is `bench.trials.NAME` with its `KEYS` and `run`."""
    for name in names:
        trial = importlib.import_module(f"bench.trials.{name}")
        bench.say(trial.TITLE)
        began = time.perf_counter()
        with bench.attempt(*trial.KEYS):
            trial.run(bench)
        bench.book.seconds[name] = time.perf_counter() - began
