"""The Maildir of the embedded mailbox: one file a letter and recipient, written once, read back.

A file is the envelope as two header lines (Return-Path, X-Envelope-To) and then the message, byte
for byte as it came. This is for trials: a crash of the machine may lose letters (no fsync).
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import decode_header
from functools import lru_cache
from pathlib import Path

_FOLDERS = ("new", "cur")  # a mail client moves what it has seen from one to the other
_HEAD = 32 * 1024  # no letter of ours has longer headers
_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")
_FOLD = re.compile(r"\r?\n(?=[ \t])")
_FIELDS = re.compile(
    rb"^(return-path|x-envelope-to|message-id|feedback-id|subject):[ \t]*(.*(?:\r?\n[ \t].*)*)",
    re.IGNORECASE | re.MULTILINE,
)
_ENVELOPE = re.compile(rb"\AReturn-Path: <.*>\r\nX-Envelope-To: .*\r\n")


@dataclass(frozen=True, slots=True)
class Stored:
    """A letter on disk. Addresses are those of the envelope; an empty `return_path` is the null sender."""

    path: Path
    to: str
    return_path: str
    message_id: str
    feedback_id: str
    subject: str  # decoded (RFC 2047)
    received_at: float  # seconds since the epoch
    size: int  # octets of the file

    @property
    def name(self) -> str:
        return self.path.name

    def read(self) -> bytes:
        """The message as it came, without the envelope lines. Raises FileNotFoundError when it is gone."""
        return _ENVELOPE.sub(b"", self.path.read_bytes(), count=1)


class Maildir:
    """The folder to write to, made where it is missing. Raises OSError when it cannot be."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._delivered = 0
        for name in ("tmp", *_FOLDERS):
            (folder / name).mkdir(parents=True, exist_ok=True)
            if not os.access(folder / name, os.W_OK | os.X_OK):
                raise PermissionError(f"{folder / name} cannot be written")

    def deliver(self, data: bytes, *, to: str, return_path: str) -> Stored:
        """Write one letter for one recipient; it appears whole or not at all. Raises OSError.

        Addresses may hold undecodable octets as surrogates; line ends in them are the caller's to refuse.
        """
        now = time.time()
        self._delivered += 1
        seconds, micros = int(now), int(now % 1 * 1_000_000)
        name = f"{seconds}.M{micros:06}P{os.getpid()}Q{self._delivered:08}.localhost"
        envelope = f"Return-Path: <{return_path}>\r\nX-Envelope-To: {to}\r\n".encode(
            errors="surrogateescape"
        )
        draft, path = self.folder / "tmp" / name, self.folder / "new" / name
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            size = _write(handle, envelope + data)
        except OSError:
            draft.unlink()
            raise
        finally:
            os.close(handle)
        os.rename(draft, path)  # noqa: PTH104  one call, no second Path
        return _stored(path, envelope + data[:_HEAD], now, size)


def messages(folder: Path) -> Iterator[Stored]:
    """Every letter of a Maildir, oldest first; only heads are read. No folder, no letters."""
    files: list[tuple[float, str, int, str]] = []
    for place in _FOLDERS:
        with suppress(FileNotFoundError), os.scandir(folder / place) as entries:
            for entry in entries:
                status = entry.stat()
                files.append((status.st_mtime, entry.name, status.st_size, entry.path))
    for received_at, _, size, path in sorted(files):
        with suppress(FileNotFoundError), open(path, "rb") as file:  # noqa: PTH123  tens of thousands
            yield _stored(Path(path), file.read(_HEAD), received_at, size)


def count(folder: Path) -> int:
    """How many letters a Maildir holds. No folder, no letters."""
    total = 0
    for place in _FOLDERS:
        with suppress(FileNotFoundError), os.scandir(folder / place) as entries:
            total += sum(1 for _ in entries)
    return total


@lru_cache(maxsize=1024)  # the letters of one dispatch share a subject
def decoded(raw: bytes) -> str:
    """A header's value as people read it: unfolded, RFC 2047 words decoded; what cannot be stays as it is."""
    text = _FOLD.sub("", raw.decode("utf-8", "replace")).strip()
    if "=?" not in text:
        return text
    try:
        parts = [
            part
            if isinstance(part, str)
            else part.decode(charset or "raw-unicode-escape", "replace")
            for part, charset in decode_header(text)
        ]
    except (HeaderParseError, LookupError, ValueError):
        return text
    return "".join(parts)


def _write(handle: int, data: bytes) -> int:
    written = os.write(handle, data)
    while written < len(data):  # a disk that is filling up takes a part, then refuses
        written += os.write(handle, data[written:])
    return written


def _stored(path: Path, head: bytes, received_at: float, size: int) -> Stored:
    end = _END_OF_HEAD.search(head)
    fields: dict[bytes, bytes] = {}
    for field in _FIELDS.finditer(head, 0, end.start() if end else len(head)):
        fields.setdefault(field[1].lower(), field[2])
    text = {name: value.decode("utf-8", "replace").strip() for name, value in fields.items()}
    return Stored(
        path=path,
        to=text.get(b"x-envelope-to", ""),
        return_path=text.get(b"return-path", "").removeprefix("<").removesuffix(">"),
        message_id=text.get(b"message-id", ""),
        feedback_id=text.get(b"feedback-id", ""),
        subject=decoded(fields.get(b"subject", b"")),
        received_at=received_at,
        size=size,
    )
