"""What no brief holds and no parser should be given: a few characters by the ten thousand.

The libraries that read Markdown and HTML take time with the square of some things; two megabytes of
them would hold a worker for minutes. The bounds are far above what any brief needs. Pure.
"""

from __future__ import annotations

import re
from collections import Counter

from dispatcher.errors import UnreadableBrief

_MOST_OF_ONE = {"[": 5_000, "“": 5_000, "&": 20_000, "`": 5_000, "*": 20_000, "_": 50_000}
_MOST_PARAGRAPHS = 10_000
_MOST_ATTRIBUTES = 500

_TAG = re.compile(r"<[A-Za-z][^<>]*")
_ATTRIBUTE = re.compile(r"[\s/]+[^\s/=]")


def refuse_pathological(text: str) -> None:
    """Raise UnreadableBrief for a text that only costs time; itself it takes time with its length."""
    counts = Counter(text)
    for character, most in _MOST_OF_ONE.items():
        if counts[character] > most:
            raise _refusal(f"holds {counts[character]:,} times {character!r}")
    paragraphs = text.count("\n\n")
    if paragraphs > _MOST_PARAGRAPHS:
        raise _refusal(f"has {paragraphs:,} paragraphs")
    for tag in _TAG.finditer(text):
        if len(tag[0]) > _MOST_ATTRIBUTES:
            attributes = sum(1 for _ in _ATTRIBUTE.finditer(tag[0]))
            if attributes > _MOST_ATTRIBUTES:
                raise _refusal(f"has a tag with {attributes:,} attributes")


def _refusal(what: str) -> UnreadableBrief:
    return UnreadableBrief(f"The brief {what}, which no brief needs: hand in its text alone.")
