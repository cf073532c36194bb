"""Digests as letters: which briefs in which order, under which subject, compiled for all who share them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from dispatcher import links
from dispatcher.briefs.models import Brief, Revision
from dispatcher.briefs.topics import Vocabulary
from dispatcher.letters import digest
from dispatcher.letters.alert import TopicLink
from dispatcher.letters.compiled import Compiled
from dispatcher.letters.compiling import compile_letter
from dispatcher.letters.digest import DigestContext, Frame, Item, Piece
from dispatcher.letters.headers import headers
from dispatcher.letters.words import words
from dispatcher.mailing import composing


@dataclass(frozen=True, slots=True)
class Held:
    """A brief as digests hold it: the released revision, and the topics it is matched by."""

    brief_id: int
    revision_id: int
    topics: tuple[int, ...]
    item: Item


def hold(brief_ids: Collection[int]) -> dict[int, Held]:
    """The released revisions of these briefs, by the briefs' ids; without those withdrawn."""
    vocabulary = Vocabulary()
    rows = Brief.objects.filter(pk__in=brief_ids, withdrawn_at=None)
    briefs = rows.select_related("released")
    return {
        brief.pk: _held(brief, brief.released, vocabulary) for brief in briefs if brief.released
    }


def compose(
    held: Sequence[Held], *, cadence: str, day: date, language: str
) -> tuple[str, Compiled]:
    """Subject and letter of a digest; urgent briefs come first, then the newest. Raises LetterTooLarge."""
    ordered = sorted(held, key=_urgent_and_new)
    frame = _frame(cadence, len(held), day, language)
    letter = frame.around([_piece(each.revision_id, language, each.item) for each in ordered])
    mark = f"{cadence}-{day:%Y%m%d}"
    told = composing.facts(letter.subject, mark, digest.DIGEST, "routine", language=language)
    return letter.subject, compile_letter(letter, headers(told))


def _urgent_and_new(held: Held) -> tuple[bool, float, int]:
    at = held.item.published_at
    return not held.item.urgent, -at.timestamp() if at else 0.0, -held.brief_id


@lru_cache(maxsize=2000)
def _piece(revision_id: int, language: str, item: Item) -> Piece:  # noqa: ARG001  the key
    return digest.piece(
        composing.renderer(), _context("daily", 1, date(2000, 1, 1), language), item
    )


@lru_cache(maxsize=500)
def _frame(cadence: str, briefs: int, day: date, language: str) -> Frame:
    return digest.frame(composing.renderer(), _context(cadence, briefs, day, language))


def _context(cadence: str, briefs: int, day: date, language: str) -> DigestContext:
    ours = words(language)
    return DigestContext(
        subject=ours.digest_subject(cadence, briefs, day),
        heading=ours.digest(cadence, briefs),
        day=day,
        publisher=composing.publisher(),
        chrome=ours.language,
    )


def _held(brief: Brief, revision: Revision, vocabulary: Vocabulary) -> Held:
    document = revision.document
    topics = [vocabulary.by_id[pk] for pk in vocabulary.recognise(document.topics)]
    item = Item(
        headline=document.headline,
        summary=document.summary,
        kind=document.kind,
        language=document.language,
        url=links.brief_page(brief.public_id),
        topics=tuple(TopicLink(each.name, links.topic_page(each.slug)) for each in topics),
        published_at=document.published_at or brief.published_at,
        urgent=document.urgent,
    )
    return Held(brief.pk, revision.pk, tuple(vocabulary.reach(brief.topics)), item)
