"""Briefs as feeds hold them: each of its own words, so that they take up as much, coded, as prose does.

They are released to the feeds alone. Topics are those of `filling`.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import count

from bench.book import CannotMeasure
from bench.letter import BY
from dispatcher.briefs import intake
from dispatcher.briefs.document import Document, Section
from dispatcher.briefs.models import Brief
from dispatcher.feeds import publishing
from dispatcher.mailing import dispatching

_ONSETS = (
    "b",
    "ch",
    "d",
    "f",
    "g",
    "h",
    "k",
    "l",
    "m",
    "n",
    "p",
    "r",
    "s",
    "st",
    "t",
    "tr",
    "v",
    "w",
)
_RHYMES = ("a", "an", "ar", "e", "en", "er", "i", "in", "o", "on", "or", "ou", "u", "y")
_PARAGRAPHS, _SENTENCES, _WORDS = 8, 7, 18  # about 7 KB
_SWEEPS = 200
_numbers = count(1)


def make_brief(topics: Sequence[str]) -> Brief:
    """A brief of some seven kilobytes on these topics, handed in and not released."""
    number = next(_numbers)
    chance = random.Random(number)
    words = _vocabulary()
    paragraphs = [
        " ".join(_sentence(chance, words) for _ in range(_SENTENCES)) for _ in range(_PARAGRAPHS)
    ]
    document = Document(
        headline=_sentence(chance, words)[:70],
        summary=_sentence(chance, words),
        blocks=(Section("Latest developments", tuple(paragraphs)),),
        topics=tuple(topics),
        source_id=f"newsroom-{number}",
    )
    return intake.store(document, by=BY).brief


def release(brief: Brief) -> None:
    """To the feeds alone: the row, and the nudge to whoever publishes."""
    dispatching.release(brief, by=BY, to_feeds_alone=True)


def publish_all() -> None:
    """As workers would, were any there: until no released brief is missing from the feeds."""
    for _ in range(_SWEEPS):
        if not publishing.sweep():
            return
    raise CannotMeasure("the feeds do not get to hold what was released")


def _vocabulary() -> list[str]:
    """Two thousand words, the first of which are used most."""
    chance = random.Random(2026)
    return [
        "".join(
            chance.choice(_ONSETS) + chance.choice(_RHYMES) for _ in range(chance.randint(1, 4))
        )
        for _ in range(2_000)
    ]


def _sentence(chance: random.Random, words: Sequence[str]) -> str:
    picked = [words[int(len(words) * chance.random() ** 2)] for _ in range(_WORDS)]
    return f"{' '.join(picked).capitalize()}."
