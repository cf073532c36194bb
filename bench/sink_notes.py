"""What a sink notes: every connection and every letter that it took, a line each in a file.

A line is written with one `write` to a file opened for appending, before the answer goes out, so that
whoever is killed afterwards, sink or sender, the letter counts as accepted.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

SENT = "sent"
DROPPED = "dropped"  # the connection was closed instead of the answer
HUNG = "hung"  # the answer never came


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter that was taken: when, on which connection, and what became of the answer."""

    at: float
    connection: int
    answer: str
    message_id: str
    recipient: str


@dataclass(slots=True)
class Connection:
    """When it was opened and closed, in seconds since 1970; in order means after QUIT or 421."""

    number: int
    opened_at: float
    closed_at: float | None = None
    in_order: bool = False

    @property
    def is_lost(self) -> bool:
        return self.closed_at is not None and not self.in_order

    def is_open(self, at: float) -> bool:
        return self.opened_at <= at and (self.closed_at is None or self.closed_at >= at)


@dataclass(slots=True)
class Notes:
    """All that a notes file says from some place on; `end` is where it ended."""

    letters: list[Letter] = field(default_factory=list)
    connections: dict[int, Connection] = field(default_factory=dict)
    end: int = 0


def opened(at: float, connection: int) -> bytes:
    return f"open\t{at:.6f}\t{connection}\n".encode()


def closed(at: float, connection: int, *, in_order: bool) -> bytes:
    return f"close\t{at:.6f}\t{connection}\t{'ended' if in_order else 'lost'}\n".encode()


def letter(at: float, connection: int, answer: str, message_id: bytes, recipient: bytes) -> bytes:
    head = f"letter\t{at:.6f}\t{connection}\t{answer}\t".encode()
    return head + message_id + b"\t" + recipient + b"\n"


def read(path: Path, *, after: int = 0) -> Notes:
    """The notes of a file; letters only from `after` on, connections always. A torn last line is left."""
    raw = path.read_bytes()
    notes = Notes(end=raw.rfind(b"\n") + 1)
    _read_connections(raw[: notes.end].splitlines(), notes)
    for line in raw[after : notes.end].splitlines():
        kind, *rest = line.decode("utf-8", "surrogateescape").split("\t")
        if kind == "letter":
            at, connection, answer, message_id, recipient = rest
            notes.letters.append(Letter(float(at), int(connection), answer, message_id, recipient))
    return notes


def _read_connections(lines: Iterable[bytes], notes: Notes) -> None:
    for line in lines:
        if line.startswith(b"letter"):
            continue
        kind, at, number, *rest = line.decode().split("\t")
        if kind == "open":
            notes.connections[int(number)] = Connection(int(number), float(at))
        elif kind == "close":
            connection = notes.connections[int(number)]
            connection.closed_at, connection.in_order = float(at), rest == ["ended"]
