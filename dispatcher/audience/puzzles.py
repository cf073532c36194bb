"""A small piece of work that a browser does before a sign-up, so that ten thousand of them cost something.

A number below `MOST` is hidden behind SHA-256; finding it takes a browser a moment, checking it nothing. The puzzle is
signed and not stored, a solution is good for once. Off by default; it needs a script, and no third party.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass

from django.conf import settings
from redis.exceptions import RedisError

from dispatcher.audience.limiting import UNCOUNTED, valkey
from dispatcher.errors import NotSolved, QueueUnreachable
from dispatcher.translating import later

MOST = 100_000
LIFE = 1_800  # seconds: as long as somebody may take over a form
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Puzzle:
    """Find the number below `most` for which SHA-256 of `salt` and its digits is `challenge`."""

    salt: str
    challenge: str
    signature: str
    most: int = MOST


def pose() -> Puzzle:
    """A new puzzle. The salt says until when it is good."""
    salt = f"{secrets.token_hex(12)}.{int(time.time()) + LIFE}."
    challenge = _digest(salt, secrets.randbelow(MOST))
    return Puzzle(salt, challenge, _signature(salt, challenge))


def check(solution: str) -> None:
    """Accept `salt:number:signature` once. Raises NotSolved, also for a solution used before or too
    late, and QueueUnreachable.
    """
    salt, _, rest = solution[:_LONGEST].partition(":")
    number, _, signature = rest.partition(":")
    if not solution or not number.isascii() or not number.isdecimal() or int(number) >= MOST:
        raise NotSolved(
            later("One more step: wait a moment until the form is checked, then press again.")
        )
    if not hmac.compare_digest(
        signature.encode(), _signature(salt, _digest(salt, int(number))).encode()
    ):
        raise NotSolved(
            later("The form could not be checked. Load the page again, then press once more.")
        )
    left = int(salt.split(".")[1]) - int(time.time())
    try:
        is_first = left > 0 and valkey().set(f"dispatcher:join:solved:{salt}", 1, nx=True, ex=left)
    except (RedisError, OSError):
        raise QueueUnreachable(UNCOUNTED) from None
    if not is_first:
        raise NotSolved(
            later("The form was open for too long or sent before. Load the page again.")
        )


def _digest(salt: str, number: int) -> str:
    return hashlib.sha256(f"{salt}{number}".encode()).hexdigest()


def _signature(salt: str, challenge: str) -> str:
    key = hmac.digest(settings.SECRET_KEY.encode(), b"dispatcher puzzle", hashlib.sha256)
    return hmac.new(key, f"{salt}:{challenge}".encode(), hashlib.sha256).hexdigest()[:32]
