"""Runs trials round by round, prints what became of each, and stores it all."""

from __future__ import annotations

import json
import random
import time
import traceback
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from django.db import connection

from bench.chaos import of_desk, of_jobs, of_relays, of_servers, of_workers  # noqa: F401  they enter
from bench.chaos.crew import Crew
from bench.chaos.evidence import gather
from bench.chaos.ground import Ground
from bench.chaos.round import Broken, Round
from bench.chaos.trials import TRIALS, Trial
from bench.chaos.verdict import Verdict, judge

HEADING = (
    "trial",
    "readers",
    "accepted",
    "lost",
    "doubled",
    "allowed",
    "strangers",
    "seconds",
    "kept",
)
ROW = "{:26} {:>8} {:>9} {:>5} {:>8} {:>8} {:>10} {:>8}  {}"


@dataclass(slots=True)
class Outcome:
    """All rounds of one trial."""

    trial: Trial
    rounds: list[Verdict] = field(default_factory=list)

    @property
    def kept(self) -> bool:
        return all(each.holds for each in self.rounds)

    def total(self, name: str) -> int:
        return sum(int(getattr(each, name)) for each in self.rounds)

    def row(self) -> tuple[str, ...]:
        sums = [f"{self.total(name):,}" for name in HEADING[1:7]]
        slowest = max((each.seconds for each in self.rounds), default=0.0)
        return (self.trial.name, *sums, f"{slowest:.1f}", "yes" if self.kept else "NO")

    def as_json(self) -> dict[str, Any]:
        rounds = [asdict(each) | {"broken": each.broken()} for each in self.rounds]
        return {
            "trial": self.trial.name,
            "words": self.trial.words,
            "kept": self.kept,
            "rounds": rounds,
        }


def run(
    ground: Ground, crew: Crew, names: Sequence[str], *, rounds: int, seed: int
) -> list[Outcome]:
    """The trials of these names, or all; each round has its own chance, drawn from the seed."""
    outcomes = []
    for trial in [TRIALS[name] for name in names or TRIALS]:
        print(f"{trial.name}: {trial.words}", flush=True)
        outcome = Outcome(trial)
        outcomes.append(outcome)
        for number in range(1, rounds + 1):
            chance = random.Random(f"{seed} {trial.name} {number}")
            this = Round(ground, crew, chance, number)
            verdict = _round(trial, this)
            outcome.rounds.append(verdict)
            print(f"  {number}/{rounds}  {_line(verdict, this)}", flush=True)
    return outcomes


def _round(trial: Trial, this: Round) -> Verdict:
    try:
        this.begin()
        began = time.monotonic()
        ended = _has_ended(trial, this)
        seconds = time.monotonic() - began
        connection.close()  # whatever server it was connected to
        time.sleep(0.5)  # a letter that goes out again late is one too many
        verdict = judge(gather(this))
        this.end()
    except Exception as fault:  # noqa: BLE001  one trial must not keep the others from being run
        traceback.print_exc()
        return Verdict(ended=False, problems=[*this.problems, f"{type(fault).__name__}: {fault}"])
    verdict.seconds, verdict.ended = seconds, verdict.ended and ended
    verdict.problems += this.problems
    return verdict


def _has_ended(trial: Trial, this: Round) -> bool:
    """Run the trial until what it released is done; what went wrong is noted."""
    try:
        trial.act(this)
        this.wait_until_done()
    except Broken as finding:
        this.problems.append(str(finding))
    except Exception as fault:  # noqa: BLE001  what went out by then is still looked at
        traceback.print_exc()
        this.problems.append(f"{type(fault).__name__}: {fault}")
    else:
        return True
    return False


def _line(verdict: Verdict, this: Round) -> str:
    how = "distant, " if this.is_distant else ""
    figures = (
        f"{verdict.accepted:,} of {verdict.readers:,} accepted, {verdict.lost} lost,"
        f" {verdict.doubled} doubled ({verdict.allowed} allowed), {how}{verdict.seconds:.1f} s"
    )
    dispatches = ", ".join(map(str, this.dispatches))
    return (
        figures
        if verdict.holds
        else f"{figures}  BROKEN in {dispatches}: {'; '.join(verdict.broken())}"
    )


def print_table(outcomes: Sequence[Outcome]) -> None:
    print()
    print(ROW.format(*HEADING))
    for outcome in outcomes:
        print(ROW.format(*outcome.row()))


def store(path: Path, outcomes: Sequence[Outcome], **given: Any) -> dict[str, Any]:
    """Write everything as JSON; returns it."""
    stored = {
        **given,
        "kept": all(each.kept for each in outcomes),
        "lost": sum(each.total("lost") for each in outcomes),
        "doubled": sum(each.total("doubled") for each in outcomes),
        "trials": [each.as_json() for each in outcomes],
    }
    path.write_text(json.dumps(stored, indent=1) + "\n")
    return stored
