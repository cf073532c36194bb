"""What is told of a run: the table on the terminal, and the same with every round's figure as JSON."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from rich.table import Table

from bench.book import Book
from bench.measures import Finding
from bench.sizes import Sizes


def as_json(
    book: Book, findings: Iterable[Finding], sizes: Sizes, *, seconds: float, notes: dict[str, str]
) -> dict[str, Any]:
    """The run as JSON values. `ratios` and `extras` hold null where `reasons` says why."""
    found = list(findings)
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(seconds, 1),
        "machine": machine(),
        "ratios": {f.measure.key: _short(f.value) for f in found if not f.measure.is_extra},
        "extras": {f.measure.key: _short(f.value) for f in found if f.measure.is_extra},
        "wanted": {f.measure.key: _wanted(f) for f in found},
        "met": {f.measure.key: None if f.value is None else f.is_met for f in found},
        "reasons": {f.measure.key: book.reasons[f.measure.key] for f in found if f.value is None},
        "notes": notes,
        "sizes": asdict(sizes),
        "medians": {name: _short(book.median(name)) for name in sorted(book.figures)},
        "figures": {name: [_short(n) for n in book.figures[name]] for name in sorted(book.figures)},
        "took": {name: round(took, 1) for name, took in book.seconds.items()},
    }


def machine() -> dict[str, Any]:
    """What the figures depend on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(memory / 1e9, 1),
        "python": platform.python_version(),
        "kernel": platform.release(),
        "architecture": platform.machine(),
    }


def table(findings: Iterable[Finding], *, title: str) -> Table:
    """The table for a terminal: medians, and whether what is wanted is met."""
    shown = Table("measured", "in", title=title, title_justify="left")
    for heading in ("ours", "yardstick", "found", "wanted"):
        shown.add_column(heading, justify="right", no_wrap=True)
    shown.add_column("met", no_wrap=True)
    for f in findings:
        shown.add_row(
            f.measure.title,
            f.measure.unit,
            number(f.ours),
            number(f.yardstick),
            number(f.value),
            _wanted(f),
            "–" if f.value is None else "yes" if f.is_met else "no",
        )
    return shown


def number(value: float | None) -> str:
    """Three digits of it are enough."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _wanted(finding: Finding) -> str:
    measure = finding.measure
    unit = "" if measure.yardstick else f" {measure.unit}"
    return f"{'≥' if measure.is_least else '≤'} {measure.wanted:g}{unit}"


def _short(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}")
