"""The first letter in a small database: what a reader's number costs shows beside `first`."""

from __future__ import annotations

from bench.running import Bench
from bench.trials import first

TITLE = "First letter among ten thousand readers"
KEYS = ("first_letter_s_10k",)


def run(bench: Bench) -> None:
    first.measure(bench, readers=bench.sizes.few, name="first_10k")
