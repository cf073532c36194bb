"""One conversation of the tests' SMTP server: aiosmtpd's, with what the `Sink` is told to say or do.

It minds what a strict relay minds: nothing that was not offered, no command before its turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import MutableSet
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

if TYPE_CHECKING:
    from tests.sinks import Sink


class Fate(StrEnum):
    """What becomes of the connection when a letter to some address comes by."""

    CUT_AT_RCPT = "cut instead of an answer to RCPT"
    CUT_AT_DATA = "cut instead of an answer to DATA"
    CUT_IN_LETTER = "cut right after 354 or BDAT, before the letter is in"
    CUT_AFTER_DOT = "cut when the letter is in and kept, before the answer"
    HANG_AT_RCPT = "no answer to RCPT, ever"
    HANG_AFTER_DOT = "no answer once the letter is in and kept, ever"


@dataclass(frozen=True, slots=True)
class Letter:
    """What was taken: the envelope, and the octets without the dots that SMTP adds."""

    mail_from: str
    rcpt_to: tuple[str, ...]
    data: bytes
    options: tuple[str, ...] = ()


class Conversation(SMTP):
    """One connection. aiosmtpd calls its own methods and the `handle_…` hooks, all of this object."""

    def __init__(
        self, sink: Sink, loop: asyncio.AbstractEventLoop, open_ones: MutableSet[Conversation]
    ) -> None:
        self._sink = sink
        self._open_ones = open_ones
        self._chunks = b""
        super().__init__(
            self,
            hostname="sink.example.org",
            ident="sink",
            loop=loop,
            data_size_limit=sink.size,
            enable_SMTPUTF8=sink.utf8,
            tls_context=None if sink.implicit_tls else sink.tls,
            auth_require_tls=False,
            auth_exclude_mechanism=() if sink.users else ("PLAIN", "LOGIN"),
            authenticator=self._knows if sink.users else None,
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self not in self._open_ones:  # STARTTLS makes the same connection a second time
            self._sink.connections += 1
            self._open_ones.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._open_ones.discard(self)
        super().connection_lost(error)

    def cut(self) -> None:
        if isinstance(self.transport, asyncio.WriteTransport):
            with suppress(AttributeError):  # of Python 3.11.2's TLS, where the other end has gone
                self.transport.abort()

    def interject(self, reply: str) -> None:
        """Say something unasked."""
        self._writer.write(f"{reply}\r\n".encode())
        if reply.startswith("421"):
            self._writer.close()

    async def push(self, status: Any) -> None:
        text = status if isinstance(status, str) else status.decode()
        if self._sink.crumbs:
            for octet in f"{text}\r\n".encode():
                self._writer.write(bytes([octet]))
                await self._writer.drain()
                await asyncio.sleep(0)
        else:
            await super().push(status)
        assert self.envelope
        if text.startswith("354") and self._fate(*self.envelope.rcpt_tos) == Fate.CUT_IN_LETTER:
            await self._meet(Fate.CUT_IN_LETTER)
        is_last = text.startswith("5" if self._sink.hangs_up_on_refusal else "421")
        if is_last and self.transport is not None:
            self.transport.close()
            await asyncio.Event().wait()

    async def handle_EHLO(  # noqa: N802
        self,
        _server: SMTP,
        session: Session,
        _envelope: Envelope,
        hostname: str,
        responses: list[str],
    ) -> list[str]:
        await asyncio.sleep(self._sink.distance)
        session.host_name = hostname
        offers = {
            "PIPELINING": self._sink.pipelining,
            "ENHANCEDSTATUSCODES": self._sink.codes,
            "CHUNKING": self._sink.chunking,
            "SIZE": self._sink.size == 0,
        }
        told = [line for line in responses[:-1] if self._sink.eight_bit or "8BITMIME" not in line]
        more = [f"250-{keyword}" for keyword, is_offered in offers.items() if is_offered]
        return [*told, *more, responses[-1]]

    async def handle_NOOP(  # noqa: N802
        self, _server: SMTP, _session: Session, _envelope: Envelope, _arg: str
    ) -> str:
        await asyncio.sleep(self._sink.distance)
        return "250 2.0.0 ok"

    async def smtp_DATA(self, arg: str | None) -> None:  # noqa: N802
        assert self.envelope
        addresses = self.envelope.rcpt_tos
        self._mind_the_turn("DATA", is_last=True)
        if self._fate(*addresses) == Fate.CUT_AT_DATA:
            await self._meet(Fate.CUT_AT_DATA)
        scripted = [self._sink.invitations[a] for a in addresses if a in self._sink.invitations]
        if scripted:
            await self.push(scripted[0])
        elif self._sink.invites_all and not addresses:
            await self.push("354 to nobody then")
            while await self._reader.readline() != b".\r\n":
                self._sink.improper.append("a letter to nobody")
            await self.push("554 5.5.1 no valid recipients")
        else:
            await super().smtp_DATA(arg)

    async def smtp_BDAT(self, arg: str) -> None:  # noqa: N802
        """RFC 3030 §2; a chunk that is refused is read all the same."""
        assert self.envelope
        size, _, last = arg.partition(" ")
        fate = self._fate(*self.envelope.rcpt_tos)
        if fate in {Fate.CUT_AT_DATA, Fate.CUT_IN_LETTER}:
            await self._meet(fate)
        self._chunks += await self._reader.readexactly(int(size))
        if not self._sink.chunking:
            await self.push("502 5.5.1 not offered")
        elif not self.envelope.rcpt_tos:
            await self.push("503 5.5.1 need RCPT first")
            self._chunks = b""
        elif not last:
            await self.push(f"250 2.0.0 {size} octets")
        else:
            self.envelope.content, self._chunks = self._chunks, b""
            status = await self._call_handler_hook("DATA")
            self._set_post_data_state()
            await self.push(status)

    def _set_post_data_state(self) -> None:
        if self._sink.holds_on and getattr(self, "_is_refused", False):
            self._is_refused = False
            return
        super()._set_post_data_state()  # type: ignore[no-untyped-call]

    def _set_rset_state(self) -> None:
        self._is_refused = False
        self._chunks = b""
        super()._set_rset_state()  # type: ignore[no-untyped-call]

    async def handle_MAIL(  # noqa: N802
        self, _server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self._mind_the_turn("MAIL")
        if self._sink.users and not session.authenticated:
            return "530 5.7.0 authentication required"
        offered = {"SIZE": self._sink.size is not None, "BODY": self._sink.eight_bit}
        if not all(offered.get(option.partition("=")[0], True) for option in options):
            return "555 5.5.4 not offered"
        answer = self._sink.mail_answers.get(address, "250 2.1.0 ok")
        if answer.startswith("2"):
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return answer

    async def handle_RCPT(  # noqa: N802
        self,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
        address: str,
        _options: list[str],
    ) -> str:
        self._mind_the_turn("RCPT")
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
            options = tuple(envelope.mail_options)
            letter = Letter(envelope.mail_from or "", addresses, envelope.content, options)
            self._sink.letters.append(letter)
        if fate:
            await self._meet(fate)
        self._is_refused = not answer.startswith("2")
        return answer

    def _mind_the_turn(self, command: str, *, is_last: bool = False) -> None:
        """Note a client that goes on before it may (RFC 2920 §3.1)."""
        if self._reader._buffer and (is_last or not self._sink.pipelining):  # type: ignore[attr-defined]
            self._sink.improper.append(f"something right after {command}")

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
