"""Inline HTML into plain text that is pleasant to read: notes for links, 72 columns, bullets.

Decides what each inline tag becomes and where a line may break. Which paragraph stands where is
for the templates.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import quote

COLUMNS = 72
BULLET = "• "
_GLUE = "\N{NO-BREAK SPACE}"
_ASCII_URL = "".join(chr(code) for code in range(0x21, 0x7F))
_RAISED = str.maketrans("0123456789+-()", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾")
_LOWERED = str.maketrans("0123456789+-()", "₀₁₂₃₄₅₆₇₈₉₊₋₍₎")
# Between two ideographs or kana a line may break, but not before or after these.
_CLOSERS = "、。，．！？；：）」』】〉》〕］｝”’…ー"
_OPENERS = "（「『【〈《〔［｛“‘"


def ascii_url(url: str) -> str:
    """The URL with all that is not ASCII percent-encoded (RFC 3987 §3.1), as in the HTML."""
    return quote(url.strip(), safe=_ASCII_URL)


class Notes:
    """Collects the links of one text letter; an address has one number, in order of appearance."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def __iter__(self) -> Iterator[tuple[int, str]]:
        return iter([(number, url) for url, number in self._numbers.items()])

    def __len__(self) -> int:
        return len(self._numbers)

    def link(self, label: str, url: str) -> str:
        """The label and its note's number; a label that is itself the address needs no note."""
        url = ascii_url(url)
        if not url:
            return label
        if label.strip() in {url, url.removeprefix("mailto:")}:
            return label.strip()
        number = self._numbers.setdefault(url, len(self._numbers) + 1)
        return f"{label.rstrip()}{_GLUE}[{number}]"

    def plain(self, fragment: str) -> str:
        """An inline HTML fragment as text, its links noted; a `<br>` is a newline."""
        reader = _InlineReader(self)
        reader.feed(fragment)
        reader.close()
        return reader.text()


class _InlineReader(HTMLParser):
    def __init__(self, notes: Notes) -> None:
        super().__init__(convert_charrefs=True)
        self._notes = notes
        self._open: list[tuple[str, str, list[str]]] = [("", "", [])]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "br":
            self._open[-1][2].append("\n")
        elif tag in {"a", "q", "sub", "sup"}:
            self._open.append((tag, dict(attrs).get("href") or "", []))

    def handle_endtag(self, tag: str) -> None:
        if self._open[-1][0] == tag:
            self._shut()

    def handle_data(self, data: str) -> None:
        self._open[-1][2].append(re.sub(r"[ \t\r\n\f]+", " ", data))

    def text(self) -> str:
        while len(self._open) > 1:
            self._shut()
        joined = "".join(self._open[0][2])
        return re.sub(r" *\n *", "\n", re.sub(r" {2,}", " ", joined)).strip(" \n")

    def _shut(self) -> None:
        tag, url, pieces = self._open.pop()
        inner = "".join(pieces)
        if tag == "a":
            inner = self._notes.link(inner, url) if inner.strip() else inner
        elif tag == "q":
            inner = f"“{inner}”"
        elif tag == "sup":
            inner = _moved(inner, _RAISED, "^")
        elif tag == "sub":
            inner = _moved(inner, _LOWERED, "_")
        self._open[-1][2].append(inner)


def _moved(text: str, table: dict[int, int], mark: str) -> str:
    moved = text.strip().translate(table)
    return moved if all(ord(char) in table for char in text.strip()) else f"{mark}{text.strip()}"


def width(text: str) -> int:
    """Columns that a text takes in a fixed-width font: wide characters two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(_columns(char) for char in text)


def wrapped(text: str, indent: str = "", columns: int = COLUMNS) -> str:
    """The text in lines of at most `columns`, each behind `indent`; a longer word stays whole.

    Newlines in the text stay. A paragraph that starts with a bullet hangs under its text.
    """
    lines: list[str] = []
    for paragraph in text.split("\n"):
        first, rest = indent, indent
        if paragraph.startswith(BULLET):
            first, rest = f"{indent}  {BULLET}", f"{indent}    "
        lines += _filled(paragraph.removeprefix(BULLET), first, rest, columns)
    return "\n".join(lines).replace(_GLUE, " ")


def underlined(text: str, mark: str = "=") -> str:
    """A title over a rule as wide as its widest line."""
    lines = wrapped(text)
    return f"{lines}\n{mark * max(map(width, lines.splitlines()), default=0)}"


def _filled(paragraph: str, first: str, rest: str, columns: int) -> list[str]:
    lines: list[str] = []
    line, used, is_empty = first, width(first), True
    for glue, piece in _pieces(paragraph):
        size = width(piece)
        if not is_empty and used + len(glue) + size > columns:
            lines.append(line)
            line, used, is_empty = rest, width(rest), True
        if not is_empty:
            line, used = line + glue, used + len(glue)
        line, used, is_empty = line + piece, used + size, False
    return [*lines, line.rstrip(" ")]


def _pieces(paragraph: str) -> Iterator[tuple[str, str]]:
    """What may stand on a line of its own, each with the space that parts it from the last."""
    for word in re.findall(r"[^ ]+", paragraph):
        start = 0
        if not word.isascii():
            for end in range(1, len(word)):
                if _may_break(word[end - 1], word[end]):
                    yield " " if start == 0 else "", word[start:end]
                    start = end
        yield " " if start == 0 else "", word[start:]


def _may_break(before: str, after: str) -> bool:
    return (
        (_is_ideographic(before) or _is_ideographic(after))
        and after not in _CLOSERS
        and before not in _OPENERS
        and _columns(after) > 0
        and _columns(before) > 0
    )


def _is_ideographic(char: str) -> bool:
    return _is_wide(char) and unicodedata.category(char) not in {"So", "Sk"}


def _is_wide(char: str) -> bool:
    return unicodedata.east_asian_width(char) in "WF"


def _columns(char: str) -> int:
    if unicodedata.category(char) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if _is_wide(char) else 1
