"""A feed of 50 entries, by gzip and as 304: one web process of ours and nginx with the same bytes on disk.

Both are asked by wrk in turns, on the core that the servers leave.
"""

from __future__ import annotations

import gzip
import urllib.error
import urllib.request
from email.message import Message

from bench import filling, newsroom, web
from bench.book import CannotMeasure
from bench.running import Bench
from bench.services import HOST

TITLE = "A feed of fifty entries, beside nginx"
KEYS = ("feed_vs_nginx", "feed_304_vs_nginx")
_ENTRIES = 50
_GZIP = {"Accept-Encoding": "gzip"}
_NAME = "all.atom"
_PATH = f"/feeds/{_NAME}"


def run(bench: Bench) -> None:
    """Full and unchanged answers, ours and nginx's in turns within each round."""
    web.need("wrk")
    bench.ground.use(0)
    for number in range(_ENTRIES):
        newsroom.release(newsroom.make_brief(filling.SUBJECTS[number % 7 : number % 7 + 2]))
    newsroom.publish_all()
    with web.ours(bench.ground.folder) as port:
        status, headers, coded = get(port, _PATH, _GZIP)
        plain = gzip.decompress(coded)
        if status != 200 or plain.count(b"<entry") != _ENTRIES:
            raise CannotMeasure(f"the feed has {plain.count(b'<entry')} entries, status {status}")
        bench.notes["feed"] = f"{_ENTRIES} entries, {len(plain):,} octets, {len(coded):,} by gzip"
        with web.nginx(bench.ground.folder, {_NAME: plain, f"{_NAME}.gz": coded}) as other:
            theirs = get(other, f"/{_NAME}", _GZIP)
            if theirs[2] != coded:
                raise CannotMeasure("nginx serves other bytes")
            tags = {port: str(headers["ETag"]), other: str(theirs[1]["ETag"])}
            _rounds(bench, {"feed": (port, _PATH), "feed_nginx": (other, f"/{_NAME}")}, tags)


def _rounds(bench: Bench, servers: dict[str, tuple[int, str]], tags: dict[int, str]) -> None:
    seconds = bench.sizes.feed_seconds
    for number in range(1, bench.sizes.rounds + 1):
        for name, (port, path) in servers.items():
            figure = web.gets_per_second(port, path, _GZIP, seconds=seconds)
            bench.book.add(name, figure)
            held = _GZIP | {"If-None-Match": tags[port]}
            if get(port, path, held)[0] != 304:
                raise CannotMeasure(f"{name} does not say 304")
            unchanged = web.gets_per_second(port, path, held, seconds=seconds)
            bench.book.add(f"{name}_304", unchanged)
            bench.say(f"  round {number}: {name} {figure:,.0f}/s, 304 {unchanged:,.0f}/s")


def get(port: int, path: str, headers: dict[str, str]) -> tuple[int, Message, bytes]:
    """Status, headers and body of one GET, whatever the status."""
    request = urllib.request.Request(f"http://{HOST}:{port}{path}", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.headers, refusal.read()
