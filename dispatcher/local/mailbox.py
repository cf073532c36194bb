"""The embedded mailbox: takes every letter on loopback, keeps it in a Maildir, shows it on a page.

Run as `python -m dispatcher.local.mailbox --folder DIR`. Once both ports are open it prints one line of
JSON (`smtp`, `http`: their URLs) and runs until SIGTERM or SIGINT. Port 0 is any free port.
"""

from __future__ import annotations

import argparse
import asyncio
import errno
import json
import logging
import signal
import socket
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from dispatcher.errors import Refusal
from dispatcher.local.mailbox_index import Index
from dispatcher.local.mailbox_page import Pages
from dispatcher.local.mailbox_smtp import Conversation, Keeping
from dispatcher.local.mailbox_web import Server, is_local
from dispatcher.local.maildir import Maildir, messages


class CannotRun(Refusal):
    """A port is taken or not on loopback, or the folder cannot be used."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the mailbox; the exit status. 1 is one line on stderr, 2 is wrong usage."""
    options = _options(arguments)
    logging.getLogger("mail.log").setLevel(logging.ERROR)  # aiosmtpd writes several lines a letter
    try:
        smtp = _listen(*options.smtp)
        web = _web(*options.http)
        maildir = _maildir(options.folder)
    except Refusal as refusal:
        sys.stderr.write(f"{refusal}\n")
        return 1
    index = Index(messages(options.folder))
    smtp_url, http_url = _url("smtp", smtp), _url("http", web.socket)
    web.pages = Pages(index, smtp_url)
    threading.Thread(target=web.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
    try:
        asyncio.run(_take_mail(smtp, Keeping(maildir, index), {"smtp": smtp_url, "http": http_url}))
    finally:
        web.shutdown()
        web.server_close()
    return 0


async def _take_mail(listener: socket.socket, keeping: Keeping, ready: dict[str, str]) -> None:
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    server = await loop.create_server(lambda: Conversation(keeping, loop), sock=listener)
    sys.stdout.write(json.dumps(ready) + "\n")
    sys.stdout.flush()
    await stopped.wait()
    server.close()  # open conversations end with the loop


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="dispatcher.local.mailbox", description="Takes mail on loopback and shows it."
    )
    parser.add_argument(
        "--folder", type=Path, required=True, help="the Maildir, made where missing"
    )
    parser.add_argument("--smtp", type=_place, default="127.0.0.1:1025", metavar="HOST:PORT")
    parser.add_argument("--http", type=_place, default="127.0.0.1:8025", metavar="HOST:PORT")
    return parser.parse_args(arguments)


def _place(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65_535:
        raise argparse.ArgumentTypeError(f"{text!r} is not like 127.0.0.1:1025")
    return ("127.0.0.1" if host == "localhost" else host.strip("[]")), int(port)


def _listen(host: str, port: int) -> socket.socket:
    with _refusing("--smtp", host, port):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=64)


def _web(host: str, port: int) -> Server:
    with _refusing("--http", host, port):
        return Server(host, port)


def _maildir(folder: Path) -> Maildir:
    try:
        return Maildir(folder)
    except OSError as fault:
        words = fault.strerror or fault
        raise CannotRun(
            f"{folder} cannot keep mail ({words}); name another with --folder."
        ) from None


@contextmanager
def _refusing(option: str, host: str, port: int) -> Iterator[None]:
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    if not is_local(address):
        raise CannotRun(
            f"{address} is not on loopback, and this mailbox is for nobody else; see {option}."
        )
    try:
        yield
    except OSError as fault:
        if fault.errno == errno.EADDRINUSE:
            raise CannotRun(
                f"{address} is taken by another program; name a free port with {option}."
            ) from None
        raise CannotRun(f"{address} cannot be opened ({fault.strerror}); see {option}.") from None


def _url(scheme: str, listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


if __name__ == "__main__":
    sys.exit(main())
