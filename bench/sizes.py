"""How much is measured: the real thing, or a quick look while developing."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Sizes:
    """Numbers of letters, readers and rounds of one run. `audiences` are those that a topic stands for."""

    rounds: int = 3
    letter: int = 20_480  # octets of a stamped letter, within 5 %
    handful: int = 20  # letters that are looked at
    warm_up: int = 1_000
    wire: int = 50_000
    source: int = 20_000
    django: int = 2_000
    dkimpy: int = 300
    few: int = 10_000
    many: int = 1_000_000
    half: int = 500_000
    routine: int = 200_000
    urgent: int = 1_000
    counts: int = 7
    far: int = 600
    far_smtplib: int = 150
    feed_seconds: int = 4
    feeds: int = 1_000
    is_quick: bool = False

    @property
    def audiences(self) -> tuple[int, ...]:
        return tuple(
            sorted({self.handful, self.warm_up, self.few, self.wire, self.routine, self.half})
        )


FULL = Sizes()
QUICK = Sizes(
    warm_up=200,
    wire=4_000,
    source=4_000,
    django=100,
    dkimpy=20,
    few=1_000,
    many=30_000,
    half=10_000,
    routine=8_000,
    urgent=200,
    counts=3,
    far=60,
    far_smtplib=15,
    feed_seconds=1,
    feeds=100,
    is_quick=True,
)


def of(*, quick: bool, rounds: int | None) -> Sizes:
    sizes = QUICK if quick else FULL
    return replace(sizes, rounds=rounds) if rounds else sizes
