"""Feeds at addresses of this machine, as any web server gives them: with an ETag, and 304 to who has it.

For what the web process does not do: answers that a browser must ask for again at once.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from dispatcher.feeds.building import etag


@dataclass(frozen=True, slots=True)
class Page:
    content_type: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Stand:
    """Pages by path, which a test may change, and the status of every answer by path."""

    base_url: str
    pages: dict[str, Page] = field(default_factory=dict)
    answers: dict[str, list[int]] = field(default_factory=dict)


@contextmanager
def stand() -> Iterator[Stand]:
    """A server on loopback until the block ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    held = Stand(f"http://127.0.0.1:{server.server_port}")
    server.held = held  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield held
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # of older ones browsers keep no ETag

    def do_GET(self) -> None:
        held: Stand = self.server.held  # type: ignore[attr-defined]
        page = held.pages.get(self.path)
        if page is None:
            held.answers.setdefault(self.path, []).append(404)
            self._answer(404, {}, b"")
            return
        tag = etag(page.body)
        is_held = self.headers.get("If-None-Match") == tag
        status, body = (304, b"") if is_held else (200, page.body)
        held.answers.setdefault(self.path, []).append(status)
        more = {} if is_held else {"Content-Type": page.content_type, **page.headers}
        self._answer(status, {"ETag": tag, **more}, body)

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        length = {} if status == 304 else {"Content-Length": str(len(body))}
        for name, value in {**headers, **length, "Connection": "close"}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *said: Any) -> None:
        """Nothing: the test asks the stand."""
