"""Clean text, fragments and links: what may stand in a Document at all.

Everything that comes from outside passes through here on its way into a Document. What the
pieces mean is decided elsewhere (`shaping`, `recognising`).
"""

from __future__ import annotations

import html
import re
import unicodedata
from urllib.parse import quote, urljoin, urlsplit

import nh3

from dispatcher.briefs.document import INLINE_TAGS

LINK_SCHEMES = frozenset({"http", "https", "mailto"})
MAX_LINK = 2000

_NONCHARACTERS = "".join(
    f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0, 0x110000, 0x10000)
)
# Carriage returns, tabs and line feeds are white space; U+FEFF inside a text is a stray BOM.
_FORBIDDEN = re.compile(
    f"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufdd0-\ufdef\ufeff{_NONCHARACTERS}]"
)
_LINE_BREAK = re.compile("\r\n|[\r\v\f\x85\u2028]")
_SPACES = re.compile(r"\s+")
_BREAK = re.compile(r"\s*<br>\s*")
_OUTER_BREAKS = re.compile(r"\A(?:\s|<br>)+|(?:\s|<br>)+\Z")
_TAG = re.compile(r"<[^>]*>")
_MARKUP = re.compile(r"[<>&]")
_UNSAFE_IN_LINK = re.compile(r"""[\s<>"'`{}|\\^]""")
_LOOKALIKES = str.maketrans(
    {"’": "'", "‘": "'", "ʼ": "'", "‐": "-", "‑": "-", "–": "-", "—": "-", "\u00ad": None}
)


def tidy(text: str) -> str:
    """The text without control characters, surrogates and noncharacters; lines end in LF."""
    text = _LINE_BREAK.sub("\n", text).replace("\u2029", "\n\n")
    return _FORBIDDEN.sub("", text)


def one_line(text: str) -> str:
    """The text on one line, all white space folded, so that no header can be injected.

    A text with nothing to see in it (only spaces and invisible characters) is empty.
    """
    line = " ".join(tidy(text).split())
    return "" if is_blank(line) else line


def is_blank(text: str) -> bool:
    return all(unicodedata.category(char)[0] in "CZ" for char in text)


def fold(text: str) -> str:
    """The text as it is compared: one line, without case, width and typographic variants."""
    return one_line(unicodedata.normalize("NFKC", text).translate(_LOOKALIKES).casefold())


def fragment(source: str) -> str:
    """An inline HTML fragment with nothing but INLINE_TAGS, safe links and text.

    White space is folded, except a single no-break space, and cut off at both ends. A fragment
    that shows nothing is empty.
    """
    source = tidy(source)
    if _MARKUP.search(source):
        source = nh3.clean(
            source,
            tags=set(INLINE_TAGS),
            attributes={"a": {"href"}, "bdi": {"dir", "lang"}},
            url_schemes=set(LINK_SCHEMES),
            link_rel=None,
        ).replace("&nbsp;", "\u00a0")
    folded = _BREAK.sub("<br>", _SPACES.sub(_folded_space, source))
    folded = _OUTER_BREAKS.sub("", folded)
    return "" if is_blank(plain(folded)) else folded


def text_fragment(text: str) -> str:
    """A fragment that shows this plain text."""
    return fragment(html.escape(text, quote=False))


def plain(fragment_: str) -> str:
    """What a fragment shows, as plain text on one line."""
    text = _TAG.sub("", fragment_.replace("<br>", " "))
    # No other character references are left in a clean fragment.
    text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return " ".join(text.split())


def safe_link(href: str, base: str = "") -> str:
    """The absolute http, https or mailto address that `href` means on the page `base`, or ''."""
    href = _UNSAFE_IN_LINK.sub(lambda found: quote(found[0]), tidy(href).strip())
    try:
        if not urlsplit(href).scheme and urlsplit(base).scheme in {"http", "https"}:
            href = urljoin(base, href)
        parts = urlsplit(href)
    except ValueError:
        return ""
    if len(href) > MAX_LINK or parts.scheme not in LINK_SCHEMES:
        return ""
    whole = "@" in parts.path if parts.scheme == "mailto" else bool(parts.hostname)
    return href if whole else ""


def shown(text: str, limit: int = 60) -> str:
    """The text as a refusal quotes it: one line, not too long, nothing unprintable."""
    line = "".join(char for char in one_line(text) if char.isprintable())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def _folded_space(found: re.Match[str]) -> str:
    return found[0] if found[0] in {"\u00a0", "\u202f"} else " "
