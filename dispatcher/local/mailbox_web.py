"""HTTP for the mailbox's pages: a thread a connection, loopback names only, strict headers.

A foreign page can make a browser ask this server under a name of its own (DNS rebinding), so a Host
that is not a loopback name is refused before anything is looked up.
"""

from __future__ import annotations

import socketserver
import sys
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from socket import AF_INET, AF_INET6, socket
from typing import Any
from urllib.parse import urlsplit

from dispatcher.local.mailbox_page import Answer, Pages

_ALWAYS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def is_local(host: str) -> bool:
    """Whether a Host header, or the host of an address to bind to, means this machine's loopback."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or ip_address(name).is_loopback
    except ValueError:
        return False


class Server(ThreadingHTTPServer):
    """Bound at once, serving once `pages` are given and `serve_forever` runs. Raises OSError."""

    request_queue_size = 64
    pages: Pages

    def __init__(self, host: str, port: int) -> None:
        self.address_family = AF_INET6 if ":" in host else AF_INET
        super().__init__((host, port), _Handler)

    def server_bind(self) -> None:
        socketserver.TCPServer.server_bind(self)  # HTTPServer's would ask the resolver for a name

    def handle_error(self, request: socket | tuple[bytes, socket], client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], OSError):  # a browser that went away is no news
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    server_version = "mailbox"
    sys_version = ""
    timeout = 20
    disable_nagle_algorithm = True
    error_content_type = "text/plain; charset=utf-8"
    error_message_format = "%(message)s\n"

    def do_GET(self) -> None:
        hosts = self.headers.get_all("Host", [])
        if len(hosts) == 1 and is_local(hosts[0]):
            self._send(self.server.pages.answer(self.path))
        else:
            words = b"This mailbox answers to localhost and 127.0.0.1 only.\n"
            self._send(Answer(words, "text/plain; charset=utf-8", HTTPStatus.MISDIRECTED_REQUEST))

    do_HEAD = do_GET  # noqa: N815

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        headers = {"Content-Type": answer.content_type, "Content-Length": str(len(answer.body))}
        for name, value in (headers | _ALWAYS | answer.headers).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base class names it
        """Nothing: whoever started the mailbox wants its own lines only."""
