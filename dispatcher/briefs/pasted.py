"""Pasted text: paragraphs by blank lines, headings by their look, the head block and the topics.

Text that was pasted has no marks of its own, so the look of a line in its place decides. Lines
broken at a fixed width are joined, all other lines are paragraphs of their own. Headline, kind
and date may each have a line of the head; a line there that means neither stays text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from dispatcher.briefs import dates, quoting, recognising, relating, shaping
from dispatcher.briefs.cleaning import fold, one_line, plain, text_fragment
from dispatcher.briefs.drafting import (
    MAX_HEADLINE,
    Draft,
    ends_like_sentence,
    looks_like_heading,
    take_head,
    take_topics,
)
from dispatcher.briefs.recognising import KnownTopic
from dispatcher.briefs.shaping import Mark, Para, Part

_BULLET = re.compile(r"\A[-*•·▪●◦‣]\s+(?=\S)")
_HYPHENATED = re.compile(r"\w-\Z")
_MAX_WIDTH = 100
_MAX_TITLE_WORDS = 30
_MAX_KIND_WORDS = 4
_MAX_ABOVE_DATE = 4
_MAX_HEAD_LINES = 12
_NO_KIND = re.compile(r"\A(?:by\s|https?:|www\.)|@|\?\Z", re.IGNORECASE)
_LETTER = re.compile(r"[^\W\d_]")


@dataclass(frozen=True, slots=True)
class _Opening:
    """What the lines of kind and date say, and the text without them; "" is a blank line."""

    kind: str
    published_at: datetime | None
    lines: Sequence[str]


def parse(text: str, known: Sequence[KnownTopic]) -> Draft:
    """The draft of a pasted text; its first line that is no date and no kind is the headline."""
    opening = _opening(list(_unwrapped(text)), known)
    head = take_head(
        list(_paras(opening.lines)), kind=opening.kind, published_at=opening.published_at
    )
    rest, topics = take_topics(head.rest, known)
    return Draft(
        headline=head.headline,
        kind=head.kind,
        published_at=head.published_at,
        topics=topics,
        parts=_parts(rest),
    )


def _paras(lines: Iterable[str]) -> Iterator[Para]:
    for line in lines:
        bullet = _BULLET.match(line)
        html = text_fragment(f"• {line[bullet.end() :]}" if bullet else line)
        if html:
            yield Para(html, Mark.ITEM if bullet else Mark.BODY)


def _unwrapped(text: str) -> Iterator[str]:
    """The paragraphs as single lines, without the line breaks of a fixed width; blank lines too."""
    lines = [one_line(line) for line in text.split("\n")]
    width = max(map(len, lines))
    beginnings = _beginnings(lines)
    paragraph = last = ""
    for place, line in enumerate([*lines, ""]):
        may_go_on = paragraph and width <= _MAX_WIDTH and place not in beginnings
        if may_go_on and _goes_on(last, line, width):
            is_compound = _HYPHENATED.search(paragraph) and line[:1].islower()
            paragraph += line if is_compound else f" {line}"
        else:
            if paragraph:
                yield paragraph
            if not line:
                yield line
            paragraph = line
        last = line


def _beginnings(lines: Sequence[str]) -> set[int]:
    """Where no line of the head goes on: a date, what follows it, and a kind right above it."""
    filled = [place for place, line in enumerate(lines) if line][:_MAX_HEAD_LINES]
    found: set[int] = set()
    for above, place in zip([-1, *filled], filled, strict=False):
        if dates.is_dateline(lines[place]):
            found |= {place, place + 1}
        if above >= 0 and dates.is_dateline(lines[place], alone=True):
            goes_on = lines[above][:1].islower() or not _may_be_kind(lines[above])
            found |= set() if goes_on else {above}
    return found


def _goes_on(last: str, line: str, width: int) -> bool:
    """Whether a line goes on where the one above it was full.

    A break is a full line's if the next word would not have fitted any more. Breaks made by hand
    come earlier, so the middle of a sentence counts as well.
    """
    if not line or line == last or _BULLET.match(line):
        return False
    if len(last) + 1 + len(line.partition(" ")[0]) > width:
        return True
    return len(last) * 2 > width and line[:1].islower()


def _opening(lines: Sequence[str], known: Sequence[KnownTopic]) -> _Opening:
    """The head without its lines of kind and date, as far as these are understood."""
    nothing = _Opening("", None, lines)
    filled = [place for place, line in enumerate(lines) if line]
    above: list[int] = []
    for place in filled[: _MAX_ABOVE_DATE + 1]:
        if dates.is_dateline(lines[place]):
            break
        if above and not _may_be_in_head(lines, above, place):
            return nothing
        above.append(place)
    else:
        return nothing
    after = filled[len(above) + 1 :]
    if len(above) > 1 and _is_timeline(lines[place], [lines[other] for other in after]):
        return nothing
    if not (found := dates.dateline(lines[place])):
        return nothing
    published_at, kind = found
    taken = {place}
    if not kind and (kind_at := _kind_at(lines, above, place, after, known)) is not None:
        kind = lines[kind_at]
        taken.add(kind_at)
    rest = [line for other, line in enumerate(lines) if other not in taken]
    return _Opening(kind, published_at, _without_repeated(kind, rest))


def _kind_at(
    lines: Sequence[str],
    above: Sequence[int],
    date: int,
    after: Sequence[int],
    known: Sequence[KnownTopic],
) -> int | None:
    """The place of the kind among the lines around a bare date."""

    def is_kind(place: int) -> bool:
        line = lines[place]
        return _may_be_kind(line) and not recognising.topics_of_line(line, known)

    # A short line over the headline, with the date below or between the two.
    before = [*above, *after[:1]]
    if above and len(before) > 1 and is_kind(above[0]) and _outgrows(lines, *before[:2]):
        return above[0]
    if len(above) > 1 and is_kind(above[-1]):
        return above[-1] if fold(lines[above[-1]]) != fold(lines[above[0]]) else None
    if not after or not is_kind(after[0]):
        return None
    place, following = after[0], lines[after[1]] if len(after) > 1 else ""
    if not above:
        return place if following and _outgrows(lines, *after[:2]) else None
    headline = fold(lines[above[0]])
    if fold(lines[place]) == headline:
        return None
    # Below the date it could head the first section, unless it goes with the date or heads nothing.
    goes_with_date = place == date + 1 and not "".join(lines[place + 1 : place + 2])
    heads_nothing = _heads(following) or fold(following) == headline
    return place if goes_with_date or (following and heads_nothing) else None


def _may_be_in_head(lines: Sequence[str], above: Sequence[int], place: int) -> bool:
    """Whether a line below the first one is no body text yet: heading-like, or the headline."""
    line = lines[place]
    if relating.is_related(line) or shaping.is_expert(line):
        return False
    is_headline = len(above) == 1 and _may_be_kind(lines[above[0]]) and _may_be_headline(line)
    return _heads(line) or is_headline or fold(line) == fold(lines[above[0]])


def _outgrows(lines: Sequence[str], short: int, long: int) -> bool:
    """Whether the second line is so much longer that it is the headline, and the first is not."""
    words = len(lines[long].split())
    is_longer = words > _MAX_KIND_WORDS and words >= 2 * len(lines[short].split())
    return is_longer and _may_be_headline(lines[long])


def _may_be_headline(line: str) -> bool:
    fits = len(line) <= MAX_HEADLINE and len(line.split()) <= _MAX_TITLE_WORDS
    return fits and not (_BULLET.match(line) or ends_like_sentence(line) or dates.is_dateline(line))


def _may_be_kind(line: str) -> bool:
    if (
        len(line) > dates.MAX_KIND
        or len(line.split()) > _MAX_KIND_WORDS
        or not _LETTER.search(line)
    ):
        return False
    if _NO_KIND.search(line) or relating.is_related(line) or shaping.is_expert(line):
        return False
    return _heads(line) and not dates.is_dateline(line) and not recognising.is_topics_label(line)


def _heads(line: str) -> bool:
    return not _BULLET.match(line) and looks_like_heading(Para(text_fragment(line)))


def _is_timeline(date: str, after: Iterable[str]) -> bool:
    """Whether other dates stand over the text below, so that the first one is no date of issue."""
    for line in after:
        if relating.is_related(line):
            return False
        if dates.is_dateline(line) and fold(line) != fold(date):
            return True
    return False


def _without_repeated(kind: str, lines: Sequence[str]) -> list[str]:
    """The lines without the kind where the whole block of the head stands again."""
    left = list(lines)
    repeated: list[int] = []
    headline, times = "", -1
    for place, line in enumerate(lines):
        text = fold(line)
        if not line or dates.is_dateline(line):
            continue
        headline = headline or text
        if text == headline:
            times += 1
        elif kind and text == fold(kind):
            repeated.append(place)
        else:
            break
    for place in reversed(repeated[: max(times, 0)]):
        del left[place]
    return left


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
