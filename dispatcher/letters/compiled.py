"""A compiled letter: constant bytes with slots between them, and how it lies in a database.

Only holds and stores; `compiling` makes it, `stamping` fills it.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

Fill = tuple[str, str]  # a slot, and the form it is written in: header, text or html

_MAGIC = b"DLC\x01"  # the last octet is the version
_LENGTH = struct.Struct(">I")


class UnreadableCompiled(ValueError):  # noqa: N818  a refusal reads as a sentence
    """Stored bytes that are no compiled letter of this version."""


@dataclass(frozen=True, slots=True)
class Part:
    """Constants with a fill between each two: always one constant more than fills."""

    constants: tuple[bytes, ...]
    fills: tuple[Fill, ...]


@dataclass(frozen=True, slots=True)
class Compiled:
    """A letter for any reader: its header block, the empty line included, and its body."""

    head: Part
    body: Part

    def to_bytes(self) -> bytes:
        """For a database column; `from_bytes` gives an equal value back."""
        plan = [
            {"lengths": [len(constant) for constant in part.constants], "fills": part.fills}
            for part in (self.head, self.body)
        ]
        described = json.dumps(plan, separators=(",", ":")).encode()
        constants = b"".join(self.head.constants + self.body.constants)
        return _MAGIC + _LENGTH.pack(len(described)) + described + constants

    @classmethod
    def from_bytes(cls, stored: bytes | memoryview) -> Compiled:
        """Raises UnreadableCompiled for another version and for anything cut short."""
        data = bytes(stored)
        start = len(_MAGIC) + _LENGTH.size
        if not data.startswith(_MAGIC) or len(data) < start:
            raise UnreadableCompiled("These bytes are no compiled letter of this version.")
        end = start + _LENGTH.unpack_from(data, len(_MAGIC))[0]
        try:
            head, body = json.loads(data[start:end])
            sizes: list[int] = [*head["lengths"], *body["lengths"]]
            fills = [
                tuple((str(slot), str(form)) for slot, form in p["fills"]) for p in (head, body)
            ]
        except (ValueError, TypeError, KeyError) as error:
            raise UnreadableCompiled("The plan of a compiled letter cannot be read.") from error
        offsets = [end]
        for size in sizes:
            offsets.append(offsets[-1] + size)
        if offsets[-1] != len(data):
            raise UnreadableCompiled("A compiled letter is not as long as its plan says.")
        constants = tuple(data[one:other] for one, other in pairwise(offsets))
        edge = len(head["lengths"])
        return cls(Part(constants[:edge], fills[0]), Part(constants[edge:], fills[1]))


def joined(parts: Iterable[Part]) -> Part:
    """Parts end to end: constants that meet become one."""
    constants: list[bytes] = [b""]
    fills: list[Fill] = []
    for part in parts:
        constants[-1] += part.constants[0]
        constants += part.constants[1:]
        fills += part.fills
    return Part(tuple(constants), tuple(fills))
