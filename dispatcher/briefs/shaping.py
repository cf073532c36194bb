"""Shape paragraphs under a heading into a section, a quotation or related entries.

The forms (pasted text, HTML) only say which paragraphs stand under which heading and how each was
marked; everything that is decided by the look of the words is decided here, for all forms alike.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from dispatcher.briefs import quoting, relating
from dispatcher.briefs.cleaning import fold, plain
from dispatcher.briefs.document import Block, Quotation, Related, Section

_EXPERT = re.compile(
    r"expert (?:analysis|comment|commentary|view|views|insight|reaction)|ניתוח מומחה|ניתוח מומחים"
    r"|تحليل الخبراء|تحليل خبير|رأي خبير"
)
_MAX_PARAGRAPHS = 30  # of one quotation that only its marks tell from the rest


class Mark(StrEnum):
    """How a paragraph was marked where it came from; an item begins with its bullet or number."""

    BODY = "body"
    ITEM = "item"
    QUOTED = "quoted"
    CITED = "cited"


@dataclass(frozen=True, slots=True)
class Para:
    """A clean fragment and its mark."""

    html: str
    mark: Mark = Mark.BODY


@dataclass(frozen=True, slots=True)
class Part:
    """Paragraphs under one heading; `level` 0 is the text before any heading."""

    heading: str
    paras: tuple[Para, ...]
    level: int = 0


def is_expert(heading: str) -> bool:
    return bool(_EXPERT.fullmatch(fold(heading).rstrip(":")))


def shape(part: Part) -> list[Block]:
    """The blocks of one part, in order; only the first carries the heading."""
    if relating.is_related(part.heading) or _is_list_of_links(part.paras):
        entries, rest = relating.entries([para.html for para in part.paras])
        related: list[Block] = [Related("", entries)] if entries else []
        return _headed(part.heading, [*related, *([Section("", rest)] if rest else [])])
    blocks: list[Block] = []
    body: list[str] = []
    place = 0
    while place < len(part.paras):
        end, quotation = _quotation_at(part.paras, place, expert=is_expert(part.heading))
        if quotation:
            _close(blocks, body)
            blocks.append(quotation)
        else:
            body.append(part.paras[place].html)
        place = end
    _close(blocks, body)
    return _headed(part.heading, blocks)


def _quotation_at(paras: tuple[Para, ...], place: int, *, expert: bool) -> tuple[int, Block | None]:
    """The quotation that begins at this place, if any, and the place after what was looked at."""
    if paras[place].mark is Mark.QUOTED:
        return _marked_quotation(paras, place)
    if paras[place].mark is Mark.BODY:
        return _typed_quotation(paras, place, expert=expert)
    return place + 1, None


def _marked_quotation(paras: tuple[Para, ...], place: int) -> tuple[int, Block]:
    """A block quotation: its own attribution, one in its last line, or one in the next line."""
    said: list[str] = []
    while place < len(paras) and paras[place].mark is Mark.QUOTED:
        text = paras[place].html
        place += 1
        dashed = plain(text).startswith(("—", "–", "―", "--"))
        if said and dashed and (who := quoting.attribution(plain(text))):
            return place, _quotation(said, who)
        mark = quoting.opening_mark(text)
        split = quoting.split_at_dash(text)
        if not split and mark:
            split = quoting.split_at_mark(text, mark, lenient=False)
        if split:
            return place, _quotation([*said, split[0]], split[1])
        said.append(text)
    return _with_next_line(said, paras, place)


def _typed_quotation(
    paras: tuple[Para, ...], place: int, *, expert: bool
) -> tuple[int, Block | None]:
    """A quotation by its marks alone: `“Said.” Name, Role`, over one or several paragraphs."""
    mark = quoting.opening_mark(paras[place].html)
    if not mark and expert and quoting.balance(paras[place].html) < 0:
        mark = "“"  # it was lost in pasting
    said: list[str] = []
    last = min(len(paras), place + _MAX_PARAGRAPHS) if mark else place
    for end in range(place, last):
        text = paras[end].html
        goes_on = bool(said) and not quoting.opening_mark(text)
        if goes_on and not expert:
            break
        if split := quoting.split_at_mark(text, mark, lenient=expert):
            return end + 1, _quotation([*said, split[0]], split[1])
        said.append(text)
        if quoting.balance(text, mark) + goes_on > 0:
            continue
        after, quotation = _with_next_line(said, paras, end + 1)
        if quoting.ends_quoted(text) and (quotation.name or expert):
            return after, quotation
        break
    return place + 1, None


def _with_next_line(said: list[str], paras: tuple[Para, ...], place: int) -> tuple[int, Quotation]:
    """The quotation with the attribution in the paragraph after it, if that is one."""
    if place < len(paras):
        following = paras[place]
        cited = following.mark is Mark.CITED
        who = quoting.attribution(plain(following.html), lenient=cited)
        if who and following.mark is not Mark.QUOTED:
            return place + 1, _quotation(said, who)
    return place, _quotation(said, None)


def _quotation(said: list[str], who: quoting.Attribution | None) -> Quotation:
    paragraphs = quoting.without_marks(said)
    return Quotation("", paragraphs, who.name, who.role) if who else Quotation("", paragraphs)


def _is_list_of_links(paras: tuple[Para, ...]) -> bool:
    return bool(paras) and all(
        para.mark is Mark.ITEM and relating.is_link(para.html) for para in paras
    )


def _close(blocks: list[Block], body: list[str]) -> None:
    if body:
        blocks.append(Section("", tuple(body)))
        body.clear()


def _headed(heading: str, blocks: list[Block]) -> list[Block]:
    if not blocks:
        return [Section(heading, ())] if heading else []
    match blocks[0]:
        case Section(_, paragraphs):
            first: Block = Section(heading, paragraphs)
        case Quotation(_, paragraphs, name, role):
            first = Quotation(heading, paragraphs, name, role)
        case Related(_, entries):
            first = Related(heading, entries)
    return [first, *blocks[1:]]
