"""How text is written into a message: quoted-printable bodies, encoded words, address headers.

Every function gives bytes or ASCII that may stand on the wire as it is: CRLF only, no line of a
body longer than 76, none that starts with a dot (so dot-stuffing never has anything to do), no two
spaces together (so DKIM's relaxed form of a body is the body, RFC 6376 §3.4.4).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator

SOFT_BREAK = b"=\r\n"
_LINE = 75  # one less than RFC 2045 §6.7 (5) allows, for the soft break
_PLAIN_LINE = re.compile(r"(?!\.|From )[ -<>-~]{0,75}(?<! )")
_GUARDED = (b".", b"From ")
_PRINTABLE = re.compile(r"[ -~]*")
_PIECES = [
    bytes([code]) if (0x20 <= code < 0x7F and code != 0x3D) else b"=%02X" % code
    for code in range(256)
]

_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~\-]+)*")
_COLUMNS = 76  # RFC 2047 §2, for a line that holds encoded words
_LONGEST_WORD = 60  # what is longer is encoded, so that it can be folded


def quoted_printable(text: str) -> bytes:
    """Text as quoted-printable lines (RFC 2045 §6.7); a newline becomes a hard CRLF.

    The result starts on a fresh line and its last line has room for a soft break. No line starts
    with `.` (SMTP would double it) or `From ` (mailboxes would quote it). No white space that DKIM
    would relax is left: a space after a space and one at the end of a line are `=20`.
    """
    if _PLAIN_LINE.fullmatch(text) and "  " not in text:
        return text.encode("ascii")
    return b"\r\n".join([_encoded_line(line) for line in text.split("\n")])


def _encoded_line(line: str) -> bytes:
    if _PLAIN_LINE.fullmatch(line) and "  " not in line:
        return line.encode("ascii")
    if _PRINTABLE.fullmatch(line):
        encoded = line.encode("ascii").replace(b"=", b"=3D")
    else:
        encoded = b"".join([_PIECES[octet] for octet in line.encode()])
    encoded = encoded.replace(b"  ", b" =20")
    if encoded.endswith(b" "):
        encoded = encoded[:-1] + b"=20"
    if len(encoded) <= _LINE and not encoded.startswith(_GUARDED):
        return encoded
    return SOFT_BREAK.join(_cut(encoded))


def _cut(encoded: bytes) -> Iterator[bytes]:
    start = 0
    while True:
        guarded = b""
        if encoded.startswith(_GUARDED, start):
            guarded = b"=%02X" % encoded[start]
            start += 1
        end = start + _LINE - len(guarded)
        if end >= len(encoded):
            yield guarded + encoded[start:]
            return
        escape = encoded.find(b"=", end - 2, end)
        end = escape if escape >= 0 else end
        yield guarded + encoded[start:end]
        start = end


def html_text(text: str) -> str:
    """Text escaped as the HTML serialiser of libxml2 does it, for element content and URLs."""
    if "&" in text or "<" in text or ">" in text:
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text


def unstructured(header: str, text: str) -> str:
    """The value of a header of free text such as Subject: folded at 76, encoded where it must be.

    The text is one line without controls and with single spaces.
    """
    words = text.split(" ")
    if not text.isascii() or "=?" in text or len(max(words, key=len)) > _LONGEST_WORD:
        return _encoded_words(text, header)
    lines: list[str] = []
    line = f"{header}:"
    for word in words:
        if len(line) + 1 + len(word) > _COLUMNS:
            lines.append(line)
            line = ""
        line += f" {word}"
    return "\r\n".join([*lines, line])[len(header) + 2 :]


def mailbox(header: str, name: str, address: str) -> str:
    """A display name and its address (RFC 5322 §3.4) as an address header's value, folded.

    Raw UTF-8 stands only in the local part, when it has any (RFC 6532).
    """
    if not name:
        return address
    if not name.isascii() or "=?" in name or len(name) > _LONGEST_WORD:
        return f"{_encoded_words(name, header)}\r\n <{address}>"
    if not _ATOMS.fullmatch(name):
        name = '"' + name.replace("\\", r"\\").replace('"', r"\"") + '"'
    fits = len(header) + len(name) + len(address) + 5 <= _COLUMNS
    return f"{name} <{address}>" if fits else f"{name}\r\n <{address}>"


def _encoded_words(text: str, header: str) -> str:
    """Encoded words, one a line, no character cut in two (RFC 2047 §2 and §5)."""
    words: list[str] = []
    chunk = b""
    room = _octets_in(len(header) + 2)
    for char in text:
        octets = char.encode()
        if len(chunk) + len(octets) > room:
            words.append(_encoded_word(chunk))
            chunk, room = b"", _octets_in(1)
        chunk += octets
    words.append(_encoded_word(chunk))
    return "\r\n ".join(words)


def _octets_in(indent: int) -> int:
    return min(_COLUMNS - indent, 75) // 4 * 3 - 9


def _encoded_word(chunk: bytes) -> str:
    return f"=?utf-8?b?{base64.b64encode(chunk).decode('ascii')}?="
