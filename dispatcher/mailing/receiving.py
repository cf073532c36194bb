"""A door for mail that comes back: SMTP or LMTP, for return paths and ways out of our own and nothing else.

A message is answered 250 once what follows from it is committed, and 451 while that cannot be, so that
the server in front keeps it: by LMTP for each of its recipients, by SMTP for all of them at once.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session
from django.conf import settings
from django.db import Error, connection

from dispatcher.audience.tokens import Purpose, unseal
from dispatcher.errors import BadToken
from dispatcher.mailing import receipts

log = logging.getLogger(__name__)

LARGEST = 10 * 1024 * 1024  # octets of a message; what a report needs is in the first half million
PATIENCE = 120.0  # seconds for a command
MOST_RECIPIENTS = 100  # of a message, as many as must be taken (RFC 5321 §4.5.3.1.8)
TAKEN = "250 2.0.0 taken"
_DOORS = {
    "bounces": ((Purpose.RETURN_PATH, 1, 0), (Purpose.NOTICE_PATH, 1, 0)),
    "unsubscribe": ((Purpose.LEAVE, 2, 1),),
}


def is_ours(address: str) -> bool:
    """Whether mail to this address is about a letter of ours: its token must be one that we sealed."""
    local, _, domain = address.rpartition("@")
    name, _, token = local.partition("+")
    if domain.lower() != settings.MAIL_DOMAIN.lower():
        return False
    for purpose, count, more in _DOORS.get(name.lower(), ()):
        with suppress(BadToken):
            unseal(purpose, token, count=count, more=more)
            return True
    return False


class Door:
    """What aiosmtpd asks."""

    def __init__(self, source: str) -> None:
        self._source = source

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        del server, session, options
        if not is_ours(address):
            return "550 5.1.1 no such address here"
        if len(envelope.rcpt_tos) >= MOST_RECIPIENTS:
            return "452 4.5.3 so many recipients at a time, and no more"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """The reply for all recipients; for LMTP one for each, in their order, on lines of their own."""
        del session
        octets = envelope.original_content or b""
        replies = [await asyncio.to_thread(self._taken, octets, to) for to in envelope.rcpt_tos]
        if isinstance(server, LMTP):
            return "\r\n".join(replies)
        # What was taken of it is counted once, also when the whole comes again.
        return next((reply for reply in replies if reply != TAKEN), TAKEN)

    def _taken(self, octets: bytes, to: str) -> str:
        try:
            words = receipts.take(octets, to=to, source=self._source)
        except Error as fault:
            log.warning("what came for %s cannot be kept now: %s", to.partition("+")[0], fault)
            return "451 4.3.0 try again later"
        except Exception:
            log.exception("what came for %s was not understood", to.partition("+")[0])
            return "451 4.3.0 try again later"
        finally:
            connection.close()  # this thread's own, and its next message may be days away
        log.info("came back: %s", words)
        return TAKEN


class Lmtp(LMTP):
    """aiosmtpd's, with a reply for each recipient once the message is in, whatever it is (RFC 2033 §4.2)."""

    _owed = 0  # replies

    async def push(self, status: str | bytes) -> None:
        status = status.decode() if isinstance(status, bytes) else status
        if status.startswith("354"):
            self._owed = len(self.envelope.rcpt_tos) if self.envelope else 0
            await super().push(status)
            return
        replies = status.split("\r\n")
        if self._owed and len(replies) != self._owed:  # of aiosmtpd itself, about the message
            replies = [status] * self._owed
        self._owed = 0
        for reply in replies:
            await super().push(reply)


async def listen(host: str, port: int, *, by_lmtp: bool) -> asyncio.Server:
    """Open the door and return it, serving. Raises OSError when the port is not to be had."""
    kind = Lmtp if by_lmtp else SMTP
    door = Door("LMTP" if by_lmtp else "SMTP")
    loop = asyncio.get_running_loop()

    def conversation() -> SMTP:
        return kind(
            door,
            hostname=settings.MAIL_DOMAIN,
            ident="returns",
            data_size_limit=LARGEST,
            enable_SMTPUTF8=True,
            timeout=PATIENCE,
            loop=loop,
        )

    return await loop.create_server(conversation, host, port)
