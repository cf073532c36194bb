"""Read a brief in any form into a Document: bytes or text in, a clean value or a refusal out.

Here are decided what can be read at all and which form it has; each form has its own module.
Whether the brief is new and its topics exist is for `intake` to say.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from enum import StrEnum

from dispatcher.briefs import markup, pasted, structured
from dispatcher.briefs.bounding import refuse_pathological
from dispatcher.briefs.cleaning import is_blank, tidy
from dispatcher.briefs.document import Document
from dispatcher.briefs.drafting import Draft, finish
from dispatcher.briefs.recognising import KnownTopic
from dispatcher.errors import UnreadableBrief

__all__ = ["MAX_BYTES", "Form", "KnownTopic", "read", "text_of"]

MAX_BYTES = 2 * 1024 * 1024

_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_CONTROL = re.compile("[\x01-\x08\x0e-\x1f\x7f-\x9f]")
_ELEMENT = re.compile(r"<(?:!doctype|!--|\?xml|[a-z])", re.IGNORECASE)
_ATX_HEADING = re.compile(r"^ {0,3}#{1,6}[ \t]+\S", re.MULTILINE)


class Form(StrEnum):
    """How a brief is written down; AUTO tells it from the content."""

    AUTO = "auto"
    TEXT = "text"
    MARKDOWN = "markdown"
    JSON = "json"
    HTML = "html"


def read(raw: bytes | str, *, topics: Sequence[KnownTopic], form: Form = Form.AUTO) -> Document:
    """The Document that the input means; the same input gives an equal Document.

    `topics` is the vocabulary by which topics are recognised. Raises UnreadableBrief, with one
    line that says what is wrong and what to do, and nothing else.
    """
    text = text_of(raw)
    try:
        draft = _draft(text, form if form is not Form.AUTO else form_of(text), topics)
        return finish(draft, topics)
    except RecursionError as error:
        raise UnreadableBrief(
            "The brief is nested too deeply to be read: paste its text instead."
        ) from error


def form_of(text: str) -> Form:
    """The form that the content shows: JSON, front matter, an element, a `#` heading, or text."""
    text = text.lstrip()
    if text.startswith("{"):
        return Form.JSON
    if text.partition("\n")[0].rstrip() == structured.FENCE:
        return Form.MARKDOWN
    if _ELEMENT.match(text):
        return Form.HTML
    return Form.MARKDOWN if _ATX_HEADING.search(text) else Form.TEXT


def _draft(text: str, form: Form, topics: Sequence[KnownTopic]) -> Draft:
    match form:
        case Form.JSON:
            return structured.parse_json(text, topics)
        case Form.MARKDOWN:
            return structured.parse_markdown(text, topics)
        case Form.HTML:
            return markup.parse_html(text, topics)
    return pasted.parse(text, topics)


def text_of(raw: bytes | str) -> str:
    """The text of the input without anything that must not be in one. Raises UnreadableBrief."""
    size = len(raw)
    if isinstance(raw, str) and size <= MAX_BYTES:
        size = len(raw.encode("utf-8", "surrogatepass"))
    if size > MAX_BYTES:
        raise UnreadableBrief(
            f"The brief has {size / 1024 / 1024:.1f} MB, the limit is 2 MB:"
            " hand in its text without embedded pictures."
        )
    text = raw if isinstance(raw, str) else _from_bytes(raw)
    if "\x00" in text:
        raise _binary()
    text = tidy(text)
    if is_blank(text):
        raise UnreadableBrief("The brief is empty: paste its text, or name a file that has some.")
    refuse_pathological(text)
    return text


def _from_bytes(raw: bytes) -> str:
    encodings = ["utf-16"] if raw.startswith(_UTF_16) else ["utf-8-sig", "cp1252"]
    for encoding in encodings:
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        if encoding != "cp1252" or not _CONTROL.search(text):
            return text
    raise _binary()


def _binary() -> UnreadableBrief:
    return UnreadableBrief(
        "This is no text but a binary file, or its encoding is unknown:"
        " save the brief as text, Markdown, HTML or JSON in UTF-8."
    )
