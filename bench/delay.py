"""Distance where the kernel has no netem: a forwarder that hands every octet on a little later.

`python -m bench.delay --to PORT --ms 10` listens on a free port and prints `{"port": PORT}`. Order is kept
and bandwidth is not limited; each way takes that long.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections import deque
from collections.abc import Sequence

HOST = "127.0.0.1"


class End(asyncio.Protocol):
    """One side of a connection. What it reads goes out of the other side, as much later as is asked.

    An empty piece stands for the end of the connection, which takes as long to arrive.
    """

    def __init__(self, seconds: float) -> None:
        self.other: End | None = None
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._on_the_way: deque[tuple[float, bytes]] = deque()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if not self._on_the_way:
            self._loop.call_later(self._seconds, self._arrive)
        self._on_the_way.append((self._loop.time() + self._seconds, data))

    def connection_lost(self, _error: Exception | None) -> None:
        self._transport = None
        self.data_received(b"")

    def _arrive(self) -> None:
        """Hand on what has been on its way long enough, and come back for the next piece."""
        while self._on_the_way and self._on_the_way[0][0] <= self._loop.time():
            self._hand_on(self._on_the_way.popleft()[1])
        if self._on_the_way:
            self._loop.call_at(self._on_the_way[0][0], self._arrive)

    def _hand_on(self, data: bytes) -> None:
        other = self.other._transport if self.other else None
        if other is not None and data:
            other.write(data)
        elif other is not None:
            other.close()


class Near(End):
    """The side that was connected to; it connects to the far side before anything is on its way."""

    def __init__(self, to: int, seconds: float) -> None:
        super().__init__(seconds)
        self._to = to

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._connecting = self._loop.create_task(self._connect())

    async def _connect(self) -> None:
        far = End(self._seconds)
        far.other, self.other = self, far
        await self._loop.create_connection(lambda: far, HOST, self._to)


async def serve(to: int, seconds: float) -> None:
    """Forward connections until the process is ended."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Near(to, seconds), HOST, 0)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    await server.serve_forever()


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.delay", description=__doc__)
    parser.add_argument("--to", type=int, required=True, help="port to forward to")
    parser.add_argument("--ms", type=float, default=10.0, help="milliseconds each way")
    given = parser.parse_args(arguments)
    asyncio.run(serve(given.to, given.ms / 1_000))


if __name__ == "__main__":
    main(sys.argv[1:])
