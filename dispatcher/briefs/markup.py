"""HTML and Markdown bodies: what the page says of itself, and the paragraphs of its article.

The text itself is collected by `walking`; Markdown becomes HTML first and goes the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from lxml import etree
from markdown_it import MarkdownIt

from dispatcher.briefs import dates
from dispatcher.briefs.cleaning import is_blank, one_line, safe_link, text_fragment, tidy
from dispatcher.briefs.drafting import Draft
from dispatcher.briefs.recognising import KnownTopic, split_names
from dispatcher.briefs.walking import walk
from dispatcher.errors import UnreadableBrief

_MAX_CANDIDATES = 20
_NAME = "translate(@{}, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz')"
_markdown = MarkdownIt("commonmark", {"html": False}).enable("table")


def parse_markdown(text: str, base: str = "") -> Draft:
    """The draft of a Markdown body; its first heading of the first level is the headline."""
    tree = _tree(_markdown.render(text))
    if tree is None:
        return Draft()
    return Draft(headline=_first(tree, ".//h1"), parts=walk(tree, base))


def parse_html(text: str, known: Sequence[KnownTopic], base: str = "") -> Draft:
    """The draft of a page or a piece of HTML; `base` is its address, if that is known."""
    tree = _tree(text)
    if tree is None:
        return Draft()
    article = _article(tree)
    url = base or _address(tree)
    headline = _first(article, ".//h1") or _first(tree, "//h1")
    return Draft(
        headline=headline or _meta(tree, "og:title") or _first(tree, "//title"),
        summary=_meta(tree, "description") or _meta(tree, "og:description"),
        topics=_topics(tree, known),
        published_at=_published_at(tree, article),
        language=_language(tree, article),
        url=url,
        parts=walk(article, safe_link(_first(tree, "//base/@href"), url) or url),
    )


def paragraphs(text: str, base: str = "") -> tuple[str, ...]:
    """The clean fragments of a piece of HTML that should be one paragraph and may be more."""
    tree = _tree(text)
    parts = walk(tree, base) if tree is not None else ()
    return tuple(
        shown
        for part in parts
        for shown in (text_fragment(part.heading), *(para.html for para in part.paras))
        if shown
    )


def _tree(text: str) -> etree._Element | None:
    """The parsed page, or None if it has no elements; refuses what is nested beyond reading."""
    parser = etree.HTMLParser(encoding="utf-8", huge_tree=True)
    try:
        tree = etree.fromstring(tidy(text).encode(), parser)
    except etree.LxmlError:
        return None
    if any("Excessive depth" in error.message for error in parser.error_log):
        raise UnreadableBrief(
            "The HTML of the brief is nested too deeply to be read: paste its text instead."
        )
    return tree


def _article(tree: etree._Element) -> etree._Element:
    """The element that holds the brief: the longest <article>, else <main>, else the body."""
    for path in ("//article[not(ancestor::article)]", "//main", "//body"):
        if found := _elements(tree, path)[:_MAX_CANDIDATES]:
            return max(found, key=lambda element: sum(map(len, element.itertext())))
    return tree


def _published_at(tree: etree._Element, article: etree._Element) -> datetime | None:
    said = [_meta(tree, "article:published_time")]
    for place in (article, tree):
        said += [element.get("datetime") or "" for element in _elements(place, ".//time")]
    for text in said:
        try:
            if moment := dates.date_in(text):
                return moment
        except UnreadableBrief:
            continue  # a <time> may say anything: a year, a duration
    return None


def _topics(tree: etree._Element, known: Sequence[KnownTopic]) -> tuple[str, ...]:
    said = _metas(tree, "article:tag") or _metas(tree, "keywords")
    return tuple(dict.fromkeys(name for text in said for name in split_names(text, known)))


def _address(tree: etree._Element) -> str:
    address = safe_link(_first(tree, "//link[@rel='canonical']/@href")) or safe_link(
        _meta(tree, "og:url")
    )
    return address if address.startswith("http") else ""


def _language(tree: etree._Element, article: etree._Element) -> str:
    places = [article, *article.iterancestors(), tree]
    said = (one_line(place.get("lang") or "").replace("_", "-") for place in places)
    return next(filter(None, said), "")


def _metas(tree: etree._Element, name: str) -> list[str]:
    named = " or ".join(f"{_NAME.format(attribute)}='{name}'" for attribute in ("name", "property"))
    elements = _elements(tree, f"//meta[{named}]")
    return [text for e in elements if (text := one_line(e.get("content") or ""))]


def _meta(tree: etree._Element, name: str) -> str:
    return next(iter(_metas(tree, name)), "")


def _found(tree: etree._Element, path: str) -> list[object]:
    found = tree.xpath(path)
    return list(found) if isinstance(found, list) else []


def _elements(tree: etree._Element, path: str) -> list[etree._Element]:
    return [item for item in _found(tree, path) if isinstance(item, etree._Element)]


def _first(tree: etree._Element, path: str) -> str:
    """The text of the first element or attribute at this path that has any."""
    for item in _found(tree, path):
        text = "".join(map(str, item.itertext())) if isinstance(item, etree._Element) else str(item)
        if not is_blank(text):
            return one_line(text)
    return ""
