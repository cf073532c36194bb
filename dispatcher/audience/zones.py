"""Time zones by their IANA names: those that a form offers, and those that a reader may have. Pure."""

from __future__ import annotations

from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones


@lru_cache(maxsize=1)
def offered() -> frozenset[str]:
    """Places that people know their clock by, and UTC."""
    places = {zone for zone in available_timezones() if "/" in zone and zone[:4] != "Etc/"}
    return frozenset({zone for zone in places if not zone.startswith("SystemV/")} | {"UTC"})


@lru_cache(maxsize=1)
def _all() -> frozenset[str]:
    return frozenset({"UTC", *available_timezones()})


def exists(name: str) -> bool:
    """Whether it is a zone at all; an import may bring more than a form offers."""
    return name in _all()


@lru_cache(maxsize=1000)
def known(name: str) -> ZoneInfo:
    """The zone; UTC for one that nobody knows any more."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")
