"""Walk over an HTML tree and collect its text as clean paragraphs under headings.

Which part of a page is walked, and what its head says, is for `markup` to say.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field

from lxml import etree

from dispatcher.briefs.cleaning import fragment, one_line, plain, safe_link
from dispatcher.briefs.document import INLINE_TAGS
from dispatcher.briefs.shaping import Mark, Para, Part

# ruff: noqa: SIM905  names of elements read better as lines of words
_DROPPED = frozenset(
    "applet audio button canvas datalist embed form frame frameset head iframe input link map math"
    " meta meter nav noembed noframes noscript object param progress script select source style"
    " svg template textarea title track video".split()
)
_TRANSPARENT = frozenset(
    "acronym big cite data del dfn font html ins kbd label mark nobr output picture rb rp rt ruby"
    " s samp small span strike time tt u var wbr".split()
)
_SECTION_HEADINGS = frozenset({"h1", "h2", "h3"})
_MINOR_HEADINGS = frozenset({"h4", "h5", "h6"})
_DIRECTION = frozenset({"ltr", "rtl", "auto"})
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")


def walk(root: etree._Element, base: str = "") -> tuple[Part, ...]:
    """The parts of everything below `root`, in order; links are resolved against `base`."""
    walker = _Walker(base)
    steps = etree.iterwalk(root, events=("start", "end", "comment", "pi"))
    for event, element in steps:
        tag = element.tag.lower() if isinstance(element.tag, str) else ""
        unread = _is_unread(element, tag) if tag else True
        if event == "start" and unread:
            steps.skip_subtree()
        elif event == "start":
            walker.enter(element, tag)
            walker.say(element.text)
        elif not unread:
            walker.leave(element, tag)
        if event != "start" and element is not root:
            walker.say(element.tail)
    return walker.parts()


@dataclass(slots=True)
class _Walker:
    """What has been read so far: the paragraph being read, those of this part, finished parts."""

    base: str
    buffer: list[str] = field(default_factory=list)
    paras: list[Para] = field(default_factory=list)
    done: list[Part] = field(default_factory=list)
    heading: str = ""
    level: int = 0
    in_heading: bool = False
    in_new_cell: bool = False
    marker: str = ""
    quotes: int = 0
    cited: int = 0
    lists: list[int | None] = field(default_factory=list)

    def say(self, text: str | None) -> None:
        if not text:
            return
        if self.in_new_cell and text.strip():
            self.in_new_cell = False
            if any(map(str.strip, self.buffer)):
                self.buffer.append(" | ")
        self.buffer.append(html.escape(text, quote=False))

    def enter(self, element: etree._Element, tag: str) -> None:
        match tag:
            case "br":
                self._break()
            case "img":
                self.say(f" {one_line(element.get('alt') or '')} ")
            case _ if tag in INLINE_TAGS:
                self.buffer.append(_opening(element, tag, self.base))
            case "td" | "th":
                self.in_new_cell = True
            case _ if not _is_transparent(element, tag):
                self.end_paragraph()
                self._enter_block(element, tag)

    def leave(self, element: etree._Element, tag: str) -> None:
        if tag in _SECTION_HEADINGS:
            self._end_heading(tag)
        elif tag in INLINE_TAGS:
            # nh3 drops the end of a link whose address was unsafe, and of a <br>.
            self.buffer.append(f"</{tag}>" if tag != "br" else "")
        elif tag not in {"img", "td", "th"} and not _is_transparent(element, tag):
            if tag in _MINOR_HEADINGS:
                self.buffer.append("</strong>")
            self.end_paragraph()
            self._leave_block(element, tag)

    def end_paragraph(self) -> None:
        """Close the paragraph that is being read; what shows nothing leaves no trace."""
        if self.in_heading:
            self.buffer.append(" ")
            return
        text = fragment("".join(self.buffer))
        self.buffer.clear()
        self.in_new_cell = False
        if not text:
            return
        mark = Mark.ITEM if self.marker else Mark.BODY
        if self.quotes:
            mark = Mark.CITED if self.cited else Mark.QUOTED
        if self.marker:
            text = self.marker + text.removeprefix("• ")
        self.paras.append(Para(text, mark))
        self.marker = ""

    def parts(self) -> tuple[Part, ...]:
        self.in_heading = False
        self.end_paragraph()
        self._end_part("", 0)
        return tuple(self.done)

    def _enter_block(self, element: etree._Element, tag: str) -> None:
        if tag in _SECTION_HEADINGS:
            self.in_heading = True
        elif tag in _MINOR_HEADINGS:
            self.buffer.append("<strong>")
        elif tag == "blockquote" or _is_quoting_figure(element, tag):
            self.quotes += 1
        elif tag in {"ul", "ol"}:
            start = element.get("start") or "1"
            number = int(start) if re.fullmatch(r"[0-9]{1,4}", start) else 1
            self.lists.append(number if tag == "ol" else None)
        elif tag == "li":
            number_or_none = self.lists[-1] if self.lists else None
            self.marker = "• " if number_or_none is None else f"{number_or_none}. "
            if number_or_none is not None:
                self.lists[-1] = number_or_none + 1
        elif _is_citation(element, tag):
            self.cited += 1

    def _leave_block(self, element: etree._Element, tag: str) -> None:
        if tag == "blockquote" or _is_quoting_figure(element, tag):
            self.quotes -= 1
        elif tag in {"ul", "ol"}:
            self.lists.pop()
        elif tag == "li":
            self.marker = ""
        elif _is_citation(element, tag):
            self.cited -= 1

    def _end_heading(self, tag: str) -> None:
        heading = one_line(plain(fragment("".join(self.buffer))))
        self.buffer.clear()
        self.in_heading = False
        if heading:
            self._end_part(heading, int(tag[1]))

    def _end_part(self, heading: str, level: int) -> None:
        if self.heading or self.paras:
            self.done.append(Part(self.heading, tuple(self.paras), self.level))
        self.paras = []
        self.heading, self.level = heading, level

    def _break(self) -> None:
        """A line break; two of them end a paragraph, as pages without <p> have it."""
        while self.buffer and not self.buffer[-1].strip():
            self.buffer.pop()
        if self.buffer and self.buffer[-1] == "<br>":
            self.end_paragraph()
        else:
            self.buffer.append("<br>")


def _opening(element: etree._Element, tag: str, base: str) -> str:
    attributes = ""
    if tag == "a":
        href = safe_link(element.get("href") or "", base)
        attributes = f' href="{html.escape(href)}"' if href else ""
    elif tag == "bdi":
        if (direction := (element.get("dir") or "").lower()) in _DIRECTION:
            attributes = f' dir="{direction}"'
        if _LANGUAGE.fullmatch(language := element.get("lang") or ""):
            attributes += f' lang="{language}"'
    return f"<{tag}{attributes}>" if attributes or tag != "a" else ""


def _is_unread(element: etree._Element, tag: str) -> bool:
    if tag == "footer":
        return not _is_citation(element, tag)
    return tag in _DROPPED or "hidden" in element.attrib


def _is_transparent(element: etree._Element, tag: str) -> bool:
    if tag == "cite":
        return not _is_citation(element, tag)
    return tag in _TRANSPARENT or ":" in tag


def _is_citation(element: etree._Element, tag: str) -> bool:
    """Whether the element names who is quoted: it closes a block quotation, or its figure."""
    parent = element.getparent()
    if parent is None or tag not in {"cite", "footer", "figcaption"}:
        return False
    if tag == "figcaption":
        return _is_quoting_figure(parent, str(parent.tag))
    alone = not (parent.text or "").strip() and not (element.tail or "").strip()
    if tag == "cite" and parent.tag == "p" and alone and len(parent) == 1:
        parent = parent.getparent()
    return parent is not None and parent.tag == "blockquote"


def _is_quoting_figure(element: etree._Element, tag: str) -> bool:
    return tag == "figure" and element.find("blockquote") is not None
