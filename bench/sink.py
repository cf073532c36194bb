"""A fast SMTP sink of our own, a process by itself: it takes every letter, notes it and can fail on order.

`python -m bench.sink --port 0` prints `{"smtp": PORT, "control": PORT}` when it is ready. A line of JSON
to the control port changes its faults, `{"set": {"drop": 0.01}}`, and is answered by its state; `{}` asks,
`{"bye": true}` closes idle connections.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from bench import sink_notes
from bench.sink_faults import Faults
from bench.sink_session import Session

HOST = "127.0.0.1"


class Sink:
    """The server and its state. Letters are counted always, and noted where there is a notes file."""

    def __init__(self, faults: Faults, *, notes: Path | None, seed: int) -> None:
        self.faults = faults
        self.accepted = 0
        self.smtp = 0
        self._sessions: set[Session] = set()
        self._opened = 0
        self._tries: Counter[str] = Counter()
        self._chance = random.Random(seed)
        self._server: asyncio.Server | None = None
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        self._notes = os.open(notes, flags, 0o644) if notes else -1

    async def listen(self, port: int) -> None:
        self._server = await asyncio.get_running_loop().create_server(
            lambda: Session(self), HOST, port, backlog=128
        )
        self.smtp = self._server.sockets[0].getsockname()[1]

    async def set(self, **changes: Any) -> None:
        """Change faults; the 4xx of addresses begin anew. Raises TypeError for what is none."""
        self.faults = replace(self.faults, **changes)
        if "soft" in changes:
            self._tries.clear()
        if self.faults.refuse and self._server:
            self._server.close()
            self._server = None
        elif not self.faults.refuse and not self._server:
            await self.listen(self.smtp)

    def bye(self) -> None:
        """Close the connections on which nothing is under way; a client opens new ones."""
        for session in list(self._sessions):
            session.bye()

    def state(self) -> dict[str, Any]:
        return {
            "faults": asdict(self.faults),
            "accepted": self.accepted,
            "connections": len(self._sessions),
            "opened": self._opened,
            "at": time.time(),
        }

    def opened(self, session: Session) -> int:
        self._sessions.add(session)
        self._opened += 1
        self.note(sink_notes.opened(time.time(), self._opened))
        return self._opened

    def closed(self, session: Session) -> None:
        self._sessions.discard(session)

    def note(self, lines: bytes) -> None:
        if self._notes >= 0:
            os.write(self._notes, lines)

    def drops_now(self) -> bool:
        every = self.faults.drop_every
        if every:
            return (self.accepted + 1) % every == 0
        return bool(self.faults.drop) and self._chance.random() < self.faults.drop

    def refuses_now(self, address: str) -> bool:
        self._tries[address] += 1
        return self._tries[address] <= self.faults.soft_tries


async def _control(sink: Sink, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while line := await reader.readline():
        try:
            asked = json.loads(line)
            await sink.set(**asked.get("set", {}))
            if asked.get("bye"):
                sink.bye()
            answer = sink.state()
        except (TypeError, ValueError, AttributeError) as fault:
            answer = {"error": str(fault)}
        writer.write(json.dumps(answer).encode() + b"\n")
        await writer.drain()
    writer.close()


async def _serve(given: argparse.Namespace) -> None:
    faults = Faults(**{field.name: getattr(given, field.name) for field in fields(Faults)})
    sink = Sink(faults, notes=given.notes, seed=given.seed)
    ending = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ending.set)
    await sink.listen(given.port)
    control = await asyncio.start_server(lambda r, w: _control(sink, r, w), HOST, given.control)
    ports = {"smtp": sink.smtp, "control": control.sockets[0].getsockname()[1]}
    print(json.dumps(ports), flush=True)
    await ending.wait()


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.sink", description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--control", type=int, default=0, help="port of the control channel")
    parser.add_argument("--notes", type=Path, help="file to which every letter is noted")
    parser.add_argument("--seed", type=int, default=1)
    for fault in fields(Faults):
        option = "--" + fault.name.replace("_", "-")
        if isinstance(fault.default, bool):
            parser.add_argument(option, action="store_true", default=fault.default)
        else:
            parser.add_argument(option, type=type(fault.default), default=fault.default)
    asyncio.run(_serve(parser.parse_args(arguments)))


if __name__ == "__main__":
    main(sys.argv[1:])
