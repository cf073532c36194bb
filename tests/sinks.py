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
from enum import StrEnum
from typing import Any, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


class Fate(StrEnum):
    """What becomes of the connection when a letter to some address comes by."""

    CUT_AT_RCPT = "cut instead of an answer to RCPT"
    CUT_AT_DATA = "cut instead of an answer to DATA"
    CUT_IN_LETTER = "cut right after 354, before the letter is in"
    CUT_AFTER_DOT = "cut when the letter is in and kept, before the answer"
    HANG_AT_RCPT = "no answer to RCPT, ever"
    HANG_AFTER_DOT = "no answer once the letter is in and kept, ever"


@dataclass(frozen=True, slots=True)
class Letter:
    """What was taken: the envelope, and the octets without the dots that SMTP adds."""

    mail_from: str
    rcpt_to: tuple[str, ...]
    data: bytes


@dataclass(slots=True)
class Sink:
    """The server. All but the first five fields may be changed at any time, also while it runs.

    `answers` and `data_answers` are replies by address, to RCPT and to the final dot; a letter is kept
    when the dot is answered 2xx, or not at all. After a reply 421 the connection is closed. `users` are
    names and passwords; with any, a letter needs a sign-in. `tls` is offered by STARTTLS, or at once.
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
    connections: int = 0
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _thread: threading.Thread | None = None
    _server: asyncio.Server | None = None
    _open: set[_Conversation] = field(default_factory=set)

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

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._loop.run_forever, name="sink")
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(5)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._thread
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    async def _start(self) -> None:
        # A connection that is cut while the server writes is what some tests are about, no fault.
        self._loop.set_exception_handler(lambda _loop, _context: None)
        at_once = self.tls if self.implicit_tls else None
        self._server = await self._loop.create_server(
            lambda: _Conversation(self), "127.0.0.1", self.port, ssl=at_once
        )
        self.port = self._server.sockets[0].getsockname()[1]

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


class _Conversation(SMTP):
    """One connection. aiosmtpd calls its own methods and the `handle_…` hooks, all of this object."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        super().__init__(
            self,
            hostname="sink.example.org",
            ident="sink",
            loop=sink._loop,
            data_size_limit=None,
            enable_SMTPUTF8=sink.utf8,
            tls_context=None if sink.implicit_tls else sink.tls,
            auth_require_tls=False,
            auth_exclude_mechanism=() if sink.users else ("PLAIN", "LOGIN"),
            authenticator=self._knows if sink.users else None,
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self not in self._sink._open:  # STARTTLS makes the same connection a second time
            self._sink.connections += 1
            self._sink._open.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._sink._open.discard(self)
        super().connection_lost(error)

    def cut(self) -> None:
        if isinstance(self.transport, asyncio.WriteTransport):
            self.transport.abort()

    async def push(self, status: Any) -> None:
        await super().push(status)
        text = status if isinstance(status, str) else status.decode()
        assert self.envelope
        if text.startswith("354") and self._fate(*self.envelope.rcpt_tos) == Fate.CUT_IN_LETTER:
            await self._meet(Fate.CUT_IN_LETTER)
        is_last = text.startswith("5" if self._sink.hangs_up_on_refusal else "421")
        if is_last and self.transport is not None:
            self.transport.close()

    async def smtp_DATA(self, arg: str | None) -> None:  # noqa: N802
        assert self.envelope
        if self._fate(*self.envelope.rcpt_tos) == Fate.CUT_AT_DATA:
            await self._meet(Fate.CUT_AT_DATA)
        await super().smtp_DATA(arg)

    async def handle_MAIL(  # noqa: N802
        self, _server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self._sink.users and not session.authenticated:
            return "530 5.7.0 authentication required"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 ok"

    async def handle_RCPT(  # noqa: N802
        self,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
        address: str,
        _options: list[str],
    ) -> str:
        if self._fate(address) in {Fate.CUT_AT_RCPT, Fate.HANG_AT_RCPT}:
            await self._meet(self._fate(address))
        answer = self._sink.answers.get(address, "250 2.1.5 ok")
        if answer.startswith("2"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        addresses = tuple(envelope.rcpt_tos)
        scripted = [
            self._sink.data_answers[address]
            for address in addresses
            if address in self._sink.data_answers
        ]
        answer = scripted[0] if scripted else "250 2.0.0 kept"
        fate = self._fate(*addresses)
        if answer.startswith("2") or fate:
            assert isinstance(envelope.content, bytes)
            self._sink.letters.append(Letter(envelope.mail_from or "", addresses, envelope.content))
        if fate:
            await self._meet(fate)
        return answer

    def _fate(self, *addresses: str) -> Fate | None:
        return next((self._sink.fates[a] for a in addresses if a in self._sink.fates), None)

    async def _meet(self, fate: Fate | None) -> None:
        """Cut, or not; either way this conversation says no more until the connection is gone."""
        if fate not in {Fate.HANG_AT_RCPT, Fate.HANG_AFTER_DOT}:
            self.cut()
        await asyncio.Event().wait()

    def _knows(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: Any
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        password = self._sink.users.get(data.login.decode())
        # Not `handled` means that aiosmtpd says no for us.
        return AuthResult(success=password == data.password.decode(), handled=False)


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
