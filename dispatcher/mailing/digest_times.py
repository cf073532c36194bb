"""When digests fall due: hours of readers' own clocks against moments of everybody's. Pure.

An hour that a clock skips falls due where the clock goes on, and one that it has twice, the first time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from dispatcher.audience import zones

STEP = timedelta(minutes=15)  # every zone's whole hours begin at a multiple of it
FURTHEST = timedelta(days=8)  # by then every hour of a week has come
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Due:
    """Readers of this zone whose digest hour this is; `day` is the one on their calendar."""

    zone: str
    weekday: int
    hour: int
    day: date


def window(now: datetime) -> datetime:
    """The last moment, not after `now`, at which a digest may have fallen due."""
    return datetime.fromtimestamp(
        now.timestamp() // STEP.total_seconds() * STEP.total_seconds(), UTC
    )


def due(names: Iterable[str], *, since: datetime, until: datetime) -> list[Due]:
    """What fell due after `since` and up to `until`, each zone's weekday and hour once, the last day.

    A zone that nobody knows any more is taken for UTC.
    """
    since = max(since, until - FURTHEST)
    found: dict[tuple[str, int, int], Due] = {}
    for name in names:
        zone = zones.known(name)
        for day in _days(
            since.astimezone(zone).date() - _DAY, until.astimezone(zone).date() + _DAY
        ):
            for hour in range(24):
                if since < moment(zone, day, hour) <= until:
                    found[name, day.weekday(), hour] = Due(name, day.weekday(), hour, day)
    return list(found.values())


@lru_cache(maxsize=100_000)
def moment(zone: ZoneInfo, day: date, hour: int) -> datetime:
    """The moment at which a clock of that zone first shows that hour of that day, or a later one."""
    local = datetime.combine(day, time(hour), tzinfo=zone)  # fold=0: of two, the first
    shown = local.astimezone(UTC).astimezone(zone).replace(tzinfo=None)
    if shown == local.replace(tzinfo=None):
        return local.astimezone(UTC)
    # The clock goes from before that hour to after it: where it goes on, for both folds bracket the leap.
    early, late = local.replace(fold=1).astimezone(UTC), local.astimezone(UTC)
    before = early.astimezone(zone).utcoffset()
    while late - early > timedelta(seconds=1):
        middle = early + (late - early) / 2
        if middle.astimezone(zone).utcoffset() == before:
            early = middle
        else:
            late = middle
    return late.replace(microsecond=0)


def _days(first: date, last: date) -> Iterator[date]:
    while first <= last:
        yield first
        first += _DAY
