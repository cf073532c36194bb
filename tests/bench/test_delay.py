"""The forwarder that stands in for distance: everything arrives, in order, and not before its time."""

from __future__ import annotations

import asyncio
import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from bench.delay import HOST

EACH_WAY_MS = 20
Peer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while octets := await reader.read(70_000):
        writer.write(octets)
        await writer.drain()


async def take_leave(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"bye")


@contextmanager
def forwarder(to: int) -> Iterator[int]:
    """The port of `python -m bench.delay`, as long as the block lasts."""
    command = [sys.executable, "-m", "bench.delay", "--to", str(to), "--ms", str(EACH_WAY_MS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout
            yield json.loads(process.stdout.readline())["port"]
        finally:
            process.terminate()


async def through(peer: Peer, octets: bytes, *, answer: int) -> tuple[bytes, float]:
    """Send octets through the forwarder to a peer: its answer, and after how many seconds it was here."""
    ended = asyncio.Event()

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await peer(reader, writer)
        writer.close()
        await writer.wait_closed()
        ended.set()

    behind = await asyncio.start_server(meet, HOST, 0)
    async with behind:
        with forwarder(behind.sockets[0].getsockname()[1]) as port:
            reader, writer = await asyncio.open_connection(HOST, port)
            began = time.perf_counter()
            writer.write(octets)
            got = await (reader.readexactly(answer) if answer else reader.read())
            seconds = time.perf_counter() - began
            writer.close()
            await writer.wait_closed()
            await ended.wait()
    return got, seconds


def meeting(peer: Peer, octets: bytes, *, answer: int) -> tuple[bytes, float]:
    return asyncio.run(asyncio.wait_for(through(peer, octets, answer=answer), 20))


def test_octets_come_back_in_order_however_many() -> None:
    octets = b"".join(hashlib.sha256(n.to_bytes(4, "big")).digest() for n in range(40_000))
    assert meeting(echo, octets, answer=len(octets))[0] == octets


def test_the_way_there_and_back_takes_both_delays() -> None:
    assert meeting(echo, b"x", answer=1)[1] >= 2 * EACH_WAY_MS / 1_000


def test_an_end_is_handed_on_after_what_was_said_before_it() -> None:
    assert meeting(take_leave, b"", answer=0)[0] == b"bye"
