"""What goes to a relay and what comes back, as values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Parcel:
    """One stamped letter with its envelope. `key` is the caller's, and comes back in the outcome.

    `data` has CRLF line ends and needs no dot-stuffing beyond what the session does.
    """

    key: int
    return_path: str
    address: str
    data: bytes


class Result(StrEnum):
    ACCEPTED = "accepted"
    DEFERRED = "deferred"  # refused for now: 4xx, or no relay took the connection
    FAILED = "failed"  # refused for good: 5xx
    UNKNOWN = "unknown"  # the answer after the final dot never came


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a relay said to one parcel. `code` is the enhanced status code (RFC 3463) or empty."""

    key: int
    result: Result
    relay: str
    code: str = ""
    text: str = ""
