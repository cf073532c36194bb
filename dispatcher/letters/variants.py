"""One letter in several languages of ours: a compiled letter for each, and how they lie in a database.

What is read is the same in all; what differs is our own words around it.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate, pairwise

from dispatcher.letters.compiled import Compiled, UnreadableCompiled
from dispatcher.translating import SOURCE, spoken

_MAGIC = b"DLV\x01"  # the last octet is the version
_LENGTH = struct.Struct(">I")


@dataclass(frozen=True, slots=True)
class Variants:
    """Compiled letters by language; the first is for readers of any other."""

    compiled: Mapping[str, Compiled]

    def language(self, tag: str) -> str:
        """In which of these a reader of that language gets it."""
        among = tuple(self.compiled)
        return spoken(tag, among) or among[0]

    def to_bytes(self) -> bytes:
        """For a database column; `from_bytes` gives an equal value back."""
        stored = {language: letter.to_bytes() for language, letter in self.compiled.items()}
        plan = [(language, len(letter)) for language, letter in stored.items()]
        described = json.dumps(plan, separators=(",", ":")).encode()
        return b"".join([_MAGIC, _LENGTH.pack(len(described)), described, *stored.values()])

    @classmethod
    def from_bytes(cls, stored: bytes | memoryview) -> Variants:
        """Of one that was stored alone, too. Raises UnreadableCompiled like `Compiled.from_bytes`."""
        data = bytes(stored)
        if not data.startswith(_MAGIC):
            return cls({SOURCE: Compiled.from_bytes(data)})
        start = len(_MAGIC) + _LENGTH.size
        if len(data) < start:
            raise UnreadableCompiled("A letter is cut short.")
        end = start + _LENGTH.unpack_from(data, len(_MAGIC))[0]
        try:
            plan = {str(language): int(length) for language, length in json.loads(data[start:end])}
        except (ValueError, TypeError) as error:
            raise UnreadableCompiled("The plan of a letter cannot be read.") from error
        edges = list(accumulate(plan.values(), initial=end))
        if not plan or edges[-1] != len(data):
            raise UnreadableCompiled("A letter is not as long as its plan says.")
        parts = (data[one:other] for one, other in pairwise(edges))
        return cls(
            {
                language: Compiled.from_bytes(part)
                for language, part in zip(plan, parts, strict=True)
            }
        )
