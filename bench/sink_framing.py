"""Raw bytes of an SMTP connection cut into commands, letters and chunks, however they come in.

What they mean is for the class beneath. Whatever one read brings is dealt with before anything is
answered, so a pipelining client costs one write for each of its own.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod

_READ = 1 << 18


class Framing(asyncio.BufferedProtocol, ABC):
    """Reads into one buffer of its own. `expect_letter` and `expect_chunk` say what comes next."""

    def __init__(self) -> None:
        self._room = bytearray(_READ)
        self._view = memoryview(self._room)
        self._pending = bytearray()
        self._searched = 0  # how far the end of a letter has been looked for
        self._in_letter = False
        self._chunk: tuple[int, bool] | None = None  # octets of the chunk in hand; is it the last
        self._is_deaf = False  # what comes in is no longer looked at

    @abstractmethod
    def hears(self) -> bool:
        """Whether what comes in now is looked at; once it was not, it never is again."""

    @abstractmethod
    def command(self, line: bytes) -> None:
        """A command line, without its end."""

    @abstractmethod
    def letter(self, octets: bytes) -> None:
        """A whole letter after DATA, without the final dot; other dots are as they came."""

    @abstractmethod
    def chunk(self, octets: bytes, *, is_last: bool) -> None:
        """One chunk after BDAT."""

    @abstractmethod
    def answer(self) -> None:
        """All that has come in was dealt with."""

    def expect_letter(self) -> None:
        self._in_letter = True

    def expect_chunk(self, octets: int, *, is_last: bool) -> None:
        self._chunk = (octets, is_last)

    @property
    def is_between_commands(self) -> bool:
        return not (self._pending or self._in_letter or self._chunk)

    def get_buffer(self, _sizehint: int) -> memoryview:
        return self._view

    def buffer_updated(self, nbytes: int) -> None:
        if self._is_deaf or not self.hears():
            self._is_deaf = True
            return
        self._pending += self._view[:nbytes]
        while not self._is_deaf and self._step():
            pass
        self.answer()

    def _step(self) -> bool:
        """Deal with the next line, letter or chunk; False when there is none in full."""
        if self._in_letter:
            return self._end_of_letter()
        if self._chunk is not None:
            return self._end_of_chunk(*self._chunk)
        end = self._pending.find(b"\r\n")
        if end < 0:
            return False
        line = self._take(end, 2)
        self.command(line)
        return True

    def _end_of_letter(self) -> bool:
        if self._pending.startswith(b".\r\n"):
            end, mark = 0, 3
        else:
            end, mark = self._pending.find(b"\r\n.\r\n", self._searched), 5
        if end < 0:
            self._searched = max(0, len(self._pending) - 4)
            return False
        self._in_letter, self._searched = False, 0
        self.letter(self._take(end, mark))
        return True

    def _end_of_chunk(self, octets: int, is_last: bool) -> bool:
        if len(self._pending) < octets:
            return False
        self._chunk = None
        self.chunk(self._take(octets, 0), is_last=is_last)
        return True

    def _take(self, octets: int, mark: int) -> bytes:
        taken = bytes(self._pending[:octets])
        del self._pending[: octets + mark]
        return taken
