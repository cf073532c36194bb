"""The sink as the trials see it: a process of its own, told over its control channel what to do wrong."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

from bench import sink_notes
from bench.sink import HOST
from bench.sink_faults import Faults
from bench.sink_notes import Notes


class Relay:
    """A running sink. `faults` are those that it was told last."""

    def __init__(self, *, smtp: int, control: int, notes: Path) -> None:
        self.url = f"smtp://{HOST}:{smtp}"
        self.faults = Faults()
        self._notes = notes
        self._socket = socket.create_connection((HOST, control), timeout=10)
        self._lines = self._socket.makefile("rb")

    def close(self) -> None:
        self._lines.close()
        self._socket.close()

    def set(self, **changes: Any) -> None:
        """Change its faults from now on."""
        self.faults = Faults(**self._ask({"set": changes})["faults"])

    def behave(self) -> None:
        """No faults any more."""
        self._ask({"set": {name: getattr(Faults(), name) for name in Faults.__slots__}})
        self.faults = Faults()

    def accepted(self) -> int:
        """How many letters it took so far."""
        return int(self._ask({})["accepted"])

    def end_connections(self) -> None:
        """Close idle connections politely, so that the next ones learn what it offers now."""
        self._ask({"bye": True})

    def notes(self, *, after: int = 0) -> Notes:
        return sink_notes.read(self._notes, after=after)

    def place(self) -> int:
        """Where its notes end now."""
        return self._notes.stat().st_size

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        self._socket.sendall(json.dumps(request).encode() + b"\n")
        answer: dict[str, Any] = json.loads(self._lines.readline())
        if "error" in answer:
            raise ValueError(answer["error"])
        return answer
