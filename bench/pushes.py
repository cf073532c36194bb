"""`python -m bench.pushes [--rounds N] [--subscriptions N …]`: from a release to the callbacks of our hub.

Workers as the product has them, real requests and verifications, callbacks of one host on loopback. Time
runs from the call of `release` until a callback has the whole push, for the first and for the last of them.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import threading
import time
from dataclasses import dataclass, field

from bench import ground, services, sizes

FEED = "https://news.example.org/feeds/all.atom"


@dataclass
class Callbacks:
    """A web server that agrees to everything; `pushed` are the moments of pushes that came whole."""

    port: int = 0
    agreed: int = 0
    pushed: list[float] = field(default_factory=list)

    def start(self) -> None:
        is_up = threading.Event()
        threading.Thread(target=asyncio.run, args=(self._serve(is_up),), daemon=True).start()
        is_up.wait(10)

    async def _serve(self, is_up: threading.Event) -> None:
        server = await asyncio.start_server(self._take, "127.0.0.1", 0, limit=1_000_000)
        self.port = server.sockets[0].getsockname()[1]
        is_up.set()
        await server.serve_forever()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if head.startswith(b"GET"):
            body = head.partition(b"hub.challenge=")[2].split(b"&", 1)[0].split(b" ", 1)[0]
            self.agreed += 1
        else:
            length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
            await reader.readexactly(int(length))
            body = b""
            self.pushed.append(time.perf_counter())
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        await writer.drain()
        writer.close()


def main() -> int:
    """Print the medians; 1 when a push is missing or came twice."""
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("--rounds", type=int, default=9)
    given.add_argument("--subscriptions", type=int, nargs="*", default=[1, 200])
    wanted = given.parse_args()
    os.environ |= {"OUTBOUND_NETWORKS": "127.0.0.0/8", "HUB_PER_VISITOR": "1000000"}
    with ground.laid(sizes.of(quick=True, rounds=1)) as laid:
        laid.use(0)
        with services.workers(laid.folder, "smtp://127.0.0.1:9"):
            return int(not all(measure(number, wanted.rounds) for number in wanted.subscriptions))


def measure(subscriptions: int, rounds: int) -> bool:
    """So many callbacks ask, then briefs are released one after the other; whether each had each once."""
    from bench import filling, letter, releasing
    from dispatcher.feeds.hub import asking
    from dispatcher.feeds.models_hub import HubSubscription
    from dispatcher.mailing import dispatching

    callbacks = Callbacks()
    callbacks.start()
    HubSubscription.objects.all().delete()
    for number in range(subscriptions):
        callback = f"http://127.0.0.1:{callbacks.port}/{number}"
        fields = {"hub.mode": "subscribe", "hub.topic": FEED, "hub.callback": callback}
        # No visitor may have more pending than a few hundred.
        asking.ask({**fields, "hub.secret": "s3cret"}, visitor=f"198.51.100.{number // 100}")
    live = HubSubscription.objects.filter(ended_at=None)
    releasing.until(lambda: live.count() == subscriptions, what="the subscriptions", most=120)
    first, last, is_well = [], [], True
    for _ in range(rounds):
        callbacks.pushed.clear()
        brief = letter.make_brief((filling.SUBJECTS[0],), size=20_480)
        began = time.perf_counter()
        dispatching.release(brief, by=letter.BY, to_feeds_alone=True)
        releasing.until(
            lambda: len(callbacks.pushed) >= subscriptions, what="the pushes", most=60, look=0.005
        )
        first.append(callbacks.pushed[0] - began)
        last.append(callbacks.pushed[-1] - began)
        time.sleep(1)  # what comes twice would come now
        is_well = is_well and len(callbacks.pushed) == subscriptions
    _say(
        f"{subscriptions:,} subscriptions, {rounds} releases: first push after"
        f" {statistics.median(first):.3f} s (up to {max(first):.3f}), last after"
        f" {statistics.median(last):.3f} s (up to {max(last):.3f}); each came once: {is_well}"
    )
    return is_well


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
