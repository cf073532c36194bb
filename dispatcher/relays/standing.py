"""How the relays stand, for the desk, `doctor` and metrics: what workers have met with, from Valkey."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dispatcher.relays.configuring import configured, groups
from dispatcher.relays.pacing import Pacing


@dataclass(frozen=True, slots=True)
class Standing:
    """One relay. `away_seconds` is how long some worker leaves it alone yet, 0 if none does.

    `imposed` are the limits that its refusals brought about: letters a second by group of recipient
    domains, "" for the whole relay.
    """

    relay: str
    away_seconds: float
    away_words: str
    imposed: Mapping[str, float]


def standing() -> list[Standing]:
    """Every relay, in order. Raises RelayUnreachable where none is set, RedisError without Valkey."""
    relays = configured()
    pacing = Pacing(relays, groups())
    imposed = pacing.imposed()
    away = pacing.buckets.away([relay.name for relay in relays])
    return [
        Standing(relay.name, seconds, words, imposed[relay.name])
        for relay, (words, seconds) in zip(relays, away, strict=True)
    ]
