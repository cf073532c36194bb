"""A real SMTP server for tests, on a free port of loopback: it keeps letters and says what it is told.

`with Sink() as sink: sink.url, sink.letters, sink.answers[address] = "550 5.1.1 no such user"`.
What an answer means for a delivery is for the tests.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Self

from tests.taking import Conversation, Fate, Letter

__all__ = ["Fate", "Letter", "Sink", "refusing_url", "silent_url"]


@dataclass(slots=True)
class Sink:
    """The server. All but the first five fields may be changed at any time, also while it runs.

    Replies by address: `answers` to RCPT, `invitations` to DATA, `data_answers` to the final dot or BDAT;
    `mail_answers` to MAIL by return path. A letter is kept when its end is answered 2xx, or not at all.
    After a reply 421 the connection is closed. `users` are names and passwords; with any, a letter needs
    a sign-in. `tls` is offered by STARTTLS, or at once. `size` is the largest letter, 0 for no limit told,
    None for no SIZE. `distance` is how many seconds EHLO and NOOP take. With `crumbs` each octet of a
    reply goes alone. `invites_all`: DATA is answered 354 though nobody is to have the letter.
    `holds_on`: a refusal at the end leaves the transaction open. `improper` is what was written too early.
    """

    port: int = 0
    tls: ssl.SSLContext | None = None
    implicit_tls: bool = False
    utf8: bool = True
    users: Mapping[str, str] = field(default_factory=dict)
    letters: list[Letter] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    data_answers: dict[str, str] = field(default_factory=dict)
    fates: dict[str, Fate] = field(default_factory=dict)
    hangs_up_on_refusal: bool = False
    pipelining: bool = False
    eight_bit: bool = True
    size: int | None = None
    codes: bool = True
    chunking: bool = False
    distance: float = 0.0
    crumbs: bool = False
    invites_all: bool = False
    holds_on: bool = False
    mail_answers: dict[str, str] = field(default_factory=dict)
    invitations: dict[str, str] = field(default_factory=dict)
    improper: list[str] = field(default_factory=list)
    connections: int = 0
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _thread: threading.Thread | None = None
    _server: asyncio.Server | None = None
    _open: set[Conversation] = field(default_factory=set)

    @property
    def url(self) -> str:
        scheme = "smtps" if self.implicit_tls else "smtp"
        return f"{scheme}://127.0.0.1:{self.port}"

    @property
    def addresses(self) -> list[str]:
        """To whom the kept letters went, in order."""
        return [address for letter in self.letters for address in letter.rcpt_to]

    def hang_up(self) -> None:
        """Cut every open connection; new ones are taken as before."""
        asyncio.run_coroutine_threadsafe(self._hang_up(), self._loop).result(5)

    def say(self, reply: str) -> None:
        """Say something unasked over every open connection."""
        asyncio.run_coroutine_threadsafe(self._say(reply), self._loop).result(5)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._loop.run_forever, name="sink")
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(5)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._thread
        try:
            asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(5)
        finally:  # a thread that runs on would keep the tests from ending
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(5)
            self._loop.close()

    async def _start(self) -> None:
        # A connection that is cut while the server writes is what some tests are about, no fault.
        self._loop.set_exception_handler(lambda _loop, _context: None)
        at_once = self.tls if self.implicit_tls else None
        self._server = await self._loop.create_server(
            lambda: Conversation(self, self._loop, self._open), "127.0.0.1", self.port, ssl=at_once
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def _say(self, reply: str) -> None:
        for conversation in list(self._open):
            conversation.interject(reply)

    async def _hang_up(self) -> None:
        for conversation in list(self._open):
            conversation.cut()
        await asyncio.sleep(0)

    async def _stop(self) -> None:
        assert self._server
        self._server.close()
        await self._hang_up()
        mine = asyncio.current_task()
        await asyncio.gather(
            *(task for task in asyncio.all_tasks() if task is not mine), return_exceptions=True
        )


@contextmanager
def refusing_url() -> Iterator[str]:
    """A relay URL where every connection is refused, for as long as the block lasts."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"smtp://127.0.0.1:{held.getsockname()[1]}"


@contextmanager
def silent_url() -> Iterator[str]:
    """A relay URL where connections are taken and nothing is ever said."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        yield f"smtp://127.0.0.1:{held.getsockname()[1]}"
