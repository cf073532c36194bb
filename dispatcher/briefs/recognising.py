"""Recognise known topics and the language in what a publisher wrote.

A topic that nobody knows stays as it was written; whether it may stay is for intake to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dispatcher.briefs.cleaning import fold, one_line, shown
from dispatcher.errors import UnreadableBrief

_SEPARATORS = frozenset(" ,;|•·/،؛-*")
_SEPARATOR = re.compile(r"[,;|•·،؛\n]")
_LABEL = re.compile(
    r"(?:topics?|issues?|tags?|keywords?|filed under|נושאים|المواضيع|الموضوعات)"
    r"\s*:\s*(?P<names>.*)",
    re.IGNORECASE,
)
_MAX_LINE = 2000
# RFC 5646 §2.1: language, extended language, script, region, variants, extensions, private use.
_LANGUAGE = re.compile(
    r"(?P<language>[a-z]{2,3}(?:-[a-z]{3}){0,3})(?P<script>-[a-z]{4})?"
    r"(?P<region>-(?:[a-z]{2}|[0-9]{3}))?"
    r"(?P<rest>(?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*"
    r"(?:-[0-9a-wyz](?:-[a-z0-9]{2,8})+)*(?:-x(?:-[a-z0-9]{1,8})+)?)",
    re.IGNORECASE | re.ASCII,
)
_HEBREW = re.compile("[\u05d0-\u05ea]")
_ARABIC = re.compile("[\u0620-\u064a\u066e-\u06d3]")
_LETTER = re.compile(r"[^\W\d_]")
_PERSIAN_ONLY = re.compile("[پچژگکی]")
_ARABIC_ONLY = re.compile("[يكةىأإؤ]")


@dataclass(frozen=True, slots=True)
class KnownTopic:
    """A topic as the vocabulary has it: its canonical name and what else it is called."""

    name: str
    aliases: tuple[str, ...] = ()


def resolve(names: Iterable[str], known: Sequence[KnownTopic]) -> tuple[str, ...]:
    """The topics that these names mean, known ones by canonical name, each once, in order."""
    canonical = _canonical(known)
    found: dict[str, str] = {}
    for name in map(one_line, names):
        if name:
            topic = canonical.get(fold(name), name)
            found.setdefault(fold(topic), topic)
    return tuple(found.values())


def split_names(text: str, known: Sequence[KnownTopic]) -> tuple[str, ...]:
    """The topics of an explicit list in one string; unknown ones stay as written."""
    return made_up_of(text, known) or resolve(_SEPARATOR.split(text), known)


def topics_of_line(line: str, known: Sequence[KnownTopic]) -> tuple[str, ...]:
    """The topics that a closing line names, or nothing if it is a line of text.

    A label such as `Topics:` makes the list explicit, so that unknown names count as well.
    """
    if labelled := _LABEL.fullmatch(one_line(line)):
        return split_names(labelled["names"], known)
    return made_up_of(line, known)


def is_topics_label(line: str) -> bool:
    text = one_line(line)
    found = _LABEL.fullmatch(text if ":" in text else f"{text}:")
    return found is not None and not found["names"]


def made_up_of(line: str, known: Sequence[KnownTopic]) -> tuple[str, ...]:
    """The known topics which the whole line consists of, with or without separators, or nothing.

    At every place the longest name is tried first, so `Iran Sanctions` is not `Iran`.
    """
    canonical = _canonical(known)
    names = sorted(canonical, key=len, reverse=True)
    text = fold(line)
    if len(text) > _MAX_LINE:
        return ()
    # From the end: what to step over at each place so that the rest can still be consumed.
    steps: dict[int, str] = {len(text): ""}
    for place in range(len(text) - 1, -1, -1):
        fitting = (n for n in names if text.startswith(n, place) and place + len(n) in steps)
        if name := next(fitting, ""):
            steps[place] = name
        elif text[place] in _SEPARATORS and place + 1 in steps:
            steps[place] = text[place]
    found: list[str] = []
    place = 0
    while step := steps.get(place, ""):
        found.append(step)
        place += len(step)
    return tuple(dict.fromkeys(canonical[step] for step in found if step in canonical))


def language_tag(tag: str) -> str:
    """The language tag in its usual case; refuses what is not of the form of RFC 5646 §2.1."""
    found = _LANGUAGE.fullmatch(one_line(tag))
    if not found:
        raise UnreadableBrief(
            f"The language “{shown(tag)}” is not a language tag: write one like en, he or pt-BR."
        )
    return (
        found["language"].lower()
        + (found["script"] or "").title()
        + (found["region"] or "").upper()
        + found["rest"].lower()
    )


def guess_language(text: str) -> str:
    """`he`, `ar` or `fa` if most letters are of that script, else `en`."""
    letters = len(_LETTER.findall(text))
    if len(_HEBREW.findall(text)) * 2 > letters:
        return "he"
    if len(_ARABIC.findall(text)) * 2 > letters:
        persian = len(_PERSIAN_ONLY.findall(text)) > len(_ARABIC_ONLY.findall(text))
        return "fa" if persian else "ar"
    return "en"


def _canonical(known: Sequence[KnownTopic]) -> dict[str, str]:
    names = {fold(alias): one_line(t.name) for t in known for alias in t.aliases}
    names |= {fold(topic.name): one_line(topic.name) for topic in known}
    names.pop("", None)
    return names
