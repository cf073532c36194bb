"""What was measured: every figure of every round, and why a figure is missing."""

from __future__ import annotations

from collections import defaultdict
from statistics import median


class CannotMeasure(Exception):  # noqa: N818  a reason, not a fault
    """Why there is no figure; the sentence goes beside the empty place."""


class Book:
    """Figures by name, in the order of the rounds. What is not there has a reason, or was not asked for."""

    def __init__(self) -> None:
        self.figures: defaultdict[str, list[float]] = defaultdict(list)
        self.reasons: dict[str, str] = {}
        self.seconds: dict[str, float] = {}  # that each trial took

    def add(self, name: str, figure: float) -> None:
        self.figures[name].append(figure)

    def miss(self, reason: str, *keys: str) -> None:
        """Note why these ratios have no value; the first reason stays."""
        for key in keys:
            self.reasons.setdefault(key, reason)

    def median(self, name: str) -> float | None:
        return median(self.figures[name]) if self.figures.get(name) else None
