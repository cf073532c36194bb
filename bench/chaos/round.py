"""One round of a trial: what a trial can do to the product, and what must hold when it is over."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import psycopg
from django.db import connection
from django.utils import timezone

from bench.chaos import people
from bench.chaos.crew import Crew
from bench.chaos.engines import Engines
from bench.chaos.ground import Ground
from bench.chaos.people import ABOUT, People
from bench.chaos.relay import Relay
from bench.sink_faults import Faults
from dispatcher.briefs import intake
from dispatcher.briefs.document import Document, Section
from dispatcher.briefs.models import Brief
from dispatcher.mailing import dispatching

BY = "fault trials"
TEXT = ("The ferry line reopened on Monday after nine weeks. Nobody had planned for it. " * 12,)
PROGRESS_SECONDS = 60.0
DISTANCE = 0.003  # seconds to the relay and back, in the rounds with CHUNKING
DONE_SECONDS = 150.0
SQL_STATE = "SELECT state FROM dispatcher_dispatch WHERE id = %s"


class Broken(Exception):  # noqa: N818  a finding, not a fault
    """The product did not do what the trial waits for."""


@dataclass(frozen=True, slots=True)
class Strike:
    """The moment of a blow. It ends connections, or spares those of a process that is only stopped."""

    at: float
    spares_connections: bool = False


@dataclass(slots=True)
class Round:
    """What a trial works with; `briefs` by dispatch."""

    ground: Ground
    crew: Crew
    chance: random.Random
    number: int
    dispatches: list[int] = field(default_factory=list)
    cancelled: set[int] = field(default_factory=set)
    briefs: dict[int, int] = field(default_factory=dict)
    strikes: list[Strike] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    refusing: Faults = field(default_factory=Faults)  # which addresses the relay refuses
    place: int = 0  # in the notes of the sink, at the beginning
    taken: int = 0  # letters that the sink had taken before

    @property
    def is_distant(self) -> bool:
        return self.number % 2 == 0

    @property
    def relay(self) -> Relay:
        return self.ground.relay

    @property
    def engines(self) -> Engines:
        return self.ground.engines

    @property
    def people(self) -> People:
        return self.ground.people

    def begin(self) -> None:
        """A sink without faults, all workers up, nobody of the audience suppressed for refusals of before.

        Every other round has a distant relay with CHUNKING.
        """
        people.let_in_again(self.people)
        self.relay.behave()
        if self.is_distant:
            self.relay.set(chunking=True, slow=DISTANCE)
        self.relay.end_connections()
        self.crew.start()
        self.place, self.taken = self.relay.place(), self.relay.accepted()

    def brief(self, *, urgent: bool = False) -> Brief:
        """A new brief for the whole audience, not released."""
        name = f"Ferries run again, {timezone.now():%H:%M:%S.%f}"
        document = Document(
            headline=name,
            source_id=name,
            topics=ABOUT,
            urgent=urgent,
            blocks=(Section("Latest Developments", TEXT),),
        )
        return intake.store(document, by=BY).brief

    def release(self, brief: Brief | None = None, *, urgent: bool = False) -> int:
        """Release a brief, a new one if none is given; the dispatch."""
        brief = brief or self.brief(urgent=urgent)
        dispatch: int = dispatching.release(brief, by=BY).pk
        self.watch(dispatch, brief)
        return dispatch

    def watch(self, dispatch: int, brief: Brief) -> None:
        """Count a dispatch as one of this round's."""
        self.dispatches.append(dispatch)
        self.briefs[dispatch] = brief.pk

    def sent(self) -> int:
        """Letters that the sink took in this round."""
        return self.relay.accepted() - self.taken

    def wait_for_share(self, least: float, most: float | None = None) -> None:
        """Wait until that share of the audience was taken, or a share drawn between the two."""
        share = least if most is None else self.chance.uniform(least, most)
        wanted = int(share * len(self.people.audience))
        self.wait(lambda: self.sent() >= wanted, f"{wanted} letters", PROGRESS_SECONDS)

    def slow_down(self) -> None:
        """A relay at hand is too quick to be struck in the middle."""
        if not self.is_distant:
            self.relay.set(slow=0.001)

    def strike(self, blow: Callable[[], object], *, spares_connections: bool = False) -> None:
        """Do something that may leave one letter of each open connection in doubt."""
        self.strikes.append(Strike(time.time(), spares_connections))
        blow()

    def pause(self, least: float, most: float) -> None:
        time.sleep(self.chance.uniform(least, most))

    def state(self, dispatch: int) -> str:
        return str(self.engines.rows(SQL_STATE, dispatch)[0][0])

    def wait_until_done(self) -> None:
        """Wait for every dispatch that was not cancelled. Raises Broken."""
        for dispatch in self.dispatches:
            if dispatch not in self.cancelled:
                self.wait(
                    lambda: self.state(dispatch) == "done",  # noqa: B023
                    f"dispatch {dispatch} to be done",
                    DONE_SECONDS,
                )

    def wait(self, is_so: Callable[[], bool], what: str, seconds: float) -> None:
        """Raises Broken when it is not so in time."""
        deadline = time.monotonic() + seconds
        while not is_so():
            if time.monotonic() > deadline:
                raise Broken(f"waited {seconds:.0f} s for {what}")
            time.sleep(0.02)

    def must(self, holds: bool, words: str) -> None:
        """Note a broken promise unless it holds."""
        if not holds:
            self.problems.append(words)

    def end(self) -> None:
        """Stop what still goes, so that the next round begins on quiet ground."""
        self.relay.behave()
        connection.close()
        for dispatch in self.dispatches:
            try:
                if self.state(dispatch) not in {"done", "cancelled"}:
                    dispatching.cancel(dispatch, by=BY)
            except psycopg.Error as fault:
                self.problems.append(f"dispatch {dispatch} could not be stopped: {fault}")
