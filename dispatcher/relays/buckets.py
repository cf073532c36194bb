"""Token buckets in Valkey, one for a relay and one for each of its groups, shared by all workers.

All arithmetic is one script (buckets.lua), by Valkey's own clock, so that workers agree whatever theirs
say. What the numbers are used for is for `pacing` to decide.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import chain
from pathlib import Path
from typing import Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from dispatcher.relays.relay import WarmUp

SCRIPT = Path(__file__).with_suffix(".lua").read_text(encoding="utf-8")
DAY = -1
LUMP = 100


@dataclass(frozen=True, slots=True)
class Bucket:
    """Its key, and the configured letters a second (None: no limit but an imposed one)."""

    key: str
    rate: float | None

    @property
    def told(self) -> str:
        return "" if self.rate is None else repr(self.rate)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a take brought: letters that may go; else why none may, and when some are likely to.

    `short` is the index of the bucket that has none, DAY for the day's plan; `rate` is that bucket's. The
    wait, in seconds, is the same for `letters` letters, of which `promised` are counted on. `day` is the
    one that the letters count for, in days since 1970.
    """

    granted: int
    short: int = DAY
    rate: float = 0.0
    wait: float = 0.0
    letters: int = 0
    promised: int = 0
    day: int = field(default=0, compare=False)


class Buckets:
    """The script, called. Every method raises RedisError when Valkey does not answer in two seconds.

    `clock` stands in for Valkey's own, in seconds since 1970.
    """

    def __init__(self, url: str, *, clock: Callable[[], float] | None = None) -> None:
        once = Retry(NoBackoff(), 1)
        self._valkey = Redis.from_url(url, socket_connect_timeout=2, socket_timeout=2, retry=once)
        self._script = self._valkey.register_script(SCRIPT)
        self._clock = clock

    def take(
        self,
        letters: int,
        buckets: Sequence[Bucket],
        days: str,
        plan: WarmUp | None,
        *,
        is_urgent: bool,
        waiting: int = LUMP,
        is_promised: bool = True,
    ) -> Answer:
        """Letters from every one of the buckets; if there are none, a turn for `waiting` letters.

        At most LUMP and a second's worth are granted. With `letters` 0 none are taken, it is only asked.
        The turn is promised, so that the next who asks is told a later one; or else nothing is changed.
        """
        start, daily = ("", ()) if plan is None else (_day(plan), plan.daily)
        granted, short, rate, wait, alike, promised, day = self._call(
            "take",
            [*(bucket.key for bucket in buckets), days],
            [int(is_urgent), letters, waiting, int(is_promised), start],
            [*(bucket.told for bucket in buckets), *daily],
        )
        if granted:
            return Answer(granted, day=day)
        index = DAY if short == DAY else short - 1
        return Answer(0, index, float(rate or 0), float(wait), alike, promised, day)

    def give_back(
        self,
        letters: int,
        buckets: Sequence[Bucket],
        days: str,
        *,
        is_urgent: bool,
        promised: int,
        unused: int,
        day: int,
    ) -> None:
        """Tokens of that day that were not used, and a promise at the bucket of that index that so many
        did not need.
        """
        self._call(
            "give back",
            [*(bucket.key for bucket in buckets), days],
            [int(is_urgent), letters, promised + 1, unused, day],
            [bucket.told for bucket in buckets],
        )

    def halve(self, bucket: Bucket, *, letters: int) -> float:
        """Impose half of the rate that letters went at; `letters` went since the last look. The limit."""
        return float(self._call("halve", [bucket.key], [bucket.told, letters]))

    def look(self, buckets: Sequence[Bucket], letters: Sequence[int]) -> list[float | None]:
        """Count what went since the last look, and tell the limits imposed on the buckets now."""
        told: list[str | int] = []
        for bucket, number in zip(buckets, letters, strict=True):
            told += (bucket.told, number)
        found = self._call("look", [bucket.key for bucket in buckets], told)
        return [float(limit) if limit else None for limit in found]

    def note_away(self, relay: str, words: str, seconds: float) -> None:
        """That a relay is left alone for so long, and why; or, without words, no more."""
        key = f"dispatcher:away:{relay}"
        if words:
            self._valkey.set(key, words, px=max(1, int(seconds * 1000)))
        else:
            self._valkey.delete(key)

    def away(self, relays: Sequence[str]) -> list[tuple[str, float]]:
        """Why each relay is left alone by some worker, and for how many seconds more; "" and 0 if not."""
        pipe = self._valkey.pipeline(transaction=False)
        for relay in relays:
            pipe.get(f"dispatcher:away:{relay}")
            pipe.pttl(f"dispatcher:away:{relay}")
        found = pipe.execute()
        return [
            (words.decode(), max(0, left) / 1000) if words else ("", 0.0)
            for words, left in zip(found[::2], found[1::2], strict=True)
        ]

    def _call(self, act: str, keys: list[str], *arguments: Sequence[str | int]) -> Any:
        now = "" if self._clock is None else f"{self._clock():.6f}"
        return self._script(keys=keys, args=(act, now, *chain.from_iterable(arguments)))


def _day(plan: WarmUp) -> int:
    return (plan.start - date(1970, 1, 1)).days
