"""What goes to a relay and what comes back, as values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Parcel:
    """One stamped letter with its envelope. `key` is the caller's, and comes back in the outcome.

    `data` has CRLF line ends. `is_dotless` says that none of its lines begins with a dot, so that nobody
    needs to look (RFC 5321 §4.5.2).
    """

    key: int
    return_path: str
    address: str
    data: bytes
    is_dotless: bool = False


class Result(StrEnum):
    ACCEPTED = "accepted"
    DEFERRED = "deferred"  # refused for now: 4xx, or no relay took the connection
    FAILED = "failed"  # refused for good: 5xx
    UNKNOWN = "unknown"  # the answer to the whole letter never came
    HELD_BACK = "held back"  # not handed over: no room now, or its carrier stopped; no attempt


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a relay said to one parcel. `code` is the enhanced status code (RFC 3463) or empty.

    `at` is when the answer was read, in seconds since 1970, or 0 for none. `wait` is for what is held
    back: the seconds until there is likely to be room for it, or 0 for what its carrier stopped.
    """

    key: int
    result: Result
    relay: str
    code: str = ""
    text: str = ""
    at: float = 0.0
    wait: float = 0.0
