"""Which content coding a client gets, from its Accept-Encoding (RFC 9110 §12.5.3).

In doubt none: plain bytes are never wrong, and a client that refuses even those gets them rather than
a 406 that no feed reader understands.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache

IDENTITY, GZIP, BR = "identity", "gzip", "br"
_BEST_FIRST = (BR, GZIP)  # brotli's are the fewer octets, so it has the tie
# No honest client sends more; longer is not read, so work stays bounded.
_LONGEST = 1_024
_MOST_MEMBERS = 32

_WEIGHT = re.compile(r"0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?")


def chosen(accept_encoding: str | None, offered: Collection[str]) -> str:
    """The coding among `offered` that the client likes best, else `identity`. No header raises."""
    if not accept_encoding or len(accept_encoding) > _LONGEST:
        return IDENTITY
    for coding in _liked(accept_encoding):
        if coding in offered:
            return coding
    return IDENTITY


@lru_cache(maxsize=512)  # clients are many, what they send is not
def _liked(header: str) -> tuple[str, ...]:
    """Our codings that are accepted, and liked no less than the plain bytes; best first."""
    weights: dict[str, float] = {}
    for member in header.lower().split(",")[:_MOST_MEMBERS]:
        coding, *parameters = (part.strip(" \t") for part in member.split(";"))
        if coding:
            weights[coding.removeprefix("x-") if coding == "x-gzip" else coding] = _weight(
                parameters
            )
    others = weights.get("*", 0.0)
    plain = weights.get(IDENTITY, 0.0)
    liked = {coding: weights.get(coding, others) for coding in _BEST_FIRST}
    accepted = [coding for coding in _BEST_FIRST if liked[coding] > 0 and liked[coding] >= plain]
    return tuple(sorted(accepted, key=liked.__getitem__, reverse=True))


def _weight(parameters: list[str]) -> float:
    """1 without a q; 0 for one that is none (§12.4.2)."""
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip(" \t") == "q":
            return float(value) if _WEIGHT.fullmatch(value.strip(" \t")) else 0.0
    return 1.0
