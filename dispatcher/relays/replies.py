"""What a relay says, from octets to a reply and from a reply to an outcome. Pure but for the clock."""

from __future__ import annotations

import re
from time import time
from typing import NamedTuple

from dispatcher.relays.outcomes import Outcome, Result

LONGEST = 16 * 1024  # octets of one reply, all its lines; RFC 5321 §4.5.3.1.5 has 512 a line

_LINE = re.compile(rb"([2-5]\d\d)(?:([ -])([^\n]*?))?\r?\n")
_ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3}(?![.\d])")
_RESULTS = {2: Result.ACCEPTED, 4: Result.DEFERRED, 5: Result.FAILED}


class Reply(NamedTuple):
    """A whole reply: its code, 200 to 599, and the octets behind the code, its lines joined."""

    code: int
    octets: bytes

    @property
    def text(self) -> str:
        return self.octets.decode("utf-8", "replace")

    @property
    def is_good(self) -> bool:
        return self.code // 100 == 2

    @property
    def is_refusal(self) -> bool:
        return self.code >= 400


class NotSmtp(ConnectionError):  # noqa: N818  it says what came
    """What came is no reply, so nothing that follows can be trusted."""


def read(octets: bytes, start: int) -> tuple[Reply, int] | None:
    """The reply that begins at `start`, and where it ends; None while it is not whole (RFC 5321 §4.2).

    Of several lines the code of the last counts. Raises NotSmtp.
    """
    lines = []
    at = start
    while line := _LINE.match(octets, at):
        code, mark, text = line.groups()
        at = line.end()
        if mark == b"-":
            lines.append(text)
        else:
            return Reply(int(code), b" ".join([*lines, text or b""]) if lines else text or b""), at
    if (end := octets.find(b"\n", at)) >= 0:
        said = one_line(octets[at:end].decode("utf-8", "replace"))
        raise NotSmtp(f"the answer is not SMTP: {said[:80]}")
    if len(octets) - start > LONGEST:
        raise NotSmtp("the answer is not SMTP: it does not end")
    return None


def outcome(key: int, relay: str, reply: Reply, *, has_codes: bool) -> Outcome:
    """What the reply to a letter, or to a command for it, means for it.

    `has_codes`: the relay offered ENHANCEDSTATUSCODES (RFC 2034); without, none is read. 1xx and 3xx
    are no such replies, and deferred.
    """
    code, text = reply.code, reply.text
    enhanced = _ENHANCED.match(text) if has_codes else None
    return Outcome(
        key,
        _RESULTS.get(code // 100, Result.DEFERRED),
        relay,
        enhanced[0] if enhanced else "",
        one_line(f"{code} {text}"),
        time(),
    )


def one_line(text: str) -> str:
    """What a relay said, fit for a row: a NUL in it would fail the whole batch."""
    if not text.isprintable():
        text = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(text.split())[:300]
