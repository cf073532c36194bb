"""From the call of `release` until a brief was seen in every feed that it belongs to, among 1,000 feeds.

Real workers publish, a real web process serves; who looks is a client with a connection of its own that asks
as feed readers do, with If-None-Match. Feeds of two topics each come into being with the first GET.
"""

from __future__ import annotations

import gzip
import http.client
import itertools
import time
from collections.abc import Iterable

from bench import filling, newsroom, services, web
from bench.book import CannotMeasure
from bench.running import Bench
from bench.services import HOST

TITLE = "A brief in all its feeds, among a thousand"
KEYS = ("feed_visible_s",)
_SLUGS = tuple(name.lower().replace(" ", "-") for name in filling.SUBJECTS)
_ENTRIES = 50
_MOST = 60.0  # seconds


def run(bench: Bench) -> None:
    """One brief on two topics a round, after one that warms the workers up."""
    bench.ground.use(0)
    for number in range(_ENTRIES):
        newsroom.release(newsroom.make_brief(filling.SUBJECTS[number % 58 : number % 58 + 2]))
    newsroom.publish_all()
    with (
        services.fast_sink(bench.ground.folder) as relay,
        services.workers(bench.ground.folder, relay.url),
        web.ours(bench.ground.folder) as port,
    ):
        client = Client(port)
        made = [path for path in _addresses(bench.sizes.feeds) if client.look(path) == 200]
        bench.notes["feed_visible"] = f"{len(made):,} feeds were there"
        for number in range(bench.sizes.rounds + 1):
            about = (number % len(_SLUGS), (number + 7) % len(_SLUGS))
            seconds, feeds = _seen(client, made, about)
            if number:
                bench.book.add("feed_visible_s", seconds)
                bench.say(f"  round {number}: in {feeds} of {len(made):,} feeds in {seconds:.3f} s")


def _addresses(number: int) -> Iterable[str]:
    """The combined feed, each topic's, and as many of any of two topics as are wanted."""
    alone = ["/feeds/all.atom", *(f"/feeds/topics/{slug}.atom" for slug in _SLUGS)]
    pairs = (
        f"/feeds/any/{one},{other}.atom" for one, other in itertools.combinations(sorted(_SLUGS), 2)
    )
    return itertools.islice(itertools.chain(alone, pairs), number)


def _seen(client: Client, made: list[str], about: tuple[int, int]) -> tuple[float, int]:
    """Seconds until the new brief was in each of its feeds, and how many those are."""
    brief = newsroom.make_brief([filling.SUBJECTS[number] for number in about])
    topics = {_SLUGS[number] for number in about}
    left = {path for path in made if path == "/feeds/all.atom" or topics & _named(path)}
    feeds, wanted = len(left), f"brief/{brief.public_id}<".encode()
    began = time.perf_counter()
    newsroom.release(brief)
    while left:
        left = {path for path in left if client.look(path) != 200 or wanted not in client.body}
        if time.perf_counter() - began > _MOST:
            raise CannotMeasure(f"{len(left)} of {feeds} feeds lack the brief after {_MOST:.0f} s")
    return time.perf_counter() - began, feeds


def _named(path: str) -> set[str]:
    """The slugs in a feed's address."""
    return set(path.rpartition("/")[2].removesuffix(".atom").split(","))


class Client:
    """Polls over one connection, and says which copy it holds."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection(HOST, port, timeout=30)
        self._tags: dict[str, str] = {}
        self.body = b""

    def look(self, path: str) -> int:
        """The status of a GET; `body` is what it brought, decoded."""
        headers = {"Accept-Encoding": "gzip"}
        if path in self._tags:
            headers["If-None-Match"] = self._tags[path]
        self._connection.request("GET", path, headers=headers)
        answer = self._connection.getresponse()
        self.body = answer.read()
        if answer.status == 200:
            self._tags[path] = answer.headers["ETag"]
            if answer.headers["Content-Encoding"] == "gzip":
                self.body = gzip.decompress(self.body)
        return answer.status
