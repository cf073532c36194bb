"""Connections of this process, kept between batches, and the next relay when one is away."""

from __future__ import annotations

import smtplib
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from django.conf import settings

from dispatcher.errors import RelayUnreachable
from dispatcher.relays.outcomes import Outcome, Parcel
from dispatcher.relays.smtp import Relay, Session, one_line

LEAVE_ALONE_SECONDS = 30.0
IDLE_SECONDS = 60.0
BREAKS = 3  # connections in a row that end before any answer; then the relay is taken for ill


class Pool:
    """One open session at a time over relays tried in order. Not for use by several threads."""

    def __init__(self, relays: Sequence[Relay]) -> None:
        self._relays = relays
        self._session: Session | None = None
        self._used_at = 0.0
        self._away_until: dict[Relay, float] = {}
        self._breaks: dict[Relay, int] = {}

    def hand_over(self, parcels: Iterable[Parcel]) -> Iterator[Outcome]:
        """An outcome for each parcel, in order, over a new connection whenever one breaks.

        Parcels are taken one by one, as they are sent. Raises RelayUnreachable when no relay takes a
        connection, or each breaks them: outcomes given before then stand, and the other parcels were
        not sent.
        """
        waiting = iter(parcels)
        for parcel in waiting:
            session = self._open()
            for outcome in session.hand_over(chain([parcel], waiting)):
                self._used_at = time.monotonic()
                yield outcome
                if not session.is_broken:
                    self._breaks[session.relay] = 0
            if session.is_broken:
                self._session = None
                self._count_break(session.relay)

    def greet(self) -> str:
        """Open a connection and say to which relay. Raises RelayUnreachable."""
        return self._open().relay.name

    def close(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None

    def _open(self) -> Session:
        session = self._session
        if session is not None:
            if time.monotonic() - self._used_at < IDLE_SECONDS and session.is_open():
                return session
            self.close()
        self._session = self._connect()
        self._used_at = time.monotonic()
        return self._session

    def _count_break(self, relay: Relay) -> None:
        self._breaks[relay] = self._breaks.get(relay, 0) + 1
        if self._breaks[relay] >= BREAKS:
            self._breaks[relay] = 0
            self._away_until[relay] = time.monotonic() + LEAVE_ALONE_SECONDS

    def _connect(self) -> Session:
        faults = []
        for relay in self._relays:
            if self._away_until.get(relay, 0.0) > time.monotonic():
                faults.append(f"{relay.name} left alone after a fault")
                continue
            try:
                return Session.connect(relay)
            except (OSError, smtplib.SMTPException) as fault:
                self._away_until[relay] = time.monotonic() + LEAVE_ALONE_SECONDS
                faults.append(f"{relay.name}: {_words(fault)}")
        raise RelayUnreachable(f"No relay takes letters ({'; '.join(faults)}). Check RELAY_URL.")


def _words(fault: Exception) -> str:
    if isinstance(fault, smtplib.SMTPResponseException):
        error: bytes | str = fault.smtp_error
        text = error.decode("utf-8", "replace") if isinstance(error, bytes) else error
        return one_line(f"{fault.smtp_code} {text}")
    return one_line(str(fault))


def configured() -> list[Relay]:
    """The relays of RELAY_URL, in order. Raises RelayUnreachable if there is none to be read."""
    if not settings.RELAY_URLS:
        raise RelayUnreachable("No relay is set. Set RELAY_URL, or start everything: dispatcher up")
    try:
        return [Relay.of(url, timeout=settings.RELAY_TIMEOUT) for url in settings.RELAY_URLS]
    except ValueError as fault:
        raise RelayUnreachable(str(fault)) from None


_pool: Pool | None = None


def of_this_process() -> Pool:
    """The pool that a worker process keeps for its life."""
    global _pool  # noqa: PLW0603  one per process is what it is for
    if _pool is None:
        _pool = Pool(configured())
    return _pool
