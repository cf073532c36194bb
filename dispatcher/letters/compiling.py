"""A letter rendered with slots, and its headers, into bytes that can be stamped for any reader.

Decides the form of a message on the wire: RFC 5322 headers, multipart/alternative with text first
(RFC 2046 §5.1.4), utf-8, quoted-printable, CRLF.
"""

from __future__ import annotations

import hashlib
import re

from dispatcher.letters.compiled import Compiled, Fill, Part, joined
from dispatcher.letters.encoding import SOFT_BREAK, quoted_printable
from dispatcher.letters.headers import Headers, PerReader
from dispatcher.letters.rendering import Letter
from dispatcher.letters.slots import BODY_SLOTS, marker_pattern
from dispatcher.letters.stamping import is_fillable

_HEADER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9\-]*")
_HEADER_VALUE = re.compile(r"[!-~](?:[ -~]|\r\n [!-~])*")
_HEADER_SLOT = re.compile(r"\{([a-z_]+)\}")
_OURS = frozenset({"mime-version", "content-type", "content-transfer-encoding"})
_LONGEST_LINE = 998
_MAY_STAND_IN_TAGS = frozenset({"manage_url", "unsubscribe_url", "unsubscribe_mailto"})


def compile_letter(letter: Letter, headers: Headers) -> Compiled:
    """The letter as constant bytes with slots; the same input gives the same bytes.

    Raises ValueError for a header that is none and for a slot where no value may stand.
    """
    if not letter.nonce:
        raise ValueError("This letter was rendered for one reader; render it with slots.")
    # `=_` occurs in no quoted-printable text, so no value can forge it (RFC 2046 §5.1.1).
    digest = hashlib.sha256(f"{letter.text}\0{letter.html}".encode()).hexdigest()
    boundary = f"=_{digest[:32]}"
    head = [_header(name, value) for name, value in headers.items()]
    head.append(_mime_header(boundary))
    body = [
        _constant(_opening(boundary, "plain")),
        _body(letter.text, letter.nonce, "text"),
        _constant("\r\n" + _opening(boundary, "html")),
        _body(letter.html, letter.nonce, "html"),
        _constant(f"\r\n--{boundary}--\r\n"),
    ]
    return Compiled(head=joined(head), body=joined(body))


def _constant(text: str) -> Part:
    return Part((text.encode("ascii"),), ())


def _mime_header(boundary: str) -> Part:
    kind = f'multipart/alternative;\r\n boundary="{boundary}"'
    return _constant(f"MIME-Version: 1.0\r\nContent-Type: {kind}\r\n\r\n")


def _opening(boundary: str, subtype: str) -> str:
    return (
        f"--{boundary}\r\n"
        f'Content-Type: text/{subtype}; charset="utf-8"\r\n'
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    )


def _header(name: str, value: str | PerReader) -> Part:
    if not _HEADER_NAME.fullmatch(name) or name.lower() in _OURS:
        raise ValueError(f"{name!r} is no header that may be set.")
    text = value.template if isinstance(value, PerReader) else value
    lines = f"{name}: {text}".split("\r\n")
    if not _HEADER_VALUE.fullmatch(text) or len(max(lines, key=len)) > _LONGEST_LINE:
        raise ValueError(f"The header {name} has a value that may not stand on the wire.")
    if not isinstance(value, PerReader):
        return _constant(f"{name}: {value}\r\n")
    pieces = _HEADER_SLOT.split(f"{name}: {text}\r\n")
    fills = [(slot, "header") for slot in pieces[1::2]]
    return _part([piece.encode("ascii") for piece in pieces[::2]], fills)


def _body(text: str, nonce: str, form: str) -> Part:
    """Constant text starts on a fresh line, and so does each slot, after a soft break."""
    pieces = marker_pattern(nonce).split(text)
    texts = pieces[::2]
    fills = [(BODY_SLOTS[int(number)], form) for number in pieces[1::2]]
    for number, fill in enumerate(fills):
        _check_place(fill, texts[number], texts[number + 1])
    constants: list[bytes] = []
    for number, piece in enumerate(texts):
        follows_slot, precedes_slot = number > 0, number < len(fills)
        is_fresh = not piece or piece.endswith("\n")
        opening = SOFT_BREAK if follows_slot else b""
        closing = SOFT_BREAK if precedes_slot and not is_fresh else b""
        constants.append(opening + quoted_printable(piece) + closing)
    return _part(constants, fills)


def _check_place(fill: Fill, before: str, after: str) -> None:
    slot, form = fill
    is_in_tag = form == "html" and before.rfind("<") > before.rfind(">")
    if is_in_tag and slot not in _MAY_STAND_IN_TAGS:
        raise ValueError(f"The slot {slot!r} stands inside a tag.")
    # Its value is wrapped when it is stamped, so nothing else may share its line.
    if fill == ("reason", "text") and (before[-1:] + after[:1]).strip("\n"):
        raise ValueError("The slot 'reason' does not stand alone on its line.")


def _part(constants: list[bytes], fills: list[Fill]) -> Part:
    for slot, form in fills:
        if not is_fillable((slot, form)):
            raise ValueError(f"There is no slot {slot!r} for {form}.")
    return Part(tuple(constants), tuple(fills))
