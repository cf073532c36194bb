"""Connections of this process, one a relay, kept between batches and closed when idle.

Which relay a letter goes by is for `choosing`, `pacing` and `routing`; how a conversation goes is for the
sessions, `smtp` and `mail_api`.
"""

from __future__ import annotations

import smtplib
import threading
from collections.abc import Generator, Iterable, Sequence
from operator import itemgetter
from time import monotonic

from dispatcher.errors import RelayUnreachable
from dispatcher.relays import configuring, mail_api, smtp
from dispatcher.relays.buckets import LUMP
from dispatcher.relays.choosing import Roster
from dispatcher.relays.configuring import configured
from dispatcher.relays.gate import MayGo, always
from dispatcher.relays.outcomes import Outcome, Parcel
from dispatcher.relays.pacing import Pacing
from dispatcher.relays.relay import AnyRelay, MailApi
from dispatcher.relays.replies import one_line
from dispatcher.relays.routing import Round, Session
from dispatcher.relays.spending import Purse

__all__ = ["Pool", "configured", "of_this_process"]

IDLE_SECONDS = 60.0


class Pool:
    """Open sessions, one a relay. Not for use by several threads."""

    def __init__(self, relays: Sequence[AnyRelay], pacing: Pacing | None = None) -> None:
        self._relays = tuple(relays)
        self._roster = Roster(self._relays)
        self._pacing = pacing or Pacing(self._relays, configuring.groups())
        self._sessions: dict[str, Session] = {}
        self._carried: dict[str, int] = {}
        self._used_at: dict[str, float] = {}
        self._in_use = threading.RLock()  # against the timer's thread alone
        self._timer: threading.Timer | None = None
        self._setting = threading.Lock()  # of the timer

    def hand_over(
        self, parcels: Iterable[Parcel], *, is_urgent: bool = False, may_go: MayGo = always
    ) -> Generator[Outcome]:
        """An outcome for each parcel taken, over a new connection whenever one breaks.

        Parcels are taken one by one as they are sent, and their outcomes come in that order; only those
        that a further relay takes, when one has no room, come a little later. Raises RelayUnreachable
        when no relay takes a connection, or each breaks them: by then each parcel that was taken has an
        outcome, held back if it was not sent, and the others were not touched.

        `may_go` is asked of each letter once, just before it is written. When it says no, every parcel
        taken is held back with nothing to wait for, and it ends. What `may_go` or `parcels` raise goes on
        at once, with no further letter written; letters set aside or taken ahead have no outcome then.
        """
        with self._in_use:
            purse = Purse(self._pacing, is_urgent=is_urgent)
            try:
                batch = Round(self, self._roster, self._pacing, purse, may_go)
                yield from batch.outcomes(iter(parcels))
            finally:
                purse.give_back()
                self._watch()

    def wait(self, *, is_urgent: bool = False, letters: int = LUMP) -> float:
        """Seconds until some relay is likely to take a batch of so many; 0.0 if at once.

        A turn is promised at the relay where it is the soonest, so the next who asks is told a later time.
        Where no whole relay has a limit nothing is asked of Valkey, but once in a second.
        """
        waits = []
        for relay in self._relays:
            away = self._roster.away_seconds(relay)
            wait = away or self._pacing.wait(
                relay, is_urgent=is_urgent, letters=letters, is_promised=False
            )
            if not wait:
                return 0.0
            waits.append((wait, bool(away), relay))
        wait, is_away, soonest = min(waits, key=itemgetter(0))
        if is_away:
            return wait
        return self._pacing.wait(soonest, is_urgent=is_urgent, letters=letters, is_promised=True)

    def greet(self) -> str:
        """Open a connection and say to which relay. Raises RelayUnreachable."""
        with self._in_use:
            for relay in self._roster.turns():
                if not self._roster.is_away(relay) and self.open(relay):
                    self._watch()
                    return relay.name
            raise self.unreachable()

    def close(self) -> None:
        with self._in_use:
            with self._setting:
                if self._timer is not None:
                    self._timer.cancel()
                    self._timer = None
            for name in [*self._sessions]:
                self._sessions.pop(name).close()

    def open(self, relay: AnyRelay) -> Session | None:
        """A session that works, a new one if need be; None if there is none to be had, and it is away."""
        session = self._sessions.get(relay.name)
        if session is not None:
            is_recent = monotonic() - self._used_at[relay.name] < IDLE_SECONDS
            if is_recent and not session.is_spent and session.is_open():
                return session
            self._sessions.pop(relay.name).close()
        try:
            session = _connect(relay)
        except OSError as fault:
            self._fails(relay, _words(fault))
            if isinstance(fault, smtplib.SMTPResponseException) and fault.smtp_code == 421:
                self._pacing.slow_down(relay, "")
            return None
        self._sessions[relay.name] = session
        self._carried[relay.name] = 0
        self._used_at[relay.name] = monotonic()
        return session

    def used(self, session: Session, letters: int, *, is_its_doing: bool) -> None:
        """So many letters went through it. If the relay broke it, often in a row, it is left alone."""
        relay = session.relay
        self._carried[relay.name] += letters
        self._used_at[relay.name] = monotonic()
        if session.is_broken:
            self._sessions.pop(relay.name, None)
            if is_its_doing and self._roster.breaks_off(relay):
                self._fails(relay, "it ends every connection before an answer")

    def carried(self, session: Session) -> int:
        return self._carried[session.relay.name]

    def unreachable(self) -> RelayUnreachable:
        faults = "; ".join(self._roster.why_away(relay) for relay in self._relays)
        return RelayUnreachable(f"No relay takes letters ({faults}). Check {configuring.where()}.")

    def _fails(self, relay: AnyRelay, words: str) -> None:
        self._pacing.note_away(relay, words, seconds=self._roster.fails(relay, words))

    def _watch(self) -> None:
        """See to it that connections are closed when idle, though no batch comes any more."""
        with self._setting:
            if self._timer is None and self._sessions:
                self._timer = threading.Timer(IDLE_SECONDS, self._close_idle)
                self._timer.daemon = True
                self._timer.start()

    def _close_idle(self) -> None:
        idle: list[Session] = []
        with self._setting:
            self._timer = None
        if self._in_use.acquire(blocking=False):
            try:
                before = monotonic() - IDLE_SECONDS
                names = [name for name in self._sessions if self._used_at[name] <= before]
                idle = [self._sessions.pop(name) for name in names]
            finally:
                self._in_use.release()
        self._watch()
        for session in idle:  # which may take until its timeout, so not with the lock held
            session.close()


def _connect(relay: AnyRelay) -> Session:
    if isinstance(relay, MailApi):
        return mail_api.Session.connect(relay)
    return smtp.Session.connect(relay)


def _words(fault: OSError) -> str:
    if isinstance(fault, smtplib.SMTPResponseException):
        error: bytes | str = fault.smtp_error
        text = error.decode("utf-8", "replace") if isinstance(error, bytes) else error
        return one_line(f"{fault.smtp_code} {text}")
    return one_line(str(fault))


_pool: Pool | None = None


def of_this_process() -> Pool:
    """The pool that a worker process keeps for its life."""
    global _pool  # noqa: PLW0603  one per process is what it is for
    if _pool is None:
        _pool = Pool(configured())
    return _pool
