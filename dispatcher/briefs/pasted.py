"""Pasted text: paragraphs by blank lines, headings by their look, the head block and the topics.

Text that was pasted has no marks of its own, so the look of a line in its place decides. Lines
broken at a fixed width are joined, all other lines are paragraphs of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from dispatcher.briefs import quoting, relating, shaping
from dispatcher.briefs.cleaning import one_line, plain, text_fragment
from dispatcher.briefs.drafting import Draft, looks_like_heading, take_head, take_topics
from dispatcher.briefs.recognising import KnownTopic
from dispatcher.briefs.shaping import Mark, Para, Part

_BULLET = re.compile(r"\A[-*•·▪●◦‣]\s+(?=\S)")
_HYPHENATED = re.compile(r"\w-\Z")
_MAX_WIDTH = 100
_MAX_TITLE_WORDS = 30


def parse(text: str, known: Sequence[KnownTopic]) -> Draft:
    """The draft of a pasted text; its first line that is no date becomes the headline."""
    head = take_head(list(_paras(text)))
    rest, topics = take_topics(head.rest, known)
    return Draft(
        headline=head.headline,
        kind=head.kind,
        published_at=head.published_at,
        topics=topics,
        parts=_parts(rest),
    )


def _paras(text: str) -> Iterator[Para]:
    for line in _unwrapped(text):
        bullet = _BULLET.match(line)
        html = text_fragment(f"• {line[bullet.end() :]}" if bullet else line)
        if html:
            yield Para(html, Mark.ITEM if bullet else Mark.BODY)


def _unwrapped(text: str) -> Iterator[str]:
    """The paragraphs as single lines, without the line breaks of a fixed width."""
    lines = [one_line(line) for line in text.split("\n")]
    width = max(map(len, lines))
    paragraph = last = ""
    for line in [*lines, ""]:
        if paragraph and width <= _MAX_WIDTH and _goes_on(last, line, width):
            is_compound = _HYPHENATED.search(paragraph) and line[:1].islower()
            paragraph += line if is_compound else f" {line}"
        else:
            if paragraph:
                yield paragraph
            paragraph = line
        last = line


def _goes_on(last: str, line: str, width: int) -> bool:
    """Whether a line goes on where the one above it was full.

    A break is a full line's if the next word would not have fitted any more. Breaks made by hand
    come earlier, so the middle of a sentence counts as well.
    """
    if not line or _BULLET.match(line):
        return False
    if len(last) + 1 + len(line.partition(" ")[0]) > width:
        return True
    return len(last) * 2 > width and line[:1].islower()


def _parts(paras: Sequence[Para]) -> tuple[Part, ...]:
    parts: list[Part] = []
    heading, level = "", 0
    begin = 0
    for place in range(len(paras)):
        if _is_heading(paras, place, heading):
            parts.append(Part(heading, tuple(paras[begin:place]), level))
            heading, level = plain(paras[place].html), 2
            begin = place + 1
    parts.append(Part(heading, tuple(paras[begin:]), level))
    return tuple(part for part in parts if part.heading or part.paras)


def _is_heading(paras: Sequence[Para], place: int, above: str) -> bool:
    """Whether a paragraph heads the body after it; `above` is the heading that it stands under."""
    following = paras[place + 1] if place + 1 < len(paras) else None
    if following is None or not looks_like_heading(paras[place]):
        return False
    text = plain(paras[place].html)
    if relating.is_related(text) or shaping.is_expert(text):
        return True
    if relating.is_related(above):  # a list of titles: only a long paragraph ends it
        return len(plain(following.html).split()) > _MAX_TITLE_WORDS
    if place and _is_quotation(paras[place - 1], above) and quoting.attribution(text):
        return False
    return not looks_like_heading(following)


def _is_quotation(para: Para, above: str) -> bool:
    quoted = quoting.opening_mark(para.html) or shaping.is_expert(above)
    return bool(quoted) and quoting.ends_quoted(para.html)
