"""A relay that says line by line what a test has written down, where a real server would be too good.

`with scripted(talk) as url:` runs `talk` with a `Peer` for the first connection, the next one for the
second. What goes wrong in a talk is raised when the block ends.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

SECONDS = 5.0


class Peer:
    """The relay's end of a connection."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._file = sock.makefile("rb")

    def greet(self, offers: Sequence[str], seconds: float) -> None:
        self.say("220 relay.example.org")
        assert self.hear().startswith("ehlo")
        self.wait(seconds)
        lines = ["relay.example.org", *offers]
        self.say(*(f"250-{line}" for line in lines[:-1]), f"250 {lines[-1]}")

    def say(self, *lines: str) -> None:
        """Say lines, all in one write."""
        self.say_octets("".join(f"{line}\r\n" for line in lines).encode())

    def say_octets(self, octets: bytes) -> None:
        self._sock.sendall(octets)

    @staticmethod
    def wait(seconds: float) -> None:
        """Be as far away as that."""
        time.sleep(seconds)

    def hear(self, lines: int = 1) -> str:
        """The last of so many lines, without its end; empty when the client has hung up."""
        return [self._file.readline() for _ in range(lines)][-1].decode().rstrip("\r\n")

    def hear_letter(self) -> bytes:
        """What comes up to the lone dot."""
        letter = b""
        while not letter.endswith(b"\r\n.\r\n"):
            line = self._file.readline()
            assert line, "the client hung up within a letter"
            letter += line
        return letter[:-3]

    def hear_octets(self, number: int) -> bytes:
        return self._file.read(number)

    def is_left(self) -> bool:
        """Whether the client hangs up and says nothing before."""
        try:
            return self._file.read(1) == b""
        except ConnectionResetError:
            return True


@contextmanager
def scripted(
    *talks: Callable[[Peer], None],
    offers: Sequence[str] = ("PIPELINING", "ENHANCEDSTATUSCODES"),
    greeting_seconds: float = 0.0,
    small: bool = False,
) -> Iterator[str]:
    """The relay's URL, for as long as the block lasts. If it is `small` it takes and says little at once."""
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as thread:
        listener.settimeout(SECONDS)
        if small:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_096)
        done = thread.submit(_talk, listener, talks, offers, greeting_seconds)
        yield f"smtp://127.0.0.1:{listener.getsockname()[1]}"
        done.result(2 * SECONDS)


def _talk(
    listener: socket.socket,
    talks: Sequence[Callable[[Peer], None]],
    offers: Sequence[str],
    greeting_seconds: float,
) -> None:
    for talk in talks:
        sock, _ = listener.accept()
        with sock:
            sock.settimeout(SECONDS)
            peer = Peer(sock)
            peer.greet(offers, greeting_seconds)
            talk(peer)
            peer._file.close()
