"""What a sink does wrong on purpose, as a value that can be changed while it runs."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from enum import StrEnum

_SPREAD = 100


class Fate(StrEnum):
    """What becomes of every letter to an address."""

    TAKEN = "taken"
    SOFT = "soft"  # refused for now, the first few times
    HARD = "hard"  # refused for good


@dataclass(frozen=True, slots=True)
class Faults:
    """Nothing by default. `chunking` is no fault, but is switched in the same way.

    `refuse`: nothing listens, and open connections are told 421 at their next letter. `hang`: `silent`
    answers nothing and takes nothing; `after` takes a letter, then says nothing. `drop`: the share of
    letters taken whose connection is closed before the answer, chosen by the seed; `drop_every`: each
    such. `limit`: letters of a connection, then 421. `soft` and `hard`: percent of addresses that are
    refused for now (`soft_tries` times each) and for good. `slow`: seconds from a question to its answer.
    """

    refuse: bool = False
    hang: str = ""
    drop: float = 0.0
    drop_every: int = 0
    limit: int = 0
    soft: int = 0
    soft_tries: int = 1
    hard: int = 0
    slow: float = 0.0
    chunking: bool = False

    def fate(self, address: str) -> Fate:
        """The same for an address each time, in any process."""
        place = zlib.crc32(address.lower().encode()) % _SPREAD
        if place < self.soft:
            return Fate.SOFT
        return Fate.HARD if place < self.soft + self.hard else Fate.TAKEN

    def refuses_letter(self, address: str) -> bool:
        """Whether a refusal answers the whole letter instead of the recipient; half of them do."""
        return bool(zlib.crc32(address.lower().encode()) // _SPREAD % 2)
