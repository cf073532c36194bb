"""Connections of this process, kept between batches, and the next relay when one is away."""

from __future__ import annotations

import smtplib
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from django.conf import settings

from dispatcher.errors import RelayUnreachable
from dispatcher.relays.outcomes import Outcome, Parcel
from dispatcher.relays.smtp import Relay, Session

LEAVE_ALONE_SECONDS = 30.0
IDLE_SECONDS = 60.0


class Pool:
    """One open session at a time over relays tried in order. Not for use by several threads."""

    def __init__(self, relays: Sequence[Relay]) -> None:
        self._relays = relays
        self._session: Session | None = None
        self._used_at = 0.0
        self._away_until: dict[Relay, float] = {}

    def hand_over(self, parcels: Iterable[Parcel]) -> Iterator[Outcome]:
        """An outcome for each parcel, in order, over a new connection whenever one breaks.

        Parcels are taken one by one, as they are sent. Raises RelayUnreachable when no relay takes a
        connection: outcomes given before then stand, and the other parcels were not sent.
        """
        waiting = iter(parcels)
        for parcel in waiting:
            session = self._open()
            for outcome in session.hand_over(chain([parcel], waiting)):
                self._used_at = time.monotonic()
                yield outcome
            if session.is_broken:
                self._session = None

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
        return self._session

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
                faults.append(f"{relay.name}: {fault}")
        raise RelayUnreachable(f"No relay takes letters ({'; '.join(faults)}). Check RELAY_URL.")


def configured() -> list[Relay]:
    """The relays of RELAY_URL, in order."""
    return [Relay.of(url, timeout=settings.RELAY_TIMEOUT) for url in settings.RELAY_URLS]


_pool: Pool | None = None


def of_this_process() -> Pool:
    """The pool that a worker process keeps for its life."""
    global _pool  # noqa: PLW0603  one per process is what it is for
    if _pool is None:
        _pool = Pool(configured())
    return _pool
