"""`make chaos`: the fault trials. Exit status 0 when every promise was kept, 1 when one was broken."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bench.chaos import ground

LATEST = Path(__file__).parents[1] / "latest-chaos.json"


def main(arguments: Sequence[str]) -> int:
    given = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # clean up, as on Ctrl-C
    began = time.monotonic()
    with ground.laid(
        readers=given.readers, seed=given.seed, in_flight=given.in_flight, keep=given.keep
    ) as made:
        from bench.chaos import running
        from bench.chaos.crew import Crew
        from bench.chaos.trials import TRIALS

        if unknown := set(given.trial) - TRIALS.keys():
            names = ", ".join(TRIALS)
            print(f"There is no trial {', '.join(unknown)}; there are: {names}", file=sys.stderr)
            return 2
        print(f"{given.readers:,} readers, seed {given.seed}; logs in {made.logs}", flush=True)
        crew = Crew(made.logs, os.environ)
        try:
            outcomes = running.run(made, crew, given.trial, rounds=given.rounds, seed=given.seed)
        finally:
            crew.stop()
    seconds = round(time.monotonic() - began, 1)
    stored = running.store(
        given.out,
        outcomes,
        readers=given.readers,
        in_flight=given.in_flight,
        seed=given.seed,
        rounds=given.rounds,
        seconds=seconds,
    )
    if given.json:
        print(json.dumps(stored))
    else:
        running.print_table(outcomes)
        print(f"\n{seconds:.0f} s; all of it in {given.out}")
    return 0 if stored["kept"] else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument(
        "--trial",
        action="append",
        default=[],
        metavar="NAME",
        help="only this one; may be repeated",
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--readers", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--in-flight",
        type=int,
        default=1,
        metavar="N",
        help="letters on their way to a distant relay; as many of a connection may then be in doubt",
    )
    parser.add_argument("--out", type=Path, default=LATEST)
    parser.add_argument("--json", action="store_true", help="the results as JSON at the end")
    parser.add_argument("--keep", action="store_true", help="leave the folder with the logs")
    return parser


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit("stopped; everything was cleaned up")
