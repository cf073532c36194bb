"""One release, from the verb to the balanced ledger, timed; the ledger is asked on a connection of its own."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import psycopg

from bench.book import CannotMeasure
from bench.letter import BY, make_brief
from dispatcher import queue
from dispatcher.local.processes import Processes
from dispatcher.mailing import dispatching, ledger
from dispatcher.mailing.models import Batch, Dispatch

_LOOK = 0.02
_OPEN = (Dispatch.State.SCHEDULED, Dispatch.State.MATCHING, Dispatch.State.SENDING)


@dataclass(frozen=True, slots=True)
class Run:
    """A dispatch that is done: its letters, when its release began, and seconds from there to the end."""

    dispatch: int
    letters: int
    began_at: float
    seconds: float

    @property
    def speed(self) -> float:
        return self.letters / self.seconds


def run(
    topics: Sequence[str],
    processes: Processes,
    *,
    size: int,
    urgent: bool = False,
    most: float = 900.0,
) -> Run:
    """Release a new brief and wait for its ledger to balance. Raises CannotMeasure when it does not."""
    brief = make_brief(topics, size=size, urgent=urgent)
    began_at, began = time.time(), time.perf_counter()
    dispatch = dispatching.release(brief, by=BY)
    seconds = wait(dispatch.pk, processes, most=most) - began
    sums = ledger.tally(dispatch.pk)
    if not sums.balances or sums.accepted != sums.audience:
        raise CannotMeasure(f"the ledger is not what it should be: {sums}")
    return Run(dispatch.pk, sums.accepted, began_at, seconds)


def wait(dispatch_id: int, processes: Processes, *, most: float = 900.0) -> float:
    """Wait until a dispatch is done; when that was seen, by `time.perf_counter`."""
    deadline = time.perf_counter() + most
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        while True:
            row = connection.execute(
                "SELECT state FROM dispatcher_dispatch WHERE id = %s", [dispatch_id]
            ).fetchone()
            now = time.perf_counter()
            if row and row[0] not in _OPEN:
                return now
            processes.check()
            if now > deadline:
                raise CannotMeasure(f"the dispatch was not done within {most:.0f} s")
            time.sleep(_LOOK)


def until(
    is_so: Callable[[], bool], *, what: str, most: float = 120.0, look: float = _LOOK
) -> None:
    """Wait for something to be so. Raises CannotMeasure."""
    deadline = time.perf_counter() + most
    while not is_so():
        if time.perf_counter() > deadline:
            raise CannotMeasure(f"{what} did not come about within {most:.0f} s")
        time.sleep(look)


def call_off(dispatch_id: int) -> None:
    """Cancel what runs on, and wait until no worker has anything of it in hand."""
    dispatching.cancel(dispatch_id, by=BY)
    held = Batch.objects.filter(dispatch=dispatch_id, state=Batch.State.CARRYING)
    until(lambda: not held.exists(), what="the end of a cancelled dispatch", look=0.1)
    until(lambda: queue.is_empty(queue.ROUTINE), what="an empty queue", look=0.1)
