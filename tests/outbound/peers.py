"""Servers on loopback that do as they are told: the callbacks of strangers, well behaved and not."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


@dataclass
class Asked:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def query(self) -> dict[str, str]:
        return {key: values[0] for key, values in parse_qs(urlsplit(self.path).query).items()}


@dataclass
class Answered:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


def echo(asked: Asked) -> Answered:
    """As a subscriber that agrees to everything (WebSub §5.3)."""
    return Answered(body=asked.query.get("hub.challenge", "").encode())


@dataclass
class Peer:
    """A web server; `asked` is all that came, `answer` may be changed at any moment."""

    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    answer: Callable[[Asked], Answered] = echo

    def of(self, method: str) -> list[Asked]:
        return [each for each in self.asked if each.method == method]


@contextmanager
def peer(answer: Callable[[Asked], Answered] = echo) -> Iterator[Peer]:
    """A server on a free port of loopback, until the block ends."""
    own = Peer(answer=answer)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            asked = Asked(self.command, self.path, dict(self.headers), self.rfile.read(length))
            own.asked.append(asked)
            answered = own.answer(asked)
            with suppress(OSError):
                self.send_response(answered.status)
                for name, value in answered.headers.items():
                    self.send_header(name, value)
                if "Content-Length" not in answered.headers:
                    self.send_header("Content-Length", str(len(answered.body)))
                self.end_headers()
                self.wfile.write(answered.body)

        do_POST = do_GET  # noqa: N815  as it is called there

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  as it is there
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

    server = Server(("127.0.0.1", 0), Handler)
    own.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield own
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def raw(serve: Callable[[socket.socket, threading.Event], None]) -> Iterator[str]:
    """A server of one's own manners: `serve` gets each connection, and an event that says when to end."""
    is_over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.05)

        def accept() -> None:
            while not is_over.is_set():
                with suppress(OSError):
                    connection, _ = listening.accept()
                    threading.Thread(target=one, args=(connection,), daemon=True).start()

        def one(connection: socket.socket) -> None:
            with connection, suppress(OSError):
                serve(connection, is_over)

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            is_over.set()
            thread.join()


def hang(_connection: socket.socket, is_over: threading.Event) -> None:
    """Takes the connection and says nothing."""
    is_over.wait(30)


def drip(head: bytes) -> Callable[[socket.socket, threading.Event], None]:
    """An octet every few milliseconds, without end, after this head."""

    def serve(connection: socket.socket, is_over: threading.Event) -> None:
        connection.recv(65_536)
        connection.sendall(head)
        while not is_over.wait(0.02):
            connection.sendall(b"x")

    return serve
