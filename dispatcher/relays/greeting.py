"""From nothing to a connection over which letters may be said: connect, start TLS, sign in, in time.

`smtplib` does it; then the socket is taken from it. What is said afterwards: `conversation`, `chunking`.
"""

from __future__ import annotations

import io
import smtplib
import socket
import ssl
from dataclasses import dataclass
from time import monotonic, perf_counter
from typing import Any, NoReturn

from dispatcher.relays.offer import Offer
from dispatcher.relays.relay import OWN_MACHINE, Relay
from dispatcher.relays.wire import MOST_UNREAD, Wire

STEPS = 3  # relay.timeout is for each step and so often for all of them together


@dataclass(frozen=True, slots=True)
class Greeted:
    """A connection, what the relay offers, and the seconds that an answer took."""

    wire: Wire
    offer: Offer
    seconds: float


def greet(relay: Relay) -> Greeted:
    """Connect, start TLS where it is offered, sign in. Ends within some `relay.timeout`. Raises OSError."""
    try:
        smtp, seconds = _sign_in(relay)
        return Greeted(_take_over(smtp), Offer.of(smtp.esmtp_features), seconds)
    except OSError:
        raise
    except (ValueError, LookupError, TypeError) as fault:  # smtplib's, which trusts what it reads
        raise ConnectionError(f"what it says before any letter makes no sense: {fault}") from None


class _Reading(io.RawIOBase):
    """A socket that is read until some moment, however often a little comes, and so much of it."""

    def __init__(self, sock: socket.socket, timeout: float, until: float) -> None:
        super().__init__()
        self._sock = sock
        self._timeout = timeout
        self._until = until
        self._left = MOST_UNREAD

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._sock.getblocking():
            left = self._until - monotonic()
            if left <= 0:
                raise TimeoutError("it takes too long before any letter may be said")
            if self._left <= 0:
                raise ConnectionError("it says too much before any letter may be said")
            self._sock.settimeout(min(left, self._timeout))
        try:
            got = self._sock.recv_into(buffer)
        except (BlockingIOError, ssl.SSLWantReadError):
            return None
        self._left -= got
        return got


class _Hurried(smtplib.SMTP):
    """smtplib's, which reads replies by way of `file`, each line with a deadline of its own."""

    def __init__(self, relay: Relay, **more: Any) -> None:
        self._until = monotonic() + STEPS * relay.timeout
        super().__init__(relay.host, relay.port, timeout=relay.timeout, **more)

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None and self.sock is not None:
            self.file = io.BufferedReader(_Reading(self.sock, self.timeout, self._until))
        return super().getreply()


class _HurriedTls(_Hurried, smtplib.SMTP_SSL):
    """With TLS from the first octet on."""


def _trust() -> ssl.SSLContext:
    """Whose certificates count; asked only for TLS, since to read them takes as long as a hundred letters."""
    return ssl.create_default_context()


def _sign_in(relay: Relay) -> tuple[smtplib.SMTP, float]:
    """A connection where letters may be said, and the seconds that an answer took."""
    smtp = _HurriedTls(relay, context=_trust()) if relay.implicit_tls else _Hurried(relay)
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
        unread = file.peek()
        file.close()
    smtp.sock = smtp.file = None
    return Wire(sock, unread)
