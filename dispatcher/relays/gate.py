"""Whether a letter may still go: its carrier is asked at the last moment, before the letter is written.

Between a letter's making and its turn a connection may take minutes to come about, or the letter before
to be answered; by then its carrier may have lost it, or been told to stop.
"""

from __future__ import annotations

from collections.abc import Callable

from dispatcher.relays.outcomes import Outcome, Parcel, Result

MayGo = Callable[[Parcel], bool]  # asked once for each letter that is about to be written

_STOPPED = "stopped before its turn"


def always(_: Parcel) -> bool:
    return True


class Gate:
    """What the carrier says, until it says no: then nothing more goes, and it is not asked again."""

    __slots__ = ("_may_go", "is_shut")

    def __init__(self, may_go: MayGo) -> None:
        self._may_go = may_go
        self.is_shut = False

    def __call__(self, parcel: Parcel) -> bool:
        if self.is_shut or not self._may_go(parcel):
            self.is_shut = True
        return not self.is_shut


def stopped(parcel: Parcel, relay: str) -> Outcome:
    """It did not go, since it may not; no attempt, and nothing to wait for."""
    return Outcome(parcel.key, Result.HELD_BACK, relay, "", _STOPPED)


def was_stopped(outcome: Outcome) -> bool:
    """Whether a letter did not go since it might not."""
    return outcome.result is Result.HELD_BACK and outcome.text == _STOPPED
