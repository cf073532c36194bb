"""Reading the files that commands are given; what cannot be read is one line."""

from __future__ import annotations

import sys
from pathlib import Path

from dispatcher.errors import BadFile

LARGEST = 64_000_000  # octets; a file given by mistake is not read whole


def read_file(path: Path) -> bytes:
    """The octets of a file, at most `LARGEST` and one; `-` is standard input. Raises BadFile."""
    try:
        if str(path) == "-":
            return sys.stdin.buffer.read(LARGEST + 1)
        with path.open("rb") as file:
            return file.read(LARGEST + 1)
    except OSError as fault:
        raise BadFile(f"{path} cannot be read: {fault.strerror or fault}.") from None


def read_lines(path: Path) -> list[str]:
    """The lines of a UTF-8 text file. Raises BadFile."""
    try:
        return read_file(path).decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise BadFile(f"{path} is not UTF-8 text; save it as UTF-8 and try again.") from None
