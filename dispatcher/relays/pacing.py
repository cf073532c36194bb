"""What may go now: the limits of each relay as this process knows them, and a batch's share of them.

Limits are configured, or imposed when a relay refuses for the pace; the sums are kept in Valkey, see
`buckets`. Where nothing is limited a letter costs no question. Nobody waits here: what may not go is
held back by whoever asks. Without Valkey relays with a limit take nothing, for a limit that cannot be
kept must not be broken; those without go on.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic

from django.conf import settings
from redis.exceptions import RedisError

from dispatcher.relays.buckets import DAY, LUMP, Answer, Bucket, Buckets
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

    def wait(self, relay: AnyRelay, *, is_urgent: bool, letters: int) -> float:
        """Seconds until the relay is likely to take so many; 0.0 if some at once. The turn is promised."""
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
        log.warning("%s", _words(paced.name, group, limit))

    def note_away(self, relay: AnyRelay, words: str, *, seconds: float) -> None:
        """Tell whoever looks that this process leaves the relay alone for so long."""
        try:
            self.buckets.note_away(relay.name, words, seconds)
        except RedisError as fault:
            log.warning("%s is left alone, which only this process knows: %s", relay.name, fault)

    def note_back(self, relay: AnyRelay) -> None:
        with suppress(RedisError):
            self.buckets.note_away(relay.name, "", 0)


@dataclass(slots=True)
class _Share:
    """What a batch has of one limit: letters that may go, or when the next may."""

    left: int = 0
    is_closed: bool = False  # none more for this batch, whatever there is
    answer: Answer = Answer(0)  # noqa: RUF009  frozen
    ready_at: float = 0.0
    held: int = 0  # of the letters that the answer's wait is for


class Purse:
    """What one batch may send: tokens are taken in lumps as they are needed, and the rest given back."""

    def __init__(self, pacing: Pacing, *, is_urgent: bool) -> None:
        self._pacing = pacing
        self._is_urgent = is_urgent
        self._shares: dict[tuple[str, str], _Share] = {}

    def may_go(self, relay: AnyRelay, group: str) -> bool:
        """Whether a letter of that group may go through the relay now; if so it is counted."""
        paced = self._pacing.relays[relay.name]
        limited = paced.limited
        if limited:
            limit = group if group in limited else ""
            if limit in limited and not self._spend(paced, limit):
                return False
        paced.counts[""] += 1
        if group:
            paced.counts[group] += 1
        return True

    def put_back(self, relay: AnyRelay, group: str) -> None:
        """A letter that might have gone did not."""
        paced = self._pacing.relays[relay.name]
        share = self._shares.get((paced.name, group if group in paced.limited else ""))
        if share is not None:
            share.left += 1
        paced.counts[""] -= 1
        if group:
            paced.counts[group] -= 1

    def hold_back(self, relay: AnyRelay, group: str) -> tuple[float, str]:
        """For a letter that may not go: the seconds until it is likely to, and why, in words."""
        paced = self._pacing.relays[relay.name]
        limit = group if group in paced.limited else ""
        share = self._share(paced, limit)
        share.held += 1
        answer = share.answer
        if answer.short == DAY:
            words = f"{paced.name} has taken what its warm-up plan allows for today"
        elif answer.rate:
            words = _words(paced.name, limit if answer.short else "", answer.rate)
        else:
            words = f"the pace of {paced.name} is not known while Valkey is away"
        return max(LEAST_WAIT, share.ready_at - monotonic()), words

    def close(self, relay: AnyRelay, group: str) -> None:
        """No more of that group ("": no letter at all) through the relay in this batch."""
        paced = self._pacing.relays[relay.name]
        for limit in [group] if group else [*paced.buckets]:
            self._share(paced, limit).is_closed = True

    def ready_at(self, relay: AnyRelay, group: str) -> float:
        """When a letter that may not go is likely to, by the monotonic clock."""
        paced = self._pacing.relays[relay.name]
        return self._share(paced, group if group in paced.limited else "").ready_at

    def is_closed(self, relay: AnyRelay, group: str) -> bool:
        share = self._shares.get((relay.name, group))
        return share is not None and share.is_closed

    def give_back(self) -> None:
        """The tokens that were not needed, and the turns. Nothing may be spent after that."""
        for (name, limit), share in self._shares.items():
            paced = self._pacing.relays[name]
            self._give_back(paced, limit, share)
        self._shares.clear()

    def _share(self, paced: Paced, limit: str) -> _Share:
        return self._shares.setdefault((paced.name, limit), _Share())

    def _spend(self, paced: Paced, limit: str) -> bool:
        share = self._share(paced, limit)
        if share.left and not share.is_closed:
            share.left -= 1
            return True
        now = monotonic()
        if now < share.ready_at and share.held < share.answer.letters:
            return False
        self._ask(paced, limit, share)
        if not share.left:
            return False
        share.left -= 1
        return True

    def _ask(self, paced: Paced, limit: str, share: _Share) -> None:
        self._give_back(paced, limit, share)
        try:
            answer = self._pacing.buckets.take(
                0 if share.is_closed else LUMP,
                paced.buckets_for(limit),
                paced.days,
                paced.plan,
                is_urgent=self._is_urgent,
            )
        except RedisError:
            answer = Answer(0, short=0, wait=BLIND_SECONDS, letters=1_000_000)
        if answer.granted and share.is_closed:
            rate = paced.imposed.get(limit, 0.0)
            answer = Answer(0, short=1 if limit else 0, rate=rate, wait=LEAST_WAIT, letters=LUMP)
        share.left, share.held, share.answer = answer.granted, 0, answer
        share.ready_at = monotonic() + answer.wait

    def _give_back(self, paced: Paced, limit: str, share: _Share) -> None:
        unused = max(0, share.answer.promised - share.held)
        if not share.left and not unused:
            return
        try:
            self._pacing.buckets.give_back(
                share.left,
                paced.buckets_for(limit),
                paced.days,
                is_urgent=self._is_urgent,
                promised=share.answer.short if unused else -1,
                unused=unused,
            )
        except RedisError as fault:
            log.warning("%s tokens of %s are lost: %s", share.left, paced.name, fault)


def _words(name: str, group: str, rate: float) -> str:
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
