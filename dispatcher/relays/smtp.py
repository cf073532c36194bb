"""One session with an SMTP relay: it takes parcels and yields an outcome for each, in order.

`smtplib` connects, does STARTTLS and AUTH; then the session owns the socket. A refusal of one parcel
never harms the next, and a lost connection never loses a parcel. How they are said: `conversation`,
`chunking`. Which relay to use, and when to try again, is decided elsewhere.
"""

from __future__ import annotations

import math
import smtplib
import ssl
from collections.abc import Generator, Iterable
from contextlib import suppress
from time import perf_counter
from typing import NoReturn

from dispatcher.relays.chunking import Chunking
from dispatcher.relays.conversation import Conversation
from dispatcher.relays.offer import Offer
from dispatcher.relays.outcomes import Outcome, Parcel
from dispatcher.relays.relay import OWN_MACHINE, Relay
from dispatcher.relays.replies import one_line
from dispatcher.relays.wire import Wire

__all__ = ["Session", "one_line"]

NOOP, QUIT = b"NOOP\r\n", b"QUIT\r\n"
GOODBYE_SECONDS = 5.0  # for the answer to QUIT, which nobody needs


class Session:
    """An open connection to a relay. Raises OSError or SMTPException from `connect` only."""

    def __init__(self, relay: Relay, wire: Wire, conversation: Conversation) -> None:
        self.relay = relay
        self._wire = wire
        self._conversation = conversation

    @classmethod
    def connect(cls, relay: Relay) -> Session:
        """Connect, start TLS where it is offered, sign in. Every read and write has a deadline."""
        smtp, seconds = _greet(relay)
        offer = Offer.of(smtp.esmtp_features)
        wire = _take_over(smtp)
        if not (offer.chunking and offer.pipelining and relay.in_flight > 1):
            return cls(relay, wire, Conversation(relay, wire, offer))
        try:
            seconds = min(seconds, _round_trip(wire, relay.timeout))
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

    def hand_over(self, parcels: Iterable[Parcel]) -> Generator[Outcome]:
        """Send each parcel and yield its outcome, in order. Ends early when the connection breaks.

        Every parcel taken from `parcels` has an outcome; those not taken were not begun. Where commands
        are pipelined one is taken ahead, over a distant relay with CHUNKING up to `relay.in_flight`;
        one that was not sent when the connection broke is held back. None is taken once `is_spent`. Who
        stops asking, or raises from `parcels`, learns nothing of those taken ahead; they are not sent,
        except that letters on their way by BDAT are answered before the exception goes on.
        """
        yield from self._conversation.hand_over(iter(parcels))


def _trust() -> ssl.SSLContext:
    """Whose certificates count; asked only for TLS, since to read them takes as long as a hundred letters."""
    return ssl.create_default_context()


def _greet(relay: Relay) -> tuple[smtplib.SMTP, float]:
    """A connection where letters may be said, and the seconds that an answer took."""
    smtp: smtplib.SMTP
    if relay.implicit_tls:
        smtp = smtplib.SMTP_SSL(relay.host, relay.port, timeout=relay.timeout, context=_trust())
    else:
        smtp = smtplib.SMTP(relay.host, relay.port, timeout=relay.timeout)
    try:
        began = perf_counter()
        smtp.ehlo_or_helo_if_needed()
        seconds = perf_counter() - began
        is_private = relay.implicit_tls or relay.host in OWN_MACHINE
        if not relay.implicit_tls and smtp.has_extn("starttls"):
            smtp.starttls(context=_trust())
            smtp.ehlo()
            is_private = True
        elif relay.needs_tls and not relay.implicit_tls:
            _stop("it offers no TLS, so nothing was sent to it")
        if relay.user and not is_private:
            _stop("it offers no TLS, so no password was sent to it")
        if relay.user:
            smtp.login(relay.user, relay.password)
    except BaseException:
        smtp.close()
        raise
    return smtp, seconds


def _stop(words: str) -> NoReturn:
    raise smtplib.SMTPException(words)


def _take_over(smtp: smtplib.SMTP) -> Wire:
    """The socket, and what smtplib has read from it and not used."""
    sock, file, unread = smtp.sock, smtp.file, b""
    if sock is None:
        _stop("the relay closed the connection")
    sock.setblocking(False)
    if file is not None:
        with suppress(ssl.SSLWantReadError):
            unread = file.peek()
        file.close()
    smtp.sock = smtp.file = None
    return Wire(sock, unread)


def _round_trip(wire: Wire, timeout: float) -> float:
    """The seconds that the relay takes to answer NOOP. Raises OSError if it does not, or not well."""
    began = perf_counter()
    wire.write(NOOP, timeout, timeout)
    reply = wire.reply(timeout)
    if reply.code != 250:
        raise ConnectionError(f"{reply.code} {reply.text}")
    return perf_counter() - began
