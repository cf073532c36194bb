"""Paragraphs into runs: what stands together as prose and what as one list."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from dispatcher.letters.plaintext import BULLET


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbouring paragraphs of one sort; the bullets of a list are taken off."""

    is_list: bool
    paragraphs: tuple[str, ...]


def runs(paragraphs: Iterable[str]) -> list[Run]:
    """Group paragraphs; one that starts with a bullet and a space is an item of a list."""
    grouped = groupby(paragraphs, key=lambda paragraph: paragraph.startswith(BULLET))
    return [
        Run(is_list, tuple(paragraph.removeprefix(BULLET) for paragraph in group))
        for is_list, group in grouped
    ]
