"""The summary of a brief that brings none: the first sentences of its text."""

from __future__ import annotations

import re
from collections.abc import Sequence

from dispatcher.briefs.cleaning import plain
from dispatcher.briefs.document import Block, Quotation, Section

MAX_SUMMARY = 220

_SENTENCE_END = re.compile(r"[.!?…؟][”“\"’»)\]]*\s+|。")
# A full stop after these, or after a single letter, ends no sentence.
_ABBREVIATION = re.compile(
    r"(?:\b\w|\b(?:mr|mrs|ms|dr|prof|st|gen|lt|col|maj|capt|cmdr|adm|sgt|sen|rep|gov|jr|sr|vs|no"
    r"|inc|ltd|corp|co|approx|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec))\.\s+\Z",
    re.IGNORECASE,
)


def summary_of(blocks: Sequence[Block]) -> str:
    """At most MAX_SUMMARY characters of the first section's first paragraph, as plain text.

    Whole sentences if the first one fits, else words and an ellipsis. A brief without sections
    gives the beginning of its first quotation.
    """
    for kind in (Section, Quotation):
        for block in blocks:
            if isinstance(block, kind) and block.paragraphs:
                return shorten(plain(block.paragraphs[0]).removeprefix("• "))
    return ""


def shorten(text: str) -> str:
    """The text cut after the last sentence, or failing that the last word, that fits."""
    if len(text) <= MAX_SUMMARY:
        return text
    end = 0
    for found in _SENTENCE_END.finditer(text):
        stop = len(text[: found.end()].rstrip())
        if stop > MAX_SUMMARY:
            break
        begins_sentence = not text[found.end() : found.end() + 1].islower()
        if begins_sentence and not _ABBREVIATION.search(text[: found.end()]):
            end = stop
    if end:
        return text[:end]
    words = text[:MAX_SUMMARY].rpartition(" ")[0] or text[: MAX_SUMMARY - 1]
    return words.rstrip(" ,;:–—-") + "…"
