"""Which relay is next: in order, equals by weight, and none that has just failed.

A relay that fails is left alone for a while, longer each time; then one try brings it back, or not.
Each process finds that out for itself: a relay may refuse one connection and serve another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from time import monotonic

from dispatcher.relays.relay import AnyRelay

LEAVE_ALONE_SECONDS = 30.0  # doubled with each failure
LEAVE_ALONE_AT_MOST = 600.0
LAST_RESORT_SECONDS = 30.0  # where no other relay is left, a longer pause would only lose time
BREAKS = 3  # connections in a row that end before any answer; then the relay is taken for ill


@dataclass(slots=True)
class _Record:
    failures: int = 0
    breaks: int = 0
    failed_at: float = 0.0
    away_until: float = 0.0
    words: str = ""
    credit: int = 0  # of its turns by weight


class Roster:
    """The relays of a pool and how each has fared."""

    def __init__(self, relays: Sequence[AnyRelay]) -> None:
        self._relays = sorted(relays, key=attrgetter("order"))
        self._records = {relay.name: _Record() for relay in relays}

    def turns(self) -> list[AnyRelay]:
        """The relays in the order in which the next batch tries them. Each call is a turn."""
        order: list[AnyRelay] = []
        for _, equals in groupby(self._relays, key=attrgetter("order")):
            order += self._by_weight([*equals])
        return order

    def is_away(self, relay: AnyRelay) -> bool:
        """Whether it is left alone. When all are, each is tried again after the shortest pause."""
        return self.away_seconds(relay) > 0

    def away_seconds(self, relay: AnyRelay) -> float:
        now = monotonic()
        until = self._records[relay.name].away_until
        if until > now and all(record.away_until > now for record in self._records.values()):
            until = min(until, self._records[relay.name].failed_at + LAST_RESORT_SECONDS)
        return max(0.0, until - now)

    def fails(self, relay: AnyRelay, words: str) -> float:
        """Leave it alone; for how many seconds."""
        record = self._records[relay.name]
        pause = min(LEAVE_ALONE_AT_MOST, LEAVE_ALONE_SECONDS * float(1 << min(record.failures, 10)))
        record.failures += 1
        record.breaks = 0
        record.failed_at = monotonic()
        record.away_until = record.failed_at + pause
        record.words = words
        return pause

    def breaks_off(self, relay: AnyRelay) -> bool:
        """A connection ended; whether as many in a row as a relay that works does not end."""
        record = self._records[relay.name]
        record.breaks += 1
        return record.breaks >= BREAKS

    def answers(self, relay: AnyRelay) -> bool:
        """It answered to a letter, so all is well with it; whether it had failed before."""
        record = self._records[relay.name]
        had_failed = record.failures > 0
        record.breaks = record.failures = 0
        record.away_until = 0.0  # it was tried before its time, as the last that was left
        return had_failed

    def why_away(self, relay: AnyRelay) -> str:
        words = self._records[relay.name].words
        return f"{relay.name} left alone for {self.away_seconds(relay):.0f} s more: {words}"

    def _by_weight(self, equals: list[AnyRelay]) -> list[AnyRelay]:
        """Smooth turns: three to one gives A A B A, not A A A B."""
        if len(equals) > 1:
            there = [relay for relay in equals if not self.is_away(relay)] or equals
            records = self._records
            for relay in there:
                records[relay.name].credit += relay.weight
            first = max(there, key=lambda relay: records[relay.name].credit)
            equals.sort(key=lambda relay: -records[relay.name].credit)
            equals.remove(first)
            equals.insert(0, first)
            records[first.name].credit -= sum(relay.weight for relay in there)
        return equals
