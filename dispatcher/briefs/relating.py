"""Related entries: title, source and address of a line that points to another piece.

In pasted text the opening mark of a title is often lost, so the closing one is what is looked for.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from dispatcher.briefs.cleaning import fold, one_line, plain, safe_link
from dispatcher.briefs.document import Entry
from dispatcher.briefs.quoting import MARKS

_RELATED = frozenset(
    {
        *("related", "related analysis", "related reading", "related articles", "related content"),
        *("related links", "related work", "related research", "further reading", "read more"),
        *("קריאה נוספת", "ניתוחים קשורים", "قراءات ذات صلة", "تحليلات ذات صلة"),
    }
)
_ANCHOR = re.compile(r'<a href="(?P<href>[^"]*)">(?P<text>.*?)</a>')
_ADDRESS = re.compile(r"[\s,(]*(?P<url>https?://[^\s<>]+?)\)?[.]?\Z")
_NUMBER = re.compile(r"\A(?:•|\d{1,3}[.)]) ")
_CLOSING = re.compile(r"""[”"“»״’](?=[,،.]?(?:[\s;|–—-]|\Z))""")
_COMMA_AT_MARK = re.compile(r"""[,،.?!][”"“»״]|[”"“»״][,،]""")
_BEFORE_SOURCE = " ,،;|–—-("
_MAX_ENTRY_WORDS = 40
_MAX_WORDS_BESIDE_LINK = 12


def is_related(heading: str) -> bool:
    """Whether what stands under this heading is related pieces."""
    return fold(heading).rstrip(":") in _RELATED


def is_link(fragment_: str) -> bool:
    """Whether a paragraph is little more than one link."""
    if not (anchor := _ANCHOR.search(fragment_)):
        return False
    beside = len(plain(fragment_).split()) - len(plain(anchor["text"]).split())
    return beside <= _MAX_WORDS_BESIDE_LINK


def entries(fragments: Sequence[str]) -> tuple[tuple[Entry, ...], tuple[str, ...]]:
    """The entries that these paragraphs are, and the paragraphs from the first that is none.

    An address alone in a paragraph belongs to the entry before it.
    """
    found: list[Entry] = []
    for number, text in enumerate(fragments):
        shown = plain(text)
        if len(shown.split()) > _MAX_ENTRY_WORDS:
            return tuple(found), tuple(fragments[number:])
        alone = _ADDRESS.fullmatch(shown)
        if alone and found and not found[-1].url:
            found[-1] = Entry(found[-1].title, found[-1].source, safe_link(alone["url"]))
        else:
            found.append(entry(text))
    return tuple(found), ()


def entry(fragment_: str) -> Entry:
    """Title, source and address of `“Title,” Source`, with or without opening mark and link."""
    fragment_ = _NUMBER.sub("", fragment_)
    text = plain(fragment_)
    url = ""
    if anchor := _ANCHOR.search(fragment_):
        url = html.unescape(anchor["href"])
    elif address := _ADDRESS.search(text):
        url = safe_link(address["url"])
        text = text[: address.start()] if url else text
    if found := _quoted_title(text):
        return Entry(found[0], found[1], url)
    if anchor and (title := plain(anchor["text"])):
        before, _, after = text.partition(title)
        rest = one_line(f"{before.strip(_BEFORE_SOURCE)} {after.lstrip(_BEFORE_SOURCE)}")
        return Entry(title, rest if "(" in rest else rest.removesuffix(")"), url)
    title, _, source = (part.strip() for part in text.partition(" | "))
    return Entry(title or source or url, source if title else "", url)


def looks_like_entry(text: str) -> bool:
    """Whether a line can only be an entry: a title, a comma at its closing mark, a source."""
    found = _quoted_title(text)
    return bool(found and found[1] and _COMMA_AT_MARK.search(text))


def _quoted_title(text: str) -> tuple[str, str] | None:
    """Title and source, split at the last closing mark that can end a title."""
    opening = text[:1] if text[:1] in MARKS else ""
    for mark in reversed(list(_CLOSING.finditer(text))):
        fits = mark[0] in MARKS[opening] if opening else mark[0] != "’"
        beside = text[: mark.start()][-1:] + text[mark.end() :][:1]
        title = text[len(opening) : mark.start()].rstrip(" ,،").strip()
        if fits and title and (opening or any(char in ",،.?!" for char in beside)):
            return title, text[mark.end() :].strip(_BEFORE_SOURCE)
    return None
