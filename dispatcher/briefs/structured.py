"""Briefs with named fields: JSON, and Markdown with YAML front matter.

The names are those of the Document, with `title`, `date` and `body` beside them. A field of the
wrong type is refused by its name, an unknown field is passed over.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from dispatcher.briefs import dates, markup
from dispatcher.briefs.cleaning import is_blank, one_line, safe_link, shown
from dispatcher.briefs.document import Block, Entry, Quotation, Related, Section
from dispatcher.briefs.drafting import Draft, fill
from dispatcher.briefs.recognising import KnownTopic, split_names
from dispatcher.errors import UnreadableBrief

FENCE = "---"
MAX_FRONT_MATTER = 64 * 1024
_TRUE = frozenset({"true", "yes", "on", "1", "urgent"})
_FALSE = frozenset({"false", "no", "off", "0", "", "~", "null"})


def parse_markdown(text: str, known: Sequence[KnownTopic]) -> Draft:
    """The draft of a Markdown brief, with or without front matter."""
    values, body = _front_matter(text)
    given = _given(values, known)
    return fill(given, markup.parse_markdown(body, base=given.url))


def parse_json(text: str, known: Sequence[KnownTopic]) -> Draft:
    """The draft of a JSON object: `blocks` as `document.to_json` writes them, or a `body`."""
    try:
        # Whole numbers as floats, since no field is a number and int() limits the digits.
        values = json.loads(text, strict=False, parse_int=float)
    except json.JSONDecodeError as error:
        raise UnreadableBrief(
            f"The JSON is broken at line {error.lineno}, column {error.colno}"
            f" ({shown(error.msg)}): mend it there."
        ) from error
    if not isinstance(values, dict):
        raise UnreadableBrief("The JSON must be an object with fields such as “headline”.")
    values = _named(values)
    given = _given(values, known)
    if values.get("blocks") is not None:
        return fill(given, Draft(blocks=_blocks(values["blocks"], given.url)))
    body = _text(values, "body")
    if body.lstrip().startswith("<"):
        return fill(given, markup.parse_html(body, known, given.url))
    return fill(given, markup.parse_markdown(body, given.url))


def _front_matter(text: str) -> tuple[Mapping[str, Any], str]:
    """The fields above the text and the text below them."""
    lines = text.lstrip().split("\n")
    if lines[0].rstrip() != FENCE:
        return {}, text
    ends = (n for n, line in enumerate(lines) if n and line.rstrip() in {FENCE, "..."})
    if not (end := next(ends, 0)):
        raise UnreadableBrief("The front matter has no end: put a line “---” after its fields.")
    source = "\n".join(lines[1:end])
    if len(source) > MAX_FRONT_MATTER:
        raise UnreadableBrief("The front matter is over 64 KB: move the text below the fields.")
    try:
        # BaseLoader builds nothing but text, lists and mappings: `language: no` stays Norwegian.
        values = yaml.load(source, Loader=yaml.BaseLoader)  # noqa: S506
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f" at line {mark.line + 2}, column {mark.column + 1}" if mark else ""
        raise UnreadableBrief(
            f"The YAML front matter is broken{place} ({shown(error.problem or 'unreadable')}):"
            " mend it there; a text with a colon needs quotation marks."
        ) from error
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        raise UnreadableBrief(
            f"The YAML front matter cannot be read ({shown(str(error))}):"
            " write `name: value` lines."
        ) from error
    if not isinstance(values, dict) and values:
        raise UnreadableBrief("The front matter must be lines such as “headline: …”.")
    return _named(values or {}), "\n".join(lines[end + 1 :])


def _named(values: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(name).strip().lower().replace("-", "_"): value for name, value in values.items()}


def _given(values: Mapping[str, Any], known: Sequence[KnownTopic]) -> Draft:
    date = _text(values, "published_at", "date")
    return Draft(
        headline=_text(values, "headline", "title"),
        kind=_text(values, "kind"),
        summary=_text(values, "summary"),
        topics=_topics(values.get("topics"), known),
        published_at=dates.published(date) if date else None,
        language=_text(values, "language"),
        url=_text(values, "url"),
        source_id=_text(values, "source_id"),
        urgent=_flag(values.get("urgent")),
    )


def _text(values: Mapping[str, Any], *names: str, within: str = "") -> str:
    """The first of these fields that says something; absent, null and blank say nothing."""
    for name in names:
        value = values.get(name)
        if value is not None and not isinstance(value, str):
            raise UnreadableBrief(f"The field “{within}{name}” must be text: put it in quotes.")
        if value and not is_blank(value):
            return value
    return ""


def _flag(value: Any) -> bool:
    word = value.strip().lower() if isinstance(value, str) else value
    if word in (True, False, None):
        return bool(word)
    if isinstance(word, str) and word in _TRUE | _FALSE:
        return word in _TRUE
    raise UnreadableBrief("The field “urgent” must be true or false.")


def _topics(value: Any, known: Sequence[KnownTopic]) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, str):
        return split_names(value, known)
    if isinstance(value, list) and all(isinstance(name, str) for name in value):
        return tuple(value)
    raise UnreadableBrief("The field “topics” must be a list of names, or names between commas.")


def _blocks(value: Any, base: str) -> tuple[Block, ...]:
    return tuple(
        _block(block, f"blocks[{number}]", base)
        for number, block in enumerate(_objects(value, "blocks"))
    )


def _block(values: Mapping[str, Any], path: str, base: str) -> Block:
    within = f"{path}."
    heading = one_line(_text(values, "heading", within=within))
    match values.get("type"):
        case "section":
            return Section(heading, _paragraphs(values.get("paragraphs"), path, base))
        case "quotation":
            return Quotation(
                heading,
                _paragraphs(values.get("paragraphs"), path, base),
                one_line(_text(values, "name", within=within)),
                one_line(_text(values, "role", within=within)),
            )
        case "related":
            listed = _objects(values.get("entries"), f"{path}.entries")
            return Related(
                heading,
                tuple(_entry(e, f"{path}.entries[{n}].", base) for n, e in enumerate(listed)),
            )
    raise UnreadableBrief(f"The field “{path}.type” must be “section”, “quotation” or “related”.")


def _entry(values: Mapping[str, Any], within: str, base: str) -> Entry:
    title = one_line(_text(values, "title", within=within))
    if not title:
        raise UnreadableBrief(f"The field “{within}title” is missing: name the related piece.")
    return Entry(
        title,
        one_line(_text(values, "source", within=within)),
        safe_link(_text(values, "url", within=within), base),
    )


def _paragraphs(value: Any, path: str, base: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise UnreadableBrief(f"The field “{path}.paragraphs” must be a list of texts.")
    return tuple(shown for text in value for shown in markup.paragraphs(text, base))


def _objects(value: Any, path: str) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise UnreadableBrief(f"The field “{path}” must be a list of objects.")
    return value
