"""One session with an SMTP relay: it takes parcels and yields an outcome for each, in order.

A refusal of one parcel never harms the next, and a lost connection never loses a parcel. How it comes
about: `greeting`; how letters are said: `conversation`, `chunking`. Which relay to use, and when to try
again, is decided elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterable
from contextlib import suppress
from time import perf_counter

from dispatcher.relays.chunking import Chunking
from dispatcher.relays.conversation import Conversation
from dispatcher.relays.gate import MayGo, always
from dispatcher.relays.greeting import greet
from dispatcher.relays.outcomes import Outcome, Parcel
from dispatcher.relays.relay import Relay
from dispatcher.relays.wire import Wire

NOOP, QUIT = b"NOOP\r\n", b"QUIT\r\n"
GOODBYE_SECONDS = 5.0  # for the answer to QUIT, which nobody needs


class Session:
    """An open connection to a relay. Raises OSError (and smtplib's, which are such) from `connect` only."""

    def __init__(self, relay: Relay, wire: Wire, conversation: Conversation) -> None:
        self.relay = relay
        self._wire = wire
        self._conversation = conversation

    @classmethod
    def connect(cls, relay: Relay) -> Session:
        """Connect, start TLS where it is offered, sign in; in time, see `greeting`."""
        greeted = greet(relay)
        wire, offer = greeted.wire, greeted.offer
        if not (offer.chunking and offer.pipelining and relay.in_flight > 1):
            return cls(relay, wire, Conversation(relay, wire, offer))
        try:
            seconds = min(greeted.seconds, _round_trip(wire, relay.timeout))
        except BaseException:
            wire.break_off(ConnectionError("closed"))
            raise
        window = min(math.ceil(seconds * 1000), relay.in_flight)
        if window <= 1:  # it is near: no more than one letter need be in doubt
            return cls(relay, wire, Conversation(relay, wire, offer))
        return cls(relay, wire, Chunking(relay, wire, offer, window))

    @property
    def is_broken(self) -> bool:
        return self._conversation.is_broken

    @property
    def is_spent(self) -> bool:
        """Whether `relay.messages` have gone over this connection; it takes no more."""
        return self._conversation.is_spent

    def is_open(self) -> bool:
        """Whether the relay still answers; a NOOP (RFC 5321 §4.1.1.9)."""
        if self.is_broken:
            return False
        self._conversation.settle()
        try:
            if not self._wire.is_silent() or self._conversation.ask(NOOP).code != 250:
                self._conversation.give_up("it spoke unasked, has gone, or wants no more")
        except OSError as fault:
            self._conversation.give_up(str(fault))
        return not self.is_broken

    def close(self) -> None:
        """Say goodbye, if it can be said, and hang up."""
        if not self.is_broken:
            self._conversation.settle()
            self._wire.write(QUIT, GOODBYE_SECONDS, GOODBYE_SECONDS)
            with suppress(OSError):
                self._wire.reply(min(GOODBYE_SECONDS, self.relay.timeout))
        self._conversation.give_up("closed")

    def hand_over(self, parcels: Iterable[Parcel], may_go: MayGo = always) -> Generator[Outcome]:
        """Send each parcel and yield its outcome, in order. Ends early when the connection breaks.

        Every parcel taken from `parcels` has an outcome; those not taken were not begun. Where commands
        are pipelined one is taken ahead, over a distant relay with CHUNKING up to `relay.in_flight`;
        one that was not sent when the connection broke is held back. None is taken once `is_spent`. Who
        stops asking, or raises from `parcels`, learns nothing of those taken ahead; they are not sent,
        except that letters on their way by BDAT are answered before the exception goes on.

        `may_go` is asked of each letter once, just before its text is written. If it says no, that letter
        and the one taken ahead are held back and it ends there; what it raises is as if `parcels` did.
        """
        yield from self._conversation.hand_over(iter(parcels), may_go)


def _round_trip(wire: Wire, timeout: float) -> float:
    """The seconds that the relay takes to answer NOOP. Raises OSError if it does not, or not well."""
    began = perf_counter()
    wire.write(NOOP, timeout, timeout)
    reply = wire.reply(timeout)
    if reply.code != 250:
        raise ConnectionError(f"{reply.code} {reply.text}")
    return perf_counter() - began
