"""The list of trials: a name, a sentence, and a function that breaks something in one round."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bench.chaos.round import Round

Act = Callable[[Round], None]


@dataclass(frozen=True, slots=True)
class Trial:
    name: str
    words: str
    act: Act


TRIALS: dict[str, Trial] = {}


def trial(words: str) -> Callable[[Act], Act]:
    """Enter a function into the list under its own name."""

    def enter(act: Act) -> Act:
        name = act.__name__.replace("_", "-")
        TRIALS[name] = Trial(name, words, act)
        return act

    return enter
