"""Handing a brief in: reading it, checking its topics, storing it as a new brief or a new revision.

What the input says is `reading`'s to decide; here is decided whether it is new.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from django.db import IntegrityError, transaction
from django.utils.text import slugify

from dispatcher.briefs import topics
from dispatcher.briefs.document import Document, content_hash, to_json
from dispatcher.briefs.models import Brief, Revision
from dispatcher.briefs.reading import Form, read, text_of
from dispatcher.errors import NoSuchBrief, UnreadyBrief


class Outcome(StrEnum):
    NEW = "new"
    CHANGED = "changed"
    SAME = "same"


@dataclass(frozen=True, slots=True)
class Intake:
    brief: Brief
    revision: Revision
    outcome: Outcome


def hand_in(
    raw: bytes | str,
    *,
    by: str,
    form: Form = Form.AUTO,
    topic_names: Sequence[str] = (),
    urgent: bool | None = None,
    source_id: str = "",
) -> Intake:
    """Read a brief and store it. `topic_names`, `urgent` and `source_id` overrule the input.

    The same content again is the same brief (`Outcome.SAME`, nothing stored); other content under a
    known `source_id` is a new revision. Raises UnreadableBrief, UnknownTopic or UnreadyBrief.
    """
    document = read(raw, topics=topics.known(), form=form)
    document = replace(
        document,
        topics=tuple(topic_names) or document.topics,
        urgent=document.urgent if urgent is None else urgent,
        source_id=source_id.strip() or document.source_id or _source_id(document),
    )
    return store(document, by=by, source=text_of(raw))


def store(document: Document, *, by: str, source: str = "") -> Intake:
    """Store a document as a brief or a revision, see `hand_in`; repeats store nothing."""
    check_has_text(document)
    if not document.topics:
        raise UnreadyBrief("The brief names no topics; add a topics line, or give --topic.")
    if not 1 <= len(document.source_id) <= 200 or not document.source_id.isprintable():
        raise UnreadyBrief("The source id must be 1 to 200 printable characters.")
    vocabulary = topics.Vocabulary()
    topic_ids = vocabulary.resolve(document.topics)
    document = replace(document, topics=tuple(vocabulary.names(topic_ids)))
    try:
        with transaction.atomic():
            return _store(document, topic_ids, by=by, source=source)
    except IntegrityError:  # the same brief came in by another door in this moment
        with transaction.atomic():
            return _store(document, topic_ids, by=by, source=source)


def check_has_text(document: Document) -> None:
    """Raise UnreadyBrief for a headline alone."""
    if not document.blocks:
        raise UnreadyBrief("The brief has a headline and no text; add what it has to say.")


def find(brief_id: str) -> Brief:
    """The brief with that public id or source id. Raises NoSuchBrief."""
    rows = Brief.objects.select_related("current", "released")
    if not brief_id.isprintable():  # PostgreSQL takes no NUL and no lone surrogate in a text
        rows = rows.none()
    brief = rows.filter(public_id=brief_id).first() or rows.filter(source_id=brief_id).first()
    if brief is None:
        raise NoSuchBrief(f"There is no brief {brief_id[:60]!r}; see `dispatcher brief list`.")
    return brief


def _store(document: Document, topic_ids: list[int], *, by: str, source: str) -> Intake:
    digest = content_hash(document)
    brief = (
        Brief.objects.select_for_update(of=("self",)).filter(source_id=document.source_id).first()
    )
    if brief is not None and brief.current is not None and brief.current.content_hash == digest:
        return Intake(brief, brief.current, Outcome.SAME)
    outcome = Outcome.CHANGED if brief else Outcome.NEW
    if brief is None:
        brief = Brief.objects.create(source_id=document.source_id, headline=document.headline)
    number = brief.revisions.count() + 1
    revision = brief.revisions.create(
        number=number,
        change=Revision.Change.FIRST if number == 1 else Revision.Change.EDIT,
        content=to_json(document),
        source=source,
        content_hash=digest,
        by=by,
    )
    brief.current = revision
    if brief.released_id is None:  # what readers see follows the released revision, not the newest
        brief.headline = document.headline
        brief.kind = document.kind
        brief.urgent = document.urgent
        brief.language = document.language
        brief.published_at = document.published_at
        brief.topics = topic_ids
    brief.save()
    return Intake(brief, revision, outcome)


def _source_id(document: Document) -> str:
    """A stable id for input that names none: kind, day and headline."""
    day = document.published_at.date().isoformat() if document.published_at else ""
    words = slugify(f"{document.kind} {day} {document.headline}", allow_unicode=True)
    return words[:200] or content_hash(document)
