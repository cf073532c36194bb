"""What one batch may send now: its share of the limits, letter by letter.

Where nothing is limited a letter costs no question. Nobody waits here: what may not go is held back by
whoever asks.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic

from redis.exceptions import RedisError

from dispatcher.relays import pacing
from dispatcher.relays.buckets import DAY, LUMP, Answer
from dispatcher.relays.pacing import BLIND_SECONDS, LEAST_WAIT, Paced, Pacing
from dispatcher.relays.relay import AnyRelay

log = logging.getLogger(__name__)


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
        if not share.held:
            self._count_on(paced, limit, share)
        share.held += 1
        answer = share.answer
        if answer.short == DAY:
            words = f"{paced.name} has taken what its warm-up plan allows for today"
        elif answer.rate:
            words = pacing.words(paced.name, limit if answer.short else "", answer.rate)
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
                is_promised=False,
            )
        except RedisError:
            answer = Answer(0, short=0, wait=BLIND_SECONDS, letters=1_000_000)
        if answer.granted and share.is_closed:
            rate = paced.imposed.get(limit, 0.0)
            answer = Answer(0, short=1 if limit else 0, rate=rate, wait=LEAST_WAIT, letters=LUMP)
        share.left, share.held, share.answer = answer.granted, 0, answer
        share.ready_at = monotonic() + answer.wait

    def _count_on(self, paced: Paced, limit: str, share: _Share) -> None:
        """Have the turn promised, once letters wait for it indeed: another relay may have taken them."""
        if share.answer.short == DAY or not share.answer.rate:
            return
        with suppress(RedisError):
            answer = self._pacing.buckets.take(
                0,
                paced.buckets_for(limit),
                paced.days,
                paced.plan,
                is_urgent=self._is_urgent,
            )
            if not answer.granted:
                share.answer = answer
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
                day=share.answer.day,
            )
        except RedisError as fault:
            log.warning("%s tokens of %s are lost: %s", share.left, paced.name, fault)
