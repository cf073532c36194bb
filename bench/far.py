"""The distant trial's own process: sinks, the way to them, and both senders in turns; prints their speeds.

Speeds are letters per second over one connection that is open already. `--forward` puts `bench.delay` in
between; without it whoever started this has made loopback slow.
"""

from __future__ import annotations

import argparse
import json
import os
import smtplib
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from bench import services
from bench.services import HOST
from dispatcher.local.processes import Processes
from dispatcher.relays.outcomes import Parcel, Result
from dispatcher.relays.relay import Relay
from dispatcher.relays.smtp import Session

_SENDER = "bounces@news.example.org"
_READER = "reader@example.org"


def ours(port: int, letters: int, letter: bytes, *, in_flight: int = 1) -> float:
    """Our session, as a worker uses it; one letter without an answer is what a relay gets unless told."""
    relay = replace(Relay.of(f"smtp://{HOST}:{port}"), in_flight=in_flight)
    session = Session.connect(relay)
    parcels = [Parcel(number, _SENDER, _READER, letter) for number in range(letters)]
    began = time.perf_counter()
    outcomes = list(session.hand_over(parcels))
    seconds = time.perf_counter() - began
    session.close()
    if [outcome.result for outcome in outcomes] != [Result.ACCEPTED] * letters:
        raise SystemExit(f"not all were accepted: {outcomes[-1]}")
    return letters / seconds


def theirs(port: int, letters: int, letter: bytes) -> float:
    """smtplib: one answer awaited after another."""
    with smtplib.SMTP(HOST, port) as smtp:
        smtp.ehlo()
        began = time.perf_counter()
        for _ in range(letters):
            smtp.sendmail(_SENDER, [_READER], letter)
        return letters / (time.perf_counter() - began)


@contextmanager
def _away(folder: Path, port: int, *, is_forwarded: bool) -> Iterator[int]:
    if not is_forwarded:
        yield port
        return
    with Processes(folder / f"delay-{port}", os.environ) as processes:
        processes.start("delay", sys.executable, "-m", "bench.delay", "--to", str(port))
        processes.wait_until(lambda: "}" in processes.said("delay"), what="The forwarder")
        yield int(json.loads(processes.said("delay"))["port"])


def measure(given: argparse.Namespace) -> dict[str, list[float]]:
    """Letters per second of each way, a figure a round."""
    letter = given.letter.read_bytes()
    with (
        services.fast_sink(given.folder) as plain,
        services.noting_sink(given.folder, chunking=True) as chunking,
        _away(given.folder, plain.port, is_forwarded=given.forward) as far,
        _away(given.folder, chunking.relay.port, is_forwarded=given.forward) as far_chunking,
    ):
        ways: dict[str, Callable[[], float]] = {
            "distant_smtplib": lambda: theirs(far, given.smtplib, letter),
            "distant": lambda: ours(far, given.letters, letter),
            "distant_chunking": lambda: ours(far_chunking, given.letters, letter, in_flight=16),
        }
        rounds = [{name: way() for name, way in ways.items()} for _ in range(given.rounds)]
    return {name: [each[name] for each in rounds] for name in ways}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.far", description=__doc__)
    parser.add_argument("--letter", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--letters", type=int, default=600)
    parser.add_argument("--smtplib", type=int, default=150)
    parser.add_argument("--forward", action="store_true")
    print(json.dumps(measure(parser.parse_args())))
