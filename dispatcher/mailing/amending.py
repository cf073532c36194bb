"""The desk's verbs on a brief that is public: correct it, retag it, withdraw it. No letter goes out.

What readers see changes at once, in one transaction with what it stops, and the feeds are told as it
commits. Letters under way keep the content that was released, until somebody cancels them; those of a
withdrawn brief are stopped (`withdrawing`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from django.db import transaction

from dispatcher import queue
from dispatcher.briefs import intake, revising, topics
from dispatcher.briefs.document import Document
from dispatcher.briefs.models import Brief, Revision
from dispatcher.briefs.reading import Form, read, text_of
from dispatcher.errors import UnreadyBrief, WrongState
from dispatcher.mailing import withdrawing
from dispatcher.mailing.models import Dispatch

Change = Revision.Change
LONGEST_NOTE = 1_000
_UNDER_WAY = (Dispatch.State.MATCHING, Dispatch.State.SENDING, Dispatch.State.PAUSED)


@dataclass(frozen=True, slots=True)
class Amendment:
    """What became of it; `is_new` is whether anything changed. `stopped` are dispatches that a
    retraction ended, `under_way` those whose letters keep the content that was released.
    """

    brief: Brief
    is_new: bool
    stopped: tuple[int, ...] = ()
    under_way: tuple[int, ...] = ()


def correct(
    brief: Brief,
    raw: bytes | str,
    *,
    by: str,
    note: str = "",
    form: Form = Form.AUTO,
    topic_names: Sequence[str] = (),
    urgent: bool | None = None,
    source_id: str = "",
    shown: int | None = None,
) -> Amendment:
    """Put other content in the place of what readers see of a brief, or bring back a withdrawn one.

    What the input leaves out of topics and urgency stays, and the date of publication always does.
    `note` says to readers what changed, `shown` which released revision was looked at. The same content
    changes nothing. Raises NotReleased, UnreadableBrief, UnknownTopic, UnreadyBrief or WrongState.
    """
    document = read(raw, topics=topics.known(), form=form)
    intake.check_has_text(document)
    named = source_id.strip() or document.source_id
    if named not in {"", brief.source_id}:
        raise UnreadyBrief(
            f"This is another piece: it names the source id {named[:60]!r},"
            f" and the brief has {brief.source_id[:60]!r}."
        )
    names = tuple(topic_names) or document.topics
    ids = topics.Vocabulary().resolve(names) if names else None
    source = text_of(raw)

    def revise(row: Brief) -> Revision | None:
        if shown is not None and row.released_id != shown:
            raise WrongState("The brief has changed since you looked at it; look at it again.")
        return revising.revise(
            row,
            _with_urgency(document, row, urgent),
            row.topics if ids is None else ids,
            Change.CORRECTION,
            by=by,
            note=_told(note),
            source=source,
        )

    return _amend(brief, "correct", revise)


def retag(brief: Brief, topic_names: Sequence[str], *, by: str, note: str = "") -> Amendment:
    """Put a brief that is public under other topics, all of them; the same ones change nothing.

    Raises NotReleased, UnknownTopic, UnreadyBrief for none, or WrongState for a withdrawn brief.
    """
    words = topics.Vocabulary()
    ids = words.resolve(topic_names)
    if not ids:
        raise UnreadyBrief("Name the topics that the brief is about from now on.")

    def revise(row: Brief) -> Revision | None:
        if row.withdrawn_at is not None:
            raise WrongState("This brief is withdrawn; correct it to bring it back.")
        if set(ids) == set(words.finals(row.topics)):
            return None
        shown = revising.as_shown(row, words)
        source = row.released.source if row.released else ""
        return revising.revise(
            row, shown, ids, Change.RETAGGING, by=by, note=_told(note), source=source
        )

    return _amend(brief, "retag", revise)


def retract(brief: Brief, *, by: str, note: str = "") -> Amendment:
    """Withdraw a brief that is public, and stop what of it is under way; repeats change nothing.

    Only a correction brings it back, under the same id. Raises NotReleased.
    """
    with transaction.atomic():
        row = revising.locked(brief.pk)
        revising.check_public(row, "withdraw")
        told = _told(note)
        if revising.retract(row, by=by, note=told) is None:
            return Amendment(row, is_new=False)
        stopped = withdrawing.stop(row, by=by, why=told)
        queue.publish(row.pk)
    return Amendment(row, is_new=True, stopped=tuple(stopped))


def under_way(brief: Brief) -> tuple[int, ...]:
    """The brief's own dispatches whose letters have not all left."""
    rows = brief.dispatches.filter(state__in=_UNDER_WAY).order_by("pk")
    return tuple(rows.values_list("pk", flat=True))


def told(brief: Brief) -> list[Revision]:
    """What was changed of a brief since it became public, newest first."""
    kinds = (Change.CORRECTION, Change.RETAGGING, Change.RETRACTION)
    return list(brief.revisions.filter(change__in=kinds).order_by("-number"))


def _amend(brief: Brief, verb: str, revise: Callable[[Brief], Revision | None]) -> Amendment:
    with transaction.atomic():
        row = revising.locked(brief.pk)
        revising.check_public(row, verb)
        if revise(row) is None:
            return Amendment(row, is_new=False)
        queue.publish(row.pk)
    return Amendment(row, is_new=True, under_way=under_way(row))


def _with_urgency(document: Document, row: Brief, urgent: bool | None) -> Document:
    return replace(document, urgent=document.urgent or row.urgent if urgent is None else urgent)


def _told(note: str) -> str:
    """In one line, of what PostgreSQL takes: no NUL, no half of a character."""
    sound = note.encode("utf-8", "replace").decode().replace("\0", "")
    return " ".join(sound.split())[:LONGEST_NOTE]
