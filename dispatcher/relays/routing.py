"""One batch on its way: each letter by the first relay in its order that is not away and has room.

Where none has, or none takes a connection, the letter is held back with a time. Refusals for the pace
are noticed here and told to `pacing`; connections are opened and counted by the pool.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator
from itertools import chain
from typing import Protocol

from dispatcher.errors import RelayUnreachable
from dispatcher.relays.choosing import Roster
from dispatcher.relays.gate import Gate, MayGo, stopped
from dispatcher.relays.outcomes import Outcome, Parcel, Result
from dispatcher.relays.pacing import LEAST_WAIT, Pacing
from dispatcher.relays.relay import AnyRelay
from dispatcher.relays.replies import one_line
from dispatcher.relays.spending import Purse

ASIDE = 20  # letters kept for another relay until it is their turn; each is a letter in memory
YOUNG = 10  # letters of one connection; a 421 after more of them is its end and not about the pace
IN_A_ROW = 10  # refusals for the pace that mean the whole relay, where the domains are in no group


class Session(Protocol):
    """An open connection, or what a mail API has in its place. See `smtp.Session`."""

    @property
    def relay(self) -> AnyRelay: ...
    @property
    def is_broken(self) -> bool: ...
    @property
    def is_spent(self) -> bool: ...
    def is_open(self) -> bool: ...
    def close(self) -> None: ...
    def hand_over(self, parcels: Iterable[Parcel], may_go: MayGo) -> Iterator[Outcome]: ...


class Connections(Protocol):
    """Who opens sessions: the pool."""

    def open(self, relay: AnyRelay) -> Session | None: ...
    def used(self, session: Session, letters: int, *, is_its_doing: bool) -> None: ...
    def carried(self, session: Session) -> int: ...
    def unreachable(self) -> RelayUnreachable: ...


class Round:
    """One batch; see the module's own words. `outcomes` may be called once."""

    def __init__(
        self,
        connections: Connections,
        roster: Roster,
        pacing: Pacing,
        purse: Purse,
        may_go: MayGo,
    ) -> None:
        self._connections = connections
        self._roster = roster
        self._pacing = pacing
        self._purse = purse
        self._gate = Gate(may_go)
        self._unreachable: RelayUnreachable | None = None  # no relay takes a connection
        self._order = roster.turns()
        self._group_of = pacing.groups.of
        self._flying: deque[str] = deque()  # the groups of the letters without an outcome
        self._fed = 0
        self._answered = 0
        self._held: deque[tuple[int, Outcome]] = deque()  # due after so many answers
        self._aside: dict[str, deque[Parcel]] = {}  # by relay, with their tokens
        self._in_a_row = 0

    def outcomes(self, waiting: Iterator[Parcel]) -> Iterator[Outcome]:
        """See `Pool.hand_over`."""
        try:
            for parcel in waiting:
                session = self._session_for(parcel)
                if session is not None:
                    rest = self._feed(session.relay, waiting)
                    yield from self._through(session, chain(self._first(parcel), rest))
                yield from self._due()
                for relay in self._order:
                    yield from self._send_aside(relay)
                if self._is_over:
                    break
        finally:
            for relay in self._order:
                for parcel in self._aside.get(relay.name, ()):
                    self._purse.put_back(relay, self._group_of(parcel.address))
        if self._unreachable is not None:
            raise self._unreachable

    @property
    def _is_over(self) -> bool:
        return self._gate.is_shut or self._unreachable is not None

    def _session_for(self, parcel: Parcel, placed: AnyRelay | None = None) -> Session | None:
        """A session with a relay that has room for it; None if it is held back.

        Each relay is tried once: while one keeps us waiting, the pause of another may be over, and so on.
        """
        tried: set[str] = set()
        if placed is not None and self._roster.is_away(placed):
            self._purse.put_back(placed, self._group_of(parcel.address))
            placed = None
        while True:
            relay = placed or self._place(parcel, self._group_of(parcel.address), but=tried)
            if relay is None:
                return None
            session = self._connections.open(relay)
            if session is not None:
                return session
            self._purse.put_back(relay, self._group_of(parcel.address))
            tried.add(relay.name)
            placed = None

    def _place(self, parcel: Parcel, group: str, *, but: Collection[str] = ()) -> AnyRelay | None:
        """The relay that the letter goes by now; its token is taken. Else its outcome is put with those held."""
        full = []
        self._pacing.look_if_due()
        for relay in self._order:
            if relay.name in but or self._roster.is_away(relay):
                continue
            if self._purse.may_go(relay, group):
                return relay
            full.append(relay)
        if not full:
            self._unreachable = self._connections.unreachable()
            self._held.append((self._fed, self._left(parcel)))
            return None
        soonest = min(full, key=lambda relay: self._purse.ready_at(relay, group))
        wait, words = self._purse.hold_back(soonest, group)
        outcome = Outcome(parcel.key, Result.HELD_BACK, soonest.name, "", words, wait=wait)
        self._held.append((self._fed, outcome))
        return None

    def _left(self, parcel: Parcel) -> Outcome:
        """For a letter that was taken when it was over, stopped or without any relay: no attempt."""
        if self._unreachable is None:
            return stopped(parcel, "")
        wait = max(LEAST_WAIT, min(map(self._roster.away_seconds, self._order)))
        words = one_line(str(self._unreachable))
        return Outcome(parcel.key, Result.HELD_BACK, "", "", words, wait=wait)

    def _first(self, parcel: Parcel) -> Iterator[Parcel]:
        self._fed += 1
        self._flying.append(self._group_of(parcel.address))
        yield parcel

    def _feed(self, relay: AnyRelay, waiting: Iterator[Parcel]) -> Iterator[Parcel]:
        """The letters that go by this relay. Ends when enough wait for another one, or none is left."""
        for parcel in waiting:
            group = self._group_of(parcel.address)
            placed = self._place(parcel, group)
            if placed is relay:
                self._fed += 1
                self._flying.append(group)
                yield parcel
            elif placed is not None:
                aside = self._aside.setdefault(placed.name, deque())
                aside.append(parcel)
                if len(aside) >= ASIDE:
                    return
            elif self._is_over:
                return

    def _send_aside(self, relay: AnyRelay) -> Iterator[Outcome]:
        aside = self._aside.get(relay.name, deque())
        parcels = (aside.popleft() for _ in range(len(aside)))  # none is lost sight of
        for parcel in parcels:
            if self._is_over:
                self._purse.put_back(relay, self._group_of(parcel.address))
                yield self._left(parcel)
                continue
            session = self._session_for(parcel, relay)
            if session is None:
                yield from self._due()
            elif session.relay is relay:
                feed = chain.from_iterable(map(self._first, chain([parcel], parcels)))
                yield from self._through(session, feed)
            else:
                yield from self._through(session, self._first(parcel))

    def _through(self, session: Session, parcels: Iterable[Parcel]) -> Iterator[Outcome]:
        """Outcomes in order, and what is held back among them, until the session ends or the letters do."""
        relay, flying = session.relay, self._flying
        before = self._answered
        carried = self._connections.carried(session)
        is_well = is_whole = False
        try:
            for outcome in session.hand_over(parcels, self._gate):
                if self._held:
                    yield from self._due()
                self._answered += 1
                group = flying.popleft()
                if outcome.result is Result.ACCEPTED:
                    self._in_a_row = 0
                elif outcome.result is Result.DEFERRED:
                    self._look_at_refusal(outcome, relay, group, carried + self._answered - before)
                is_answer = outcome.result is not Result.HELD_BACK
                if not is_answer:
                    self._purse.put_back(relay, group)
                if is_answer and not (is_well or session.is_broken):
                    is_well = True
                    if self._roster.answers(relay):
                        self._pacing.note_back(relay)
                yield outcome
            is_whole = not self._gate.is_shut
        finally:
            flying.clear()
            self._answered = self._fed
            # Who stops, raises or hears no more breaks the connection off without the relay's doing.
            self._connections.used(session, self._answered - before, is_its_doing=is_whole)

    def _due(self) -> Iterator[Outcome]:
        while self._held and self._held[0][0] <= self._answered:
            yield self._held.popleft()[1]

    def _look_at_refusal(self, outcome: Outcome, relay: AnyRelay, group: str, carried: int) -> None:
        """Slow the relay down, or the group at it, if the refusal is for the pace."""
        is_closing = outcome.text.startswith("421")
        if outcome.text.startswith("429"):  # of a mail API, for all that goes by it
            group = ""
        elif outcome.code.startswith("4.7."):
            if not group and not is_closing:  # may be about this one domain, a grey list for one
                self._in_a_row += 1
                if self._in_a_row < IN_A_ROW:
                    return
        elif not is_closing or outcome.code or carried > YOUNG:
            return
        if not self._purse.is_closed(relay, group):
            self._pacing.slow_down(relay, group)
            self._purse.close(relay, group)
