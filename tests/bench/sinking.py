"""The benchmark's sink as the process that it is, and a client that says exactly what it is given."""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.chaos.relay import Relay
from bench.sink import HOST
from dispatcher.local.processes import Processes

HEAD = b"Message-ID: <%b@example.org>\r\nSubject: x\r\n\r\n"


@dataclass(slots=True)
class Client:
    """A raw connection. `ask` says something and reads that many lines of answers."""

    connection: socket.socket
    lines: socket.SocketIO

    def say(self, octets: bytes) -> None:
        self.connection.sendall(octets)

    def hear(self, lines: int = 1) -> list[str]:
        """Lines of answers; empty ones once the connection is closed."""
        return [self.lines.readline().decode().strip() for _ in range(lines)]

    def ask(self, octets: bytes, lines: int = 1) -> list[str]:
        self.say(octets)
        return self.hear(lines)


@contextmanager
def sink(folder: Path, *options: str) -> Iterator[Relay]:
    """A running sink that notes its letters."""
    notes = folder / "letters"
    with Processes(
        folder, os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    ) as processes:
        command = (sys.executable, "-m", "bench.sink", "--notes", str(notes), *options)
        processes.start("sink", *command)
        processes.wait_until(lambda: "}" in processes.said("sink"), what="The sink")
        ports = json.loads(processes.said("sink"))
        relay = Relay(smtp=ports["smtp"], control=ports["control"], notes=notes)
        try:
            yield relay
        finally:
            relay.close()


@contextmanager
def client(relay: Relay) -> Iterator[Client]:
    """A connection; the greeting is still to be heard."""
    port = int(relay.url.rpartition(":")[2])
    with (
        socket.create_connection((HOST, port), timeout=5) as connection,
        connection.makefile("rb", buffering=0) as lines,
    ):
        yield Client(connection, lines)


def greeted(made: Client) -> Client:
    assert made.hear()[0].startswith("220")
    return made


def envelope(address: str) -> bytes:
    return f"MAIL FROM:<b@example.org>\r\nRCPT TO:<{address}>\r\n".encode()


def letter(name: str, address: str) -> bytes:
    """A letter's head, pipelined up to the final dot; three answers, then one for the letter."""
    return envelope(address) + b"DATA\r\n" + HEAD % name.encode() + b"..dot\r\n.\r\n"


def chunked(name: str, address: str) -> bytes:
    octets = HEAD % name.encode() + b".\r\n"
    return envelope(address) + b"BDAT %d LAST\r\n" % len(octets) + octets
