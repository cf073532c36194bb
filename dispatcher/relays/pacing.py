"""The limits of each relay as this process knows them: configured, or imposed when it refuses for the pace.

The sums are kept in Valkey, see `buckets`; what one batch may send of them is for `spending`. Without
Valkey relays with a limit take nothing, for a limit that cannot be kept must not be broken; those without
go on.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from time import monotonic

from django.conf import settings
from redis.exceptions import RedisError

from dispatcher.relays.buckets import Bucket, Buckets
from dispatcher.relays.domains import Groups
from dispatcher.relays.relay import AnyRelay

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0  # how soon a limit that another worker met with is known here
BLIND_SECONDS = 10.0  # how long it is waited before Valkey is asked again, once it is away
LEAST_WAIT = 1.0
UNITS = (("second", 1), ("minute", 60), ("hour", 3_600), ("day", 86_400))


class Paced:
    """One relay's limits. `limited` are its groups with one of their own; "" stands for the whole relay."""

    def __init__(self, relay: AnyRelay, groups: Iterable[str]) -> None:
        self.name = relay.name
        self.plan = relay.limits.warm_up
        self.days = f"dispatcher:pace:{relay.name}:days"
        rates: dict[str, float | None] = {"": relay.limits.rate}
        rates |= {group: relay.limits.groups.get(group) for group in sorted(groups)}
        self.buckets = {
            group: Bucket(f"dispatcher:pace:{relay.name}:of:{group}", rate)
            for group, rate in rates.items()
        }
        self.counts = dict.fromkeys(self.buckets, 0)
        self.imposed: dict[str, float] = {}
        self.limited: frozenset[str] = frozenset()
        self.impose({})

    def impose(self, limits: dict[str, float]) -> None:
        """Go by these limits, letters a second by group, and the configured ones."""
        self.imposed = limits
        own = {group for group, bucket in self.buckets.items() if bucket.rate is not None}
        self.limited = frozenset(own | set(limits) | ({""} if self.plan else set()))

    def buckets_for(self, group: str) -> list[Bucket]:
        """Whom a letter of the group needs a token of: the relay, and the group if it has a limit."""
        return [self.buckets[""], *([self.buckets[group]] if group else [])]


class Pacing:
    """The limits of the relays, for one process. Not for use by several threads."""

    def __init__(
        self,
        relays: Iterable[AnyRelay],
        groups: Groups | None = None,
        *,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.groups = groups or Groups()
        self.relays = {relay.name: Paced(relay, self.groups.names) for relay in relays}
        self.buckets = Buckets(settings.REDIS_URL, clock=clock)
        self.look_at = 0.0

    def look_if_due(self) -> None:
        if monotonic() >= self.look_at:
            self.look()

    def look(self) -> None:
        """Tell how many letters went, and learn what limits are imposed by now."""
        try:
            imposed = self.imposed()
        except RedisError as fault:
            log.warning("the limits imposed on relays are not known: %s", fault)
            self.look_at = monotonic() + BLIND_SECONDS
            return
        self.look_at = monotonic() + LOOK_SECONDS
        for paced in self.relays.values():
            paced.counts = dict.fromkeys(paced.counts, 0)
            paced.impose(imposed[paced.name])

    def imposed(self) -> dict[str, dict[str, float]]:
        """The limits imposed now, letters a second by relay and group. Counts what went. Raises RedisError."""
        every = [(paced, group) for paced in self.relays.values() for group in paced.buckets]
        found = self.buckets.look(
            [paced.buckets[group] for paced, group in every],
            [paced.counts[group] for paced, group in every],
        )
        imposed: dict[str, dict[str, float]] = {name: {} for name in self.relays}
        for (paced, group), limit in zip(every, found, strict=True):
            if limit is not None:
                imposed[paced.name][group] = limit
        return imposed

    def wait(self, relay: AnyRelay, *, is_urgent: bool, letters: int, is_promised: bool) -> float:
        """Seconds until the relay is likely to take so many; 0.0 if some at once."""
        self.look_if_due()
        paced = self.relays[relay.name]
        if "" not in paced.limited:
            return 0.0
        try:
            answer = self.buckets.take(
                0,
                paced.buckets_for(""),
                paced.days,
                paced.plan,
                is_urgent=is_urgent,
                waiting=letters,
                is_promised=is_promised,
            )
        except RedisError:
            return BLIND_SECONDS
        return 0.0 if answer.granted else max(LEAST_WAIT, answer.wait)

    def slow_down(self, relay: AnyRelay, group: str) -> None:
        """The relay refused for the pace: half of it from now on, for the group or ("") for all."""
        paced = self.relays[relay.name]
        try:
            limit = self.buckets.halve(paced.buckets[group], letters=paced.counts[group])
        except RedisError as fault:
            log.warning("%s is not slowed down: %s", relay.name, fault)
            return
        paced.counts[group] = 0
        paced.impose(paced.imposed | {group: limit})
        log.warning("%s", words(paced.name, group, limit))

    def note_away(self, relay: AnyRelay, words: str, *, seconds: float) -> None:
        """Tell whoever looks that this process leaves the relay alone for so long."""
        try:
            self.buckets.note_away(relay.name, words, seconds)
        except RedisError as fault:
            log.warning("%s is left alone, which only this process knows: %s", relay.name, fault)

    def note_back(self, relay: AnyRelay) -> None:
        with suppress(RedisError):
            self.buckets.note_away(relay.name, "", 0)


def words(name: str, group: str, rate: float) -> str:
    """What a relay, or a group of domains through it, takes now."""
    return (
        f"{group} through {name} takes {spoken(rate)} now"
        if group
        else f"{name} takes {spoken(rate)} now"
    )


def spoken(rate: float) -> str:
    """Letters a second in words, about: 20 a second, 90 a minute."""
    for unit, seconds in UNITS:
        if rate * seconds >= 10 or unit == "day":
            return f"{float(f'{rate * seconds:.2g}'):,.0f} a{'n' * (unit == 'hour')} {unit}"
    raise AssertionError("the day is the last")  # pragma: no cover
