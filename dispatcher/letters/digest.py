"""What the digest letter is told, and how the letters of many sets of briefs come of few renderings.

A rendering takes tens of milliseconds and readers have thousands of sets. So each brief is rendered once
and each frame once, and a set's letter is put together from these; it is the same as if rendered whole.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime

from dispatcher.letters.alert import Publisher, TopicLink
from dispatcher.letters.rendering import LARGEST, Letter, LetterTooLarge, Renderer

DIGEST = "digest"
_MARK = "digest-{}-edge"


@dataclass(frozen=True, slots=True)
class Item:
    """A brief in a digest."""

    headline: str
    summary: str
    kind: str
    language: str
    url: str
    topics: tuple[TopicLink, ...] = ()
    published_at: datetime | None = None
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class DigestContext:
    """The context of the digest letter; `slots` are added by whoever renders.

    `edge` is a word that stands before and behind the items, `heading` the one h1.
    """

    subject: str
    heading: str
    day: date
    publisher: Publisher
    items: tuple[Item, ...] = ()
    preheader: str = ""
    page_url: str = ""
    chrome: str = "en"
    urgent: bool = False
    edge: str = ""

    def mapping(self) -> Mapping[str, object]:
        return {field.name: getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True, slots=True)
class Piece:
    """One brief, as it stands in any digest of its language's frame."""

    text: str
    html: str


@dataclass(frozen=True, slots=True)
class Frame:
    """A digest without its briefs, with slots: what stands before and behind them."""

    subject: str
    text: tuple[str, str]
    html: tuple[str, str]
    nonce: str

    def around(self, pieces: Sequence[Piece]) -> Letter:
        """The letter of these briefs in this order. Raises LetterTooLarge."""
        text = "\n".join(piece.text for piece in pieces)
        html = "\n".join(piece.html for piece in pieces)
        if self.nonce in text or self.nonce in html:
            raise ValueError("A brief holds the mark of a digest's slots.")
        whole = html.join(self.html)
        if len(whole.encode()) > LARGEST:
            raise LetterTooLarge(f"A digest of {len(pieces)} briefs would be clipped.")
        return Letter(self.subject, text.join(self.text), whole, self.nonce)


def frame(renderer: Renderer, context: DigestContext) -> Frame:
    """The frame of a context, whose items are not looked at."""
    letter, edge = _rendered(renderer, context, ())
    return Frame(
        letter.subject,
        _outside(letter.text, edge),
        _outside(letter.html, edge, html=True),
        letter.nonce,
    )


def piece(renderer: Renderer, context: DigestContext, item: Item) -> Piece:
    """A brief in the look of a context of its language."""
    letter, edge = _rendered(renderer, context, (item,))
    return Piece(_inside(letter.text, edge), _inside(letter.html, edge, html=True))


def _rendered(
    renderer: Renderer, context: DigestContext, items: tuple[Item, ...]
) -> tuple[Letter, str]:
    # A digest of what it parts, so that no brief can hold it.
    edge = _MARK.format(hashlib.sha256(repr((context, items)).encode()).hexdigest()[:24])
    own = {**context.mapping(), "items": items, "edge": edge}
    return renderer.render_with_slots(DIGEST, own), edge


def _outside(text: str, edge: str, *, html: bool = False) -> tuple[str, str]:
    before, _, after = text.split(_written(edge, html=html))
    return before.rstrip("\n") + "\n", "\n" + after.lstrip("\n")


def _inside(text: str, edge: str, *, html: bool = False) -> str:
    _, inside, _ = text.split(_written(edge, html=html))
    return inside if html else "\n" + inside.strip("\n") + "\n"


def _written(edge: str, *, html: bool) -> str:
    return f"<!--{edge}-->" if html else edge
