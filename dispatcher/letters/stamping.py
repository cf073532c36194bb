"""A compiled letter and one reader's values into that reader's whole message.

Decides how each slot is written where it stands. Constant bytes are only joined, which is what
makes a letter cost microseconds; `signing` signs what comes out of here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache

from dispatcher.letters.compiled import Compiled, Fill, Part
from dispatcher.letters.encoding import html_text, mailbox, quoted_printable
from dispatcher.letters.plaintext import wrapped
from dispatcher.letters.slots import BODY_SLOTS, SlotValues

Writer = Callable[[SlotValues], bytes]


class Filler:
    """A part of a compiled letter, with the writers of its slots looked up once for all readers."""

    __slots__ = ("_empty", "_writers")

    def __init__(self, part: Part) -> None:
        self._writers = tuple(_WRITERS[fill] for fill in part.fills)
        self._empty = [b""] * (2 * len(part.fills) + 1)
        self._empty[::2] = part.constants

    def pieces(self, values: SlotValues) -> list[bytes]:
        """What one reader's values are in each fill, in order."""
        return [write(values) for write in self._writers]

    def whole(self, pieces: Sequence[bytes]) -> bytes:
        """The constants with those pieces between them."""
        filled = self._empty.copy()
        filled[1::2] = pieces
        return b"".join(filled)


class Stamper:
    """Makes the whole message of any reader of one compiled letter.

    The same values give the same bytes: CRLF only and nothing to dot-stuff, ready for DATA. They
    need SMTPUTF8 just when the address is not ASCII.
    """

    __slots__ = ("_body", "_head")

    def __init__(self, compiled: Compiled) -> None:
        self._head = Filler(compiled.head)
        self._body = Filler(compiled.body)

    def __call__(self, values: SlotValues) -> bytes:
        head, body = self.parts(values)
        return head + body

    def parts(self, values: SlotValues) -> tuple[bytes, bytes]:
        """The message as its header block, empty line included, and its body."""
        head, body = self._head, self._body
        return head.whole(head.pieces(values)), body.whole(body.pieces(values))


def stamp(compiled: Compiled, values: SlotValues) -> bytes:
    """One reader's message; for many readers of a letter, keep its `Stamper`."""
    return Stamper(compiled)(values)


def is_fillable(fill: Fill) -> bool:
    """Whether a slot can be written in that form."""
    return fill in _WRITERS


@lru_cache(maxsize=64)
def _date(date: datetime) -> bytes:
    return format_datetime(date).encode("ascii")


# Readers of the same topics share the sentence, so it is set once.
@lru_cache(maxsize=1024)
def _reason(reason: str, form: str) -> bytes:
    return quoted_printable(html_text(reason) if form == "html" else wrapped(reason))


def _writers() -> Iterator[tuple[Fill, Writer]]:
    yield ("to", "header"), lambda values: mailbox("To", values.name, values.address).encode()
    yield ("date", "header"), lambda values: _date(values.date)
    yield ("message_id", "header"), lambda values: values.message_id.encode("ascii")
    yield ("unsubscribe_url", "header"), lambda values: values.unsubscribe_url.encode("ascii")
    yield ("unsubscribe_mailto", "header"), lambda values: values.unsubscribe_mailto.encode("ascii")
    yield ("reason", "text"), lambda values: _reason(values.reason, "text")
    yield ("reason", "html"), lambda values: _reason(values.reason, "html")
    for slot in BODY_SLOTS:
        if slot != "reason":
            yield (slot, "text"), _text_writer(slot)
            yield (slot, "html"), _html_writer(slot)


def _text_writer(slot: str) -> Writer:
    return lambda values: quoted_printable(getattr(values, slot))


def _html_writer(slot: str) -> Writer:
    return lambda values: quoted_printable(html_text(getattr(values, slot)))


_WRITERS = dict(_writers())
