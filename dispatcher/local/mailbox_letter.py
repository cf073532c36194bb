"""A letter's bytes taken apart for showing: headers as they read, the HTML and the text part. Pure.

Whatever bytes come in, something can be shown; nothing is judged or mended here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from email.parser import BytesHeaderParser

from dispatcher.local.maildir import decoded

# Links leave the frame that shows the letter; the letter's own bytes stay as they are.
_BASE = '<base target="_blank">'
_PLACES = tuple(
    re.compile(tag, re.IGNORECASE)
    for tag in (r"<head(?:\s[^>]*)?>", r"<html(?:\s[^>]*)?>", r"<!doctype[^>]*>")
)
_PREAMBLE = 4096  # characters; a head that begins later is none


@dataclass(frozen=True, slots=True)
class Letter:
    """`headers` in the order of the message, decoded; a part that the letter lacks is None."""

    headers: list[tuple[str, str]]
    html: str | None
    text: str | None


def taken_apart(data: bytes) -> Letter:
    """The first HTML and the first plain text part that are no attachments. Never raises."""
    message = BytesHeaderParser().parsebytes(data)
    headers = [(name, decoded(_octets(value))) for name, value in message.raw_items()]
    try:
        parts = [part for part in message_from_bytes(data).walk() if not part.is_multipart()]
    except RecursionError:  # hundreds of parts within parts; its source can still be read
        parts = []
    html = text = None
    for part in parts:
        if part.get_content_disposition() == "attachment":
            continue
        if part.get_content_type() == "text/html" and html is None:
            html = _content(part)
        elif part.get_content_type() == "text/plain" and text is None:
            text = _content(part)
    return Letter(headers, html, text)


def framed(html: str) -> str:
    """The HTML as it stands in the frame: its links open outside."""
    places = (place.search(html, 0, _PREAMBLE) for place in _PLACES)
    at = next((place.end() for place in places if place), 0)
    return html[:at] + _BASE + html[at:]


def _content(part: Message) -> str:
    payload = part.get_payload(decode=True)
    octets = payload if isinstance(payload, bytes) else b""
    try:
        return octets.decode(part.get_content_charset() or "utf-8", "replace")
    except (LookupError, ValueError):  # an unknown charset, or one that is none
        return octets.decode("utf-8", "replace")


def _octets(value: str) -> bytes:
    return value.encode("utf-8", "surrogateescape")
