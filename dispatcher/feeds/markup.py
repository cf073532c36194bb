"""Texts and HTML fragments that any feed may carry, whatever came in.

What XML cannot hold or a reader must not run is dropped, nothing is refused. Content arrives clean
by intake; here it is made sure once more, because a feed is run by other people's programs.
"""

from __future__ import annotations

import html
import re

import nh3

# Controls, lone surrogates and noncharacters: XML 1.0 §2.2 forbids most, readers choke on the rest.
UNFIT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_BLANKS = re.compile(r"[ \t\r\n]+")  # not \s: a no-break space is typography
# fmt: off
_RIGHT_TO_LEFT_LANGUAGES = frozenset((
    "ar", "arc", "azb", "ckb", "dv", "fa", "glk", "he", "iw", "ji", "ks", "lrc", "mzn", "nqo",
    "pnb", "prs", "ps", "rhg", "sd", "sdh", "syr", "ug", "ur", "yi",
))
_RIGHT_TO_LEFT_SCRIPTS = frozenset((
    "adlm", "arab", "aran", "hebr", "mand", "nkoo", "rohg", "samr", "syrc", "thaa",
))
# fmt: on

_END_OF_WORDS = re.compile(r"<(?:br|hr|/(?:p|div|li|h[1-6]|blockquote|t[dhr]|d[dt]|pre))\b")
_OPENING_LENGTH = 300

# Relative URLs go because a feed has no base of its own to resolve them by.
_FRAGMENT = nh3.Cleaner(
    clean_content_tags={"iframe", "noscript", "script", "style", "template", "title"},
    attributes={
        "*": {"dir", "lang"},
        "a": {"href", "hreflang", "title"},
        "abbr": {"title"},
        "img": {"alt", "height", "src", "title", "width"},
        "ol": {"reversed", "start"},
        "td": {"colspan", "rowspan"},
        "th": {"colspan", "rowspan", "scope"},
        "time": {"datetime"},
    },
    url_schemes={"http", "https", "mailto"},
    url_relative="deny",
    link_rel=None,
)


def one_line(text: str) -> str:
    """Plain text without characters that XML cannot carry, on one line, trimmed."""
    return _BLANKS.sub(" ", UNFIT.sub("", text)).strip()


def fragment(markup: str) -> str:
    """An HTML fragment without scripts, styles, frames, handlers, comments or relative URLs."""
    first = _FRAGMENT.clean(_printable(markup))
    # A character reference may have hidden a control that split a word such as `javascript:`;
    # after a second pass none can be left, as nh3 writes characters, not references.
    second = _printable(first)
    return first if second == first else _FRAGMENT.clean(second)


def directed(markup: str, language: str) -> str:
    """The fragment, wrapped to read from right to left when the language does (BCP 47 tag)."""
    if not markup or not is_right_to_left(language):
        return markup
    return f'<div dir="rtl" lang="{html.escape(language)}">{markup}</div>'


def is_right_to_left(language: str) -> bool:
    primary, *subtags = language.lower().split("-")
    script = next((tag for tag in subtags[:4] if len(tag) == 4 and tag.isalpha()), "")
    return script in _RIGHT_TO_LEFT_SCRIPTS if script else primary in _RIGHT_TO_LEFT_LANGUAGES


def opening(markup: str) -> str:
    """The first words of a clean fragment as plain text, cut between words."""
    spaced = _END_OF_WORDS.sub(r" \g<0>", markup[: 20 * _OPENING_LENGTH])
    text = one_line(html.unescape(nh3.clean(spaced, tags=set())))
    if len(text) <= _OPENING_LENGTH:
        return text
    words, blank, _ = text[:_OPENING_LENGTH].rpartition(" ")
    return (words if blank else text[:_OPENING_LENGTH]) + "…"


def _printable(text: str) -> str:
    return UNFIT.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
