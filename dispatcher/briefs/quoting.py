"""Quotations and attributions: where a quoted text ends, and who is named after it.

Texts are fragments as `cleaning.fragment` makes them. Where quotations may stand is for `shaping`
to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from dispatcher.briefs.cleaning import fragment, one_line, plain

# What may close a quotation that begins with the key; Arabic is often pasted with both reversed.
MARKS = {
    "“": '”“"',
    "”": "“”",
    "„": '“”"',
    "‟": "”",
    '"': '"”',
    "״": "״",
    "«": "»",
    "»": "«",
    "‘": "’",
}
DASHES = "—–―-"
_CLOSING = '”“"״»«’'
_TAGS = r"(?:<[^>]*>)*"
_OPENING = re.compile(rf"\A({_TAGS})([{''.join(MARKS)}])\s*")
_END = re.compile(rf"([{_CLOSING}])([.,]?{_TAGS})\Z")
_BOUNDARY = re.compile(
    rf"<[^>]*>|(?P<mark>[{_CLOSING}])(?P<stop>[.]?)(?={_TAGS}(?:\s|<br>|[{DASHES}]|\Z))"
)
_FINAL = (".", "!", "?", "…", "؟", "。")
_DASHED_TAIL = re.compile(
    rf"(?P<said>.*[.!?…؟][”“\"»’]?{_TAGS})(?:\s|<br>)+{_TAGS}(?:[—–―]|--)(?P<tail>[^—–―]*)"
)
_COMMA = re.compile(r"[,،;]")
_ABBREVIATION = re.compile(r"(?:\b\w\.){2,}\Z|\b(?:Jr|Sr|Inc|Ltd|Co|Corp|Ret|Ph\.D)\.\Z")
_PARTICLES = frozenset(
    "al and bin bint da de del den der di dos du el ibn la le ten ter van von y zu".split()  # noqa: SIM905
)
_MAX_NAME_WORDS = 8
_MAX_ROLE_WORDS = 40
_MAX_MARKS = 12  # an attribution holds few quotation marks, so the end of a quotation is near


@dataclass(frozen=True, slots=True)
class Attribution:
    name: str
    role: str = ""


def opening_mark(fragment_: str) -> str:
    """The quotation mark that the fragment begins with, or ''."""
    found = _OPENING.match(fragment_)
    return found[2] if found else ""


def balance(fragment_: str, mark: str = "“") -> int:
    """How many quotations the paragraph leaves open; below zero if it closes one too many."""
    *_, last = 0, *_depths(plain(fragment_), mark)
    return last


def ends_quoted(fragment_: str) -> bool:
    """Whether the paragraph ends with a closing mark."""
    return bool(_END.search(fragment_))


def attribution(text: str, *, lenient: bool = False) -> Attribution | None:
    """Who is named in `Name, Role`, or None if the text reads like prose.

    After a dash, or where only an attribution can stand (`lenient`), a name alone is enough and a
    full stop at the end does no harm.
    """
    text = one_line(text)
    bare = text.lstrip(f"{DASHES}• ")
    sure = lenient or bare != text
    if bare.endswith((*_FINAL, ":")) and not _ABBREVIATION.search(bare):
        if not sure or not bare.endswith("."):
            return None
        bare = bare[:-1]
    name, role = (*map(str.strip, _COMMA.split(bare, maxsplit=1)), "")[:2]
    words = name.split()
    if not 1 <= len(words) <= _MAX_NAME_WORDS or not all(map(_is_name_word, words)):
        return None
    if not sure and (len(words) < 2 or not role):
        return None
    return Attribution(name, role) if len(role.split()) <= _MAX_ROLE_WORDS else None


def split_at_mark(fragment_: str, mark: str, *, lenient: bool) -> tuple[str, Attribution] | None:
    """What is said and who says it in `“Said.” Name, Role`, or None.

    Without `lenient`, what is said must end as a sentence, so that `“Yes,” he said` stays prose.
    """
    ends = [found for found in _BOUNDARY.finditer(fragment_) if found["mark"]]
    for end in reversed(ends[-_MAX_MARKS:]):
        said, tail = fragment_[: end.start()] + end["stop"], fragment_[end.end() :]
        if end["mark"] not in MARKS[mark] or not (lenient or plain(said).endswith(_FINAL)):
            continue
        if who := attribution(plain(tail), lenient=lenient):
            return fragment(said), who
    return None


def split_at_dash(fragment_: str) -> tuple[str, Attribution] | None:
    """What is said and who says it in `Said. — Name, Role`, or None."""
    found = _DASHED_TAIL.fullmatch(fragment_)
    if found and (who := attribution(f"—{plain(found['tail'])}")):
        return fragment(found["said"]), who
    return None


def without_marks(paragraphs: list[str]) -> tuple[str, ...]:
    """The paragraphs of one quotation without the marks around it; inner marks stay.

    A quotation of several paragraphs has an opening mark at each and a closing one at the last.
    """
    first = opening_mark(paragraphs[0]) if paragraphs else ""
    stripped: list[str] = []
    for paragraph in paragraphs:
        mark = opening_mark(paragraph)
        bare = paragraph
        if mark and (balance(paragraph, mark) > 0 or _is_outer(paragraph, mark)):
            bare = _OPENING.sub(r"\1", paragraph)
        if (mark and _is_outer(paragraph, mark)) or (first and balance(paragraph, first) < 0):
            bare = _END.sub(r"\2", bare)
        stripped.append(fragment(bare))
    return tuple(filter(None, stripped))


def _depths(text: str, mark: str) -> Iterator[int]:
    """The depth after each mark; where a mark stands says whether it opens, not how it looks."""
    depth = 0
    for place, char in enumerate(text):
        if char != mark and char not in MARKS[mark]:
            continue
        before, after = text[place - 1 : place], text[place + 1 : place + 2]
        if before.isalnum() and after.isalnum():
            continue  # an apostrophe, or the mark of a Hebrew abbreviation
        depth += 1 if not before or before.isspace() or before in f"([{DASHES}" else -1
        yield depth


def _is_outer(fragment_: str, mark: str) -> bool:
    """Whether the mark at the beginning is closed by the one at the end, and not before."""
    depths = list(_depths(plain(fragment_), mark))
    return ends_quoted(fragment_) and depths[-1] == 0 and 0 not in depths[:-1]


def _is_name_word(word: str) -> bool:
    word = word.strip("().’'\"“”").removeprefix("al-").removeprefix("d’").removeprefix("d'")
    return word in _PARTICLES or (word[:1].isalpha() and not word[:1].islower())
