"""One connection to the sink, as a conversation: what each command is answered, and what goes wrong.

RFC 5321 with PIPELINING, 8BITMIME, SMTPUTF8, SIZE, ENHANCEDSTATUSCODES, and BDAT (RFC 3030) when
it is switched on. A sender is trusted: paths are taken as they stand.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

from bench import sink_notes
from bench.sink_faults import Fate, Faults
from bench.sink_framing import Framing
from bench.sink_notes import DROPPED, HUNG, SENT

_MARK = b"\nMessage-ID: "
_OK = b"250 2.0.0 OK\r\n"
_BYE = b"421 4.3.2 sink.example.org closes this connection\r\n"
_NO_SENDER = b"503 5.5.1 no sender\r\n"
_NO_RECIPIENT = b"503 5.5.1 no recipient\r\n"
_HELLO = b"250-sink.example.org\r\n"
_EXTENSIONS = b"250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-SIZE 52428800\r\n"


class Desk(Protocol):
    """What a connection wants of the sink that it belongs to."""

    faults: Faults
    accepted: int

    def opened(self, session: Session) -> int: ...
    def closed(self, session: Session) -> None: ...
    def note(self, lines: bytes) -> None: ...
    def drops_now(self) -> bool: ...
    def refuses_now(self, address: str) -> bool: ...


class Session(Framing):
    """One transaction after the other; what was taken is noted before anything is answered."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self._chunks: list[bytes] = []
        self._has_sender = False
        self._recipient = b""
        self._taken = 0
        self._is_ending = False
        self._has_ended = False  # in order: QUIT or 421
        self._notes: list[bytes] = []
        self._answers: list[bytes] = []
        self._commands = {
            b"MAIL": self._mail,
            b"RCPT": self._rcpt,
            b"DATA": self._data,
            b"BDAT": self._bdat,
            b"EHLO": self._ehlo,
            b"RSET": self._rset,
            b"QUIT": self._quit,
        }

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._number = self._desk.opened(self)
        if self.hears():
            self._answers.append(b"220 sink.example.org ESMTP\r\n")
            self.answer()

    def connection_lost(self, _error: Exception | None) -> None:
        self._desk.note(sink_notes.closed(time.time(), self._number, in_order=self._has_ended))
        self._desk.closed(self)

    def hears(self) -> bool:
        return self._desk.faults.hang != "silent"

    def command(self, line: bytes) -> None:
        self._answers.append(self._commands.get(line[:4].upper(), self._other)(line))

    def letter(self, octets: bytes) -> None:
        self._answers.append(self._end(octets))

    def chunk(self, octets: bytes, *, is_last: bool) -> None:
        if not self._recipient:
            self._answers.append(_NO_RECIPIENT)
            return
        self._chunks.append(octets)
        self._answers.append(self._end(b"".join(self._chunks)) if is_last else _OK)

    def answer(self) -> None:
        """Note what was taken, then answer it all."""
        if self._notes:
            self._desk.note(b"".join(self._notes))
            self._notes.clear()
        answers = b"".join(self._answers)
        self._answers.clear()
        if answers:
            self._later(lambda: self._transport.write(answers))
        if self._is_ending:
            self._later(self._transport.close)

    def bye(self) -> None:
        """Close it, if nothing is under way on it, as a server does that has waited long enough."""
        if self.is_between_commands and not self._has_sender and not self._is_deaf:
            self._answers.append(self._bye())
            self.answer()

    def _end(self, letter: bytes) -> bytes:
        """Take the whole letter or refuse it; the answer."""
        recipient, desk = self._recipient, self._desk
        self._reset()
        address = recipient.decode("utf-8", "replace")
        if desk.faults.refuses_letter(address) and (refusal := self._refusal(address)):
            return refusal
        answer = HUNG if desk.faults.hang == "after" else DROPPED if desk.drops_now() else SENT
        message_id = _message_id(letter)
        self._notes.append(
            sink_notes.letter(time.time(), self._number, answer, message_id, recipient)
        )
        desk.accepted += 1
        self._taken += 1
        if answer == SENT:
            return b"250 2.0.0 taken\r\n"
        self._is_deaf = True
        self._is_ending = answer == DROPPED
        return b""

    def _mail(self, _line: bytes) -> bytes:
        faults = self._desk.faults
        if faults.refuse or (faults.limit and self._taken >= faults.limit):
            return self._bye()
        self._has_sender = True
        return b"250 2.1.0 OK\r\n"

    def _rcpt(self, line: bytes) -> bytes:
        if not self._has_sender:
            return _NO_SENDER
        recipient = line[line.find(b"<") + 1 : line.rfind(b">")]
        address = recipient.decode("utf-8", "replace")
        if not self._desk.faults.refuses_letter(address) and (refusal := self._refusal(address)):
            return refusal
        self._recipient = recipient
        return b"250 2.1.5 OK\r\n"

    def _data(self, _line: bytes) -> bytes:
        if not self._recipient:
            return _NO_RECIPIENT
        self.expect_letter()
        return b"354 go on\r\n"

    def _bdat(self, line: bytes) -> bytes:
        _, octets, *last = line.split()
        self.expect_chunk(int(octets), is_last=bool(last))
        return b""

    def _ehlo(self, _line: bytes) -> bytes:
        chunking = b"250-CHUNKING\r\n" if self._desk.faults.chunking else b""
        return _HELLO + _EXTENSIONS + chunking + b"250 ENHANCEDSTATUSCODES\r\n"

    def _rset(self, _line: bytes) -> bytes:
        self._reset()
        return _OK

    def _other(self, _line: bytes) -> bytes:
        return self._bye() if self._desk.faults.refuse else _OK

    def _quit(self, _line: bytes) -> bytes:
        self._has_ended = self._is_deaf = self._is_ending = True
        return b"221 2.0.0 bye\r\n"

    def _bye(self) -> bytes:
        self._has_ended = self._is_deaf = self._is_ending = True
        return _BYE

    def _refusal(self, address: str) -> bytes:
        fate = self._desk.faults.fate(address)
        if fate is Fate.HARD:
            return b"550 5.1.1 nobody of that name\r\n"
        if fate is Fate.SOFT and self._desk.refuses_now(address):
            return b"450 4.2.1 busy, try again later\r\n"
        return b""

    def _reset(self) -> None:
        self._has_sender, self._recipient = False, b""
        self._chunks.clear()

    def _later(self, act: Callable[[], object]) -> None:
        slow = self._desk.faults.slow
        if slow:
            asyncio.get_running_loop().call_later(slow, act)
        else:
            act()


def _message_id(letter: bytes) -> bytes:
    start = 0 if letter.startswith(_MARK[1:]) else letter.find(_MARK) + 1
    if not letter.startswith(_MARK[1:], start):
        return b""
    start += len(_MARK) - 1
    return letter[start : letter.find(b"\r", start)].strip()
