"""A mail API on loopback, in Mailgun's or Postmark's shape: it keeps requests and answers as it is told."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs


@dataclass(slots=True)
class Request:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        return {key: values[0] for key, values in parse_qs(self.body.decode()).items()}

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(slots=True)
class Web:
    """`answers` by what stands in the request's body: a status and JSON, or None to hang up unanswered."""

    answer: tuple[int, dict[str, Any]]
    port: int = 0
    requests: list[Request] = field(default_factory=list)
    answers: dict[str, tuple[int, Any] | None] = field(default_factory=dict)
    connections: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def web(status: int, **answer: Any) -> Iterator[Web]:
    """A running API that gives that answer unless told otherwise."""
    state = Web((status, answer))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            state.connections += 1
            super().setup()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            state.requests.append(Request(self.path, dict(self.headers), body))
            found = [given for text, given in state.answers.items() if text.encode() in body]
            given = found[0] if found else state.answer
            if given is None:
                self.close_connection = True
                return
            content = json.dumps(given[1]).encode()
            self.send_response(given[0])
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Tests look at what was kept."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        state.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield state
        finally:
            server.shutdown()
            thread.join()
