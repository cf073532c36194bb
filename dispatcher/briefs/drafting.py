"""What every form hands over, and how it becomes a Document.

A form fills in a Draft as far as its input goes. Here the head block and the line of topics are
told from the text, gaps are filled (summary, language, kind) and the limits are kept.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from dispatcher.briefs import dates, recognising
from dispatcher.briefs.cleaning import fold, one_line, plain, safe_link, shown
from dispatcher.briefs.document import Block, Document, Quotation, Section
from dispatcher.briefs.recognising import KnownTopic
from dispatcher.briefs.relating import looks_like_entry
from dispatcher.briefs.shaping import Mark, Para, Part, shape
from dispatcher.briefs.summarising import summary_of
from dispatcher.errors import UnreadableBrief

MAX_HEADLINE = 300
_LIMITS = {"kind": 80, "language": 35, "source_id": 200}
_MAX_HEADING_WORDS = 12
_MAX_HEADING = 120
_MAX_TOPIC_LINES = 30
_SENTENCE_END = re.compile(r"[.!:;,…。،؛][”’\"»)]*\Z")
_ABBREVIATION = re.compile(r"(?:\b[A-Z]\.){2,}\Z")
_QUOTED = re.compile(r"\A[“\"„«״].*[”“\"»״]\Z")
_BULLET = re.compile(r"\A(?:[•*—–―-]|\d{1,3}[.)])\s")


@dataclass(frozen=True, slots=True)
class Draft:
    """A brief as a form reads it: fields as written, and either parts or finished blocks."""

    headline: str = ""
    kind: str = ""
    summary: str = ""
    topics: tuple[str, ...] = ()
    published_at: datetime | None = None
    language: str = ""
    url: str = ""
    source_id: str = ""
    urgent: bool = False
    parts: tuple[Part, ...] = ()
    blocks: tuple[Block, ...] = ()


@dataclass(frozen=True, slots=True)
class Head:
    """What the first lines say, and the paragraphs after them."""

    headline: str
    kind: str
    published_at: datetime | None
    rest: tuple[Para, ...]


def fill(given: Draft, found: Draft) -> Draft:
    """The draft with what was given explicitly, and for the rest what was found in the body."""
    return Draft(
        headline=given.headline or found.headline,
        kind=given.kind or found.kind,
        summary=given.summary or found.summary,
        topics=given.topics or found.topics,
        published_at=given.published_at or found.published_at,
        language=given.language or found.language,
        url=given.url or found.url,
        source_id=given.source_id or found.source_id,
        urgent=given.urgent or found.urgent,
        parts=given.parts or found.parts,
        blocks=given.blocks or found.blocks,
    )


def finish(draft: Draft, known: Sequence[KnownTopic]) -> Document:
    """The Document that a draft means; refuses one without headline or beyond the limits."""
    lead, parts = _lead(draft)
    head = take_head(lead, headline=draft.headline, published_at=draft.published_at, any_line=False)
    parts = (Part("", head.rest), *parts)
    topics = recognising.resolve(draft.topics, known)
    if not topics:
        rest, topics = take_topics(parts[-1].paras, known)
        is_only_label = not rest and recognising.is_topics_label(parts[-1].heading)
        parts = (*parts[:-1], *([] if is_only_label else [replace(parts[-1], paras=rest)]))
    blocks = (*draft.blocks, *(block for part in parts for block in shape(part)))
    language = draft.language.strip()
    return _checked(
        Document(
            headline=one_line(head.headline),
            kind=one_line(draft.kind) or one_line(head.kind) or "Brief",
            summary=one_line(draft.summary) or summary_of(blocks),
            blocks=blocks,
            topics=topics,
            published_at=head.published_at,
            language=recognising.language_tag(language)
            if language
            else recognising.guess_language(_sample(head.headline, blocks)),
            url=_address(draft.url),
            source_id=one_line(draft.source_id),
            urgent=draft.urgent,
        )
    )


def take_head(
    paras: Sequence[Para],
    *,
    headline: str = "",
    kind: str = "",
    published_at: datetime | None = None,
    any_line: bool = True,
) -> Head:
    """Headline and line of date and kind off the top, however often that block is repeated.

    What is already known is passed in and only dropped where it is said again. Without `any_line`
    a line must look like a headline to become one.
    """
    headline = one_line(headline)
    place = 0
    for para in paras:
        text = plain(para.html)
        line = (
            dates.dateline(text)
            if para.mark is Mark.BODY and len(text) < dates.MAX_DATELINE
            else None
        )
        if line and (published_at is None or line[0].date() == published_at.date()):
            published_at, kind = published_at or line[0], kind or line[1]
        elif not headline and (any_line or looks_like_heading(para)):
            headline = text
        elif not headline or fold(text) != fold(headline):
            break
        place += 1
    return Head(headline, kind, published_at, tuple(paras[place:]))


def take_topics(
    paras: Sequence[Para], known: Sequence[KnownTopic]
) -> tuple[tuple[Para, ...], tuple[str, ...]]:
    """The paragraphs without the lines of topics at their end, and those topics."""
    lines: list[tuple[str, ...]] = []
    end = len(paras)
    while end and len(lines) < _MAX_TOPIC_LINES:
        if not (named := recognising.topics_of_line(_unbulleted(paras[end - 1]), known)):
            break
        lines.insert(0, named)
        end -= 1
    if lines and end and recognising.is_topics_label(plain(paras[end - 1].html)):
        end -= 1
    return tuple(paras[:end]), tuple(dict.fromkeys(name for line in lines for name in line))


def looks_like_heading(para: Para) -> bool:
    """A short line that neither ends like a sentence nor is a quotation, an item or an entry."""
    text = plain(para.html)
    if para.mark is not Mark.BODY or not text or len(text) > _MAX_HEADING:
        return False
    if len(text.split()) > _MAX_HEADING_WORDS or _BULLET.match(text) or _QUOTED.match(text):
        return False
    return not ends_like_sentence(text) and not looks_like_entry(text)


def ends_like_sentence(text: str) -> bool:
    return bool(_SENTENCE_END.search(text)) and not _ABBREVIATION.search(text)


def _lead(draft: Draft) -> tuple[tuple[Para, ...], tuple[Part, ...]]:
    """The paragraphs before the first heading that is not the headline, and the other parts."""
    lead: tuple[Para, ...] = ()
    headline = fold(draft.headline)
    for place, part in enumerate(draft.parts):
        if part.heading and not (part.level == 1 and fold(part.heading) == headline):
            return lead, draft.parts[place:]
        lead += part.paras
    return lead, ()


def _unbulleted(para: Para) -> str:
    return plain(para.html).removeprefix("• ")


def _sample(headline: str, blocks: Sequence[Block]) -> str:
    said = (b.paragraphs[0] for b in blocks if isinstance(b, Section | Quotation) if b.paragraphs)
    return " ".join([headline, *(plain(paragraph)[:2000] for paragraph in said)])


def _address(url: str) -> str:
    url = one_line(url)
    address = safe_link(url)
    if url and not address.startswith(("http:", "https:")):
        raise UnreadableBrief(
            f"The url “{shown(url)}” is no web address: write it in full, from https:// on."
        )
    return address


def _checked(document: Document) -> Document:
    if not document.headline:
        raise UnreadableBrief(
            "The brief has no headline: put one on its first line, or into a “headline” field."
        )
    if len(document.headline) > MAX_HEADLINE:
        raise UnreadableBrief(
            f"The headline has {len(document.headline)} characters, the limit is {MAX_HEADLINE}:"
            " put a short headline on a line of its own at the top."
        )
    for field, limit in _LIMITS.items():
        if (length := len(getattr(document, field))) > limit:
            raise UnreadableBrief(
                f"The field “{field}” has {length} characters, the limit is {limit}: shorten it."
            )
    return document
