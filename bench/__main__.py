"""`make bench`, or `python -m bench [TRIAL…] [--quick] [--rounds N] [--out FILE] [--check]`.

A whole run writes bench/latest.json and takes about twenty minutes; see bench/README.md.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from pathlib import Path

from rich.console import Console

from bench import ground, measures, report, running, sizes
from bench.book import Book

_WIDTH = 120  # of a log
LATEST = Path(__file__).with_name("latest.json")


def main(arguments: list[str]) -> int:
    given = _arguments(arguments)
    for number in (signal.SIGINT, signal.SIGTERM):  # both end what was started, then this
        signal.signal(number, signal.default_int_handler)
    console = Console(highlight=False, width=None if sys.stdout.isatty() else _WIDTH)
    size = sizes.of(quick=given.quick, rounds=given.rounds)
    began = time.perf_counter()

    def say(text: str) -> None:
        console.print(f"[dim]{time.perf_counter() - began:7.1f} s[/]  {text}")

    book = Book()
    try:
        with ground.laid(size) as laid:
            bench = running.Bench(laid, size, book, say)
            running.run(bench, given.trials or running.TRIALS)
    except KeyboardInterrupt:
        console.print("Stopped; what was started has ended.")
        return 130
    seconds = time.perf_counter() - began
    findings = measures.find(book)
    asked = [f for f in findings if book.reasons.get(f.measure.key) != measures.NOT_ASKED]
    title = "Medians of one quick run: not for quoting" if given.quick else "Medians of one run"
    console.print(report.table(asked, title=title))
    for finding in asked:
        if finding.value is None:
            console.print(f"{finding.measure.key}: {book.reasons[finding.measure.key]}")
    out = given.out or (LATEST if not given.quick and not given.trials else None)
    if out:
        values = report.as_json(book, findings, size, seconds=seconds, notes=bench.notes)
        out.write_text(json.dumps(values, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        console.print(f"Written to {out}")
    return int(given.check and not all(finding.is_met for finding in findings))


def _arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "trials",
        nargs="*",
        metavar="TRIAL",
        help=f"some of {', '.join(running.TRIALS)}; all if none is named",
    )
    parser.add_argument("--quick", action="store_true", help="few readers, figures without worth")
    parser.add_argument("--rounds", type=int, help="rounds of each, 3 if left out")
    parser.add_argument("--out", type=Path, help="where to write the figures as JSON")
    parser.add_argument(
        "--check", action="store_true", help="exit 1 when something wanted is missed"
    )
    given = parser.parse_args(arguments)
    if unknown := set(given.trials) - set(running.TRIALS):
        parser.error(
            f"no trial {', '.join(sorted(unknown))}; there are {', '.join(running.TRIALS)}"
        )
    return given


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
