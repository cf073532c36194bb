"""The SMTP side of the embedded mailbox: aiosmtpd's conversation, made quick, into the Maildir.

Everything is taken that the standard allows: a trial mailbox refuses what any relay would refuse,
and nothing for reasons of its own.
"""

from __future__ import annotations

import asyncio
import re

from aiosmtpd.smtp import SMTP, Envelope, Session

from dispatcher.local.mailbox_index import Index
from dispatcher.local.maildir import Maildir

_LARGEST = 32 * 1024 * 1024  # octets of a letter
_LONGEST_LINE = 1000  # octets with CRLF, RFC 5321 §4.5.3.1.6
# What nearly every address looks like; the rest is for the full parser, at some 40 µs each.
_PLAIN_ADDRESS = re.compile(r"<([\w!#$%&'*+/=?^`{|}~.-]+@[\w.-]+)>(.*)", re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Keeping:
    """What aiosmtpd asks when a letter is in."""

    def __init__(self, maildir: Maildir, index: Index) -> None:
        self._maildir = maildir
        self._index = index

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802
        sender = (envelope.mail_from or "").removeprefix("<").removesuffix(">")
        try:
            for address in envelope.rcpt_tos:
                letter = self._maildir.deliver(
                    envelope.original_content or b"", to=address, return_path=sender
                )
                self._index.add(letter)
        except OSError as fault:
            return f"452 4.3.1 the mailbox cannot be written: {fault.strerror}"
        return "250 2.0.0 kept"


class Conversation(SMTP):
    """aiosmtpd's session, but a letter is read in large pieces, not by lines: half the work."""

    line_length_limit = _LARGEST  # how far the reader looks ahead; lines are measured below

    def __init__(self, keeping: Keeping, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(
            keeping,
            hostname="localhost",
            ident="the embedded mailbox",
            data_size_limit=_LARGEST,
            enable_SMTPUTF8=True,
            loop=loop,
        )

    async def smtp_DATA(self, arg: str | None) -> None:  # noqa: N802
        if await self.check_helo_needed():
            return
        if arg or self.envelope is None or not self.envelope.rcpt_tos:
            await self.push("501 Syntax: DATA" if arg else "503 Error: need RCPT command")
            return
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        try:
            content = await self._letter()
        except asyncio.LimitOverrunError:
            await self.push("552 5.3.4 too large a letter")
            if self.transport is not None:
                self.transport.close()
            return
        if max(map(len, content.split(b"\r\n"))) + 2 > _LONGEST_LINE:
            status = "500 5.5.2 a line is longer than 998 octets (RFC 5321 4.5.3.1.6)"
        else:
            self.envelope.content = self.envelope.original_content = content
            status = await self._call_handler_hook("DATA")
        self._set_post_data_state()  # type: ignore[no-untyped-call]
        await self.push(status)

    async def _letter(self) -> bytes:
        """Up to the lone dot, with added dots taken off (RFC 5321 §4.5.2). Raises LimitOverrunError."""
        data = bytearray(b"\r\n")
        while not data.endswith(b"\r\n.\r\n"):
            data += await self._reader.readuntil(b".\r\n")
            if len(data) > _LARGEST:
                raise asyncio.LimitOverrunError("too large", len(data))
        return bytes(data[:-3].replace(b"\r\n.", b"\r\n")[2:])

    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        plain = _PLAIN_ADDRESS.fullmatch(arg.strip())
        if plain:
            return plain[1], plain[2]
        if _CONTROL.search(arg):  # would end up as lines of the stored file
            return None, None
        return super()._getaddr(arg)
