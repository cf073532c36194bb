"""`python -m bench.readers [--leaves N] [--sign-ups N]`: what readers press, over a real web server.

One-click POSTs (RFC 8058) of so many readers, each of whom had one rule or several and gets a farewell
written; then floods of sign-ups that the limits must hold. Server, database and driver share the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench import ground, sizes
from dispatcher.local.processes import Processes, answers, free_port
from dispatcher.local.stack import web_server

CONNECTIONS = 16
FORM = "application/x-www-form-urlencoded"
Request = tuple[str, str, str]  # path, body, the visitor's address


def main() -> int:
    """Print the figures; 1 when something is not as it must be."""
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("--leaves", type=int, default=100_000)
    given.add_argument("--sign-ups", type=int, default=10_000)
    wanted = given.parse_args()
    with ground.laid(sizes.of(quick=False, rounds=1)) as laid:
        laid.use(wanted.leaves)
        with web(laid.folder) as port:
            is_well = leaves(port, wanted.leaves)
            return 0 if floods(port, wanted.sign_ups) and is_well else 1


@contextmanager
def web(folder: Path) -> Iterator[int]:
    """The web server as the compose file has it: two processes of eight threads."""
    port = free_port(0)
    with (
        tempfile.TemporaryDirectory(dir=folder, prefix="web-") as logs,
        Processes(Path(logs), {**os.environ, "ALLOWED_HOSTS": "127.0.0.1"}) as processes,
    ):
        processes.start(
            "web",
            *web_server("127.0.0.1", port, workers=2),
        )
        processes.wait_until(lambda: answers(port), what="The web server", seconds=60)
        yield port


def leaves(port: int, number: int) -> bool:
    """By the link of a letter that all of them had; the rate of each tenth, and that of a repeat."""
    from bench.filling import of_size
    from bench.letter import BY, make_brief
    from dispatcher.audience import access
    from dispatcher.audience.models import Subscriber, Subscription
    from dispatcher.mailing import dispatching
    from dispatcher.mailing.models import Notice

    topic = next(of_size(size) for size in sizes.FULL.audiences if size >= number)
    dispatch = dispatching.release(make_brief([topic], size=sizes.FULL.letter), by=BY)
    token = access.for_leaving()
    readers = Subscriber.objects.order_by("pk").values_list("pk", flat=True)[:number]
    posts = [
        (f"/leave/{token(pk, dispatch.pk, 0)}", "List-Unsubscribe=One-Click", "192.0.2.1")
        for pk in readers
    ]
    tenth = max(1, len(posts) // 10)
    all_taken: Counter[int] = Counter()
    rates, began = [], time.perf_counter()
    for at in range(0, len(posts), tenth):
        part = posts[at : at + tenth]
        taken, seconds = asyncio.run(drive(port, part))
        rates.append(len(part) / seconds)
        all_taken += taken
    seconds = time.perf_counter() - began
    live = Subscription.objects.filter(ended_at=None).count()
    _say(
        f"{len(posts):,} one-click POSTs: {seconds:.1f} s, {len(posts) / seconds:,.0f} a second "
        f"(tenths: median {statistics.median(rates):,.0f}, {min(rates):,.0f} to {max(rates):,.0f}), "
        f"{dict(all_taken)}; load {os.getloadavg()[0]:.1f}"
    )
    _say(f"rules left live: {live:,}; farewells written: {Notice.objects.count():,}")
    again, seconds = asyncio.run(drive(port, posts[:10_000]))
    _say(
        f"{sum(again.values()):,} of them again: {sum(again.values()) / seconds:,.0f} a second, {dict(again)}"
    )
    return live == 0 and set(all_taken) == {200} == set(again)


def floods(port: int, number: int) -> bool:
    from django.conf import settings

    from dispatcher.audience.limiting import valkey
    from dispatcher.mailing.models import Notice

    sign_up = "address={}&everything=yes&cadence=at+once"
    kinds = {
        "one address from ever other visitors": (
            [("/join", sign_up.format("eve@example.org"), _visitor(n)) for n in range(number)],
            settings.JOIN_PER_ADDRESS,
        ),
        "ever other addresses from one visitor": (
            [("/join", sign_up.format(f"r{n}@example.org"), "192.0.2.9") for n in range(number)],
            settings.JOIN_PER_VISITOR,
        ),
        "ever other addresses from ever other visitors": (
            [("/join", sign_up.format(f"s{n}@example.org"), _visitor(n)) for n in range(number)],
            settings.JOIN_PER_SITE,
        ),
    }
    is_held = True
    for name, (posts, most) in kinds.items():
        valkey().flushall()
        before = Notice.objects.count()
        taken, seconds = asyncio.run(drive(port, posts))
        letters = Notice.objects.count() - before
        _say(
            f"flood of {number:,}, {name}: {number / seconds:,.0f} a second, {dict(taken)}, "
            f"letters {letters:,} of at most {most:,}"
        )
        is_held = is_held and letters <= most
    return is_held


async def drive(port: int, posts: Sequence[Request]) -> tuple[Counter[int], float]:
    """Post all of them over a few connections; the answers by status, and the seconds it took."""
    taken: Counter[int] = Counter()
    left = iter(posts)

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for path, body, visitor in left:
            writer.write(
                f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Forwarded-For: {visitor}\r\n"
                f"Content-Type: {FORM}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
            )
            head = await reader.readuntil(b"\r\n\r\n")
            length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
            await reader.readexactly(int(length or 0))
            taken[int(head.split(b" ", 2)[1])] += 1
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(CONNECTIONS)))
    return taken, time.perf_counter() - began


def _visitor(number: int) -> str:
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
