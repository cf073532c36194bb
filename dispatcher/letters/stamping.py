"""A compiled letter and one reader's values into that reader's whole message.

Decides how each slot is written where it stands. Constant bytes are only joined, which is what
makes a letter cost microseconds; signing takes what comes out of here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache

from dispatcher.letters.compiled import Compiled, Fill, Part
from dispatcher.letters.encoding import html_text, mailbox, quoted_printable
from dispatcher.letters.plaintext import wrapped
from dispatcher.letters.slots import BODY_SLOTS, SlotValues


def stamp(compiled: Compiled, values: SlotValues) -> bytes:
    """The whole message of one reader, ready for DATA: CRLF only and nothing to dot-stuff.

    The same values give the same bytes. It needs SMTPUTF8 just when the address is not ASCII.
    """
    head, body = stamp_parts(compiled, values)
    return head + body


def stamp_parts(compiled: Compiled, values: SlotValues) -> tuple[bytes, bytes]:
    """The message as its header block, empty line included, and its body: what a signer needs."""
    return _filled(compiled.head, values), _filled(compiled.body, values)


def is_fillable(fill: Fill) -> bool:
    """Whether a slot can be written in that form."""
    return fill in _WRITERS


def _filled(part: Part, values: SlotValues) -> bytes:
    pieces = [b""] * (2 * len(part.fills) + 1)
    pieces[::2] = part.constants
    pieces[1::2] = [_WRITERS[fill](values) for fill in part.fills]
    return b"".join(pieces)


@lru_cache(maxsize=64)
def _date(date: datetime) -> bytes:
    return format_datetime(date).encode("ascii")


# Readers of the same topics share the sentence, so it is set once.
@lru_cache(maxsize=1024)
def _reason(reason: str, form: str) -> bytes:
    return quoted_printable(html_text(reason) if form == "html" else wrapped(reason))


def _writers() -> Iterator[tuple[Fill, Callable[[SlotValues], bytes]]]:
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


def _text_writer(slot: str) -> Callable[[SlotValues], bytes]:
    return lambda values: quoted_printable(getattr(values, slot))


def _html_writer(slot: str) -> Callable[[SlotValues], bytes]:
    return lambda values: quoted_printable(html_text(getattr(values, slot)))


_WRITERS = dict(_writers())
