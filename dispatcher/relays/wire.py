"""The socket of a session: octets out and replies in, each with a deadline, none without a bound.

While it writes it also reads, so that two ends that both have much to say never wait for each other.
What is said, and what a reply means, is for `conversation`.
"""

from __future__ import annotations

import math
import re
import select
import socket
import ssl
from contextlib import suppress
from time import monotonic

from dispatcher.relays import replies
from dispatcher.relays.replies import NotSmtp, Reply

AT_ONCE = 64 * 1024  # octets asked for in one read
MOST_UNREAD = 256 * 1024  # octets that a relay may say while it is being written to

_NOT_NOW = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Wire:
    """A connection, plain or TLS. After a fault every read and write fails at once.

    What had come before the fault can still be read.
    """

    def __init__(self, sock: socket.socket, unread: bytes = b"") -> None:
        self._sock = sock
        self._is_tls = isinstance(sock, ssl.SSLSocket)
        self._unread = unread
        self._at = 0
        self._fault: OSError | None = None
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._to_read, self._either = select.poll(), select.poll()
        self._to_read.register(sock, select.POLLIN)
        self._either.register(sock, select.POLLIN | select.POLLOUT)

    @property
    def has_unread(self) -> bool:
        """Whether something lies here that was read along with a reply."""
        return self._at < len(self._unread)

    def is_silent(self) -> bool:
        """Whether the relay has said nothing unasked, and not gone."""
        with suppress(OSError):
            return not (self.has_unread or (self._to_read.poll(0) and self._receive()))
        return False

    def write(self, octets: bytes, timeout: float, longest: float) -> int:
        """Write all of it and return how many octets went: fewer only if the connection broke.

        `timeout` is for the relay to take some octets more, `longest` for all of them.
        """
        if self._fault:
            return 0
        try:
            sent = self._sock.send(octets)
        except _NOT_NOW:
            sent = 0
        except OSError as fault:
            self.break_off(fault)
            return 0
        return sent if sent == len(octets) else self._write_on(octets, sent, timeout, longest)

    def reply(self, timeout: float) -> Reply:
        """The next reply, whole within `timeout`. Raises OSError, again whenever asked again."""
        until = 0.0
        while True:
            if self._at < len(self._unread):
                try:
                    found = replies.read(self._unread, self._at)
                except NotSmtp as fault:
                    self.break_off(fault)
                    raise
                if found is not None:
                    reply, self._at = found
                    return reply
            if self._fault:
                raise self._fault
            until = until or monotonic() + timeout
            try:
                self._fill(until, timeout)
            except OSError as fault:
                self.break_off(fault)

    def expect(self, what: re.Pattern[bytes], timeout: float) -> re.Match[bytes] | None:
        """What comes next, if it is just that and comes in one piece. A quick look before `reply`."""
        if self._at == len(self._unread) and not self._fault:
            try:
                self._fill(monotonic() + timeout, timeout)
            except OSError as fault:
                self.break_off(fault)
        match = what.fullmatch(self._unread, self._at)
        if match:
            self._at = len(self._unread)
        return match

    def break_off(self, fault: OSError) -> None:
        """No more goes over this connection. What has arrived stays to be read."""
        if self._fault is None:
            with suppress(OSError):
                while self._receive():
                    pass
            self._fault = fault
            self._sock.close()

    def _write_on(self, octets: bytes, sent: int, timeout: float, longest: float) -> int:
        view = memoryview(octets)
        end_at = monotonic() + longest
        until = min(monotonic() + timeout, end_at)
        try:
            while sent < len(view):
                poller = self._either
                try:
                    sent += self._sock.send(view[sent:])
                    until = min(monotonic() + timeout, end_at)
                    continue
                except ssl.SSLWantReadError:
                    poller = self._to_read
                except _NOT_NOW:
                    pass
                ready = _wait(poller, until)
                if not ready:
                    raise TimeoutError("the relay takes no more octets")
                if ready[0][1] & ~select.POLLOUT:
                    self._receive()
        except OSError as fault:
            self.break_off(fault)
        return sent

    def _fill(self, until: float, timeout: float) -> None:
        """Wait for octets. Raises OSError."""
        if self._is_tls and self._receive():  # OpenSSL may hold what poll() does not see
            return
        while _wait(self._to_read, until):
            if self._receive():
                return
        raise TimeoutError(f"no answer for {timeout:g} s")

    def _receive(self) -> bool:
        """Take what has come; False if there is nothing. Raises OSError, also at the end."""
        try:
            octets = self._sock.recv(AT_ONCE)
        except _NOT_NOW:
            return False
        if not octets:
            raise ConnectionError("the relay closed it")
        self._unread = self._unread[self._at :] + octets
        self._at = 0
        if len(self._unread) > MOST_UNREAD:
            raise NotSmtp("the relay says more than it was asked")
        return True


def _wait(poller: select.poll, until: float) -> list[tuple[int, int]]:
    """What is ready; nothing once the time is over, however much is."""
    left = until - monotonic()
    return poller.poll(math.ceil(left * 1000)) if left > 0 else []
