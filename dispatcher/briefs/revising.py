"""What is changed of a brief that is public already: rows of corrections, retaggings and retractions.

Here is decided what is a change at all and which moment it bears. What it stops that is under way is
for `mailing.amending`, in whose transactions all of this runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from datetime import datetime, timedelta

from django.utils import timezone

from dispatcher.briefs.document import Document, content_hash, to_json
from dispatcher.briefs.models import Brief, Revision
from dispatcher.briefs.topics import Vocabulary
from dispatcher.errors import NoSuchBrief, NotReleased

Change = Revision.Change
_SECOND = timedelta(seconds=1)


def locked(brief_id: int) -> Brief:
    """The row, held until the transaction ends; rows that name the brief are made meanwhile."""
    # Its revisions are read after the lock: a join would see those of before whoever held it.
    brief = Brief.objects.select_for_update(no_key=True).filter(pk=brief_id).first()
    if brief is None:
        raise NoSuchBrief("This brief is gone.")
    return brief


def check_public(brief: Brief, verb: str) -> None:
    """Raise NotReleased for a brief that nobody has seen: such a one is edited, or just not released."""
    if brief.released is None or brief.released_at is None:
        raise NotReleased(
            f"This brief has not been released, so there is nothing to {verb}:"
            " hand a new version in, or do not release it."
        )


def revise(
    brief: Brief,
    document: Document,
    topic_ids: Sequence[int],
    change: Change,
    *,
    by: str,
    note: str,
    source: str = "",
) -> Revision | None:
    """Make this what readers see of a public brief; None, and nothing stored, if they see just this.

    A brief that was withdrawn is back with it, and be it word for word what it was. It keeps its ids and
    the dates of its publication and release; `amended_at` moves on.
    """
    words = Vocabulary()
    shown = as_shown(brief, words)
    held, topic_ids = words.finals(brief.topics), words.finals(topic_ids)
    if set(topic_ids) == set(held):  # in another order they are the same
        topic_ids = held
    document = replace(
        document,
        topics=tuple(words.names(topic_ids)),
        published_at=shown.published_at,
        source_id=brief.source_id,
    )
    is_same = content_hash(document) == content_hash(shown)
    if is_same and brief.withdrawn_at is None:
        return None
    revision = _add(brief, document, change, by=by, note=note, source=source)
    brief.amended_at, brief.withdrawn_at = next_moment(brief), None
    follow(brief, document, topic_ids)
    brief.save()
    return revision


def retract(brief: Brief, *, by: str, note: str) -> Revision | None:
    """Withdraw a public brief; None, and nothing stored, if it is withdrawn already."""
    if brief.withdrawn_at is not None or brief.released is None:
        return None
    revision = _add(
        brief,
        brief.released.document,
        Change.RETRACTION,
        by=by,
        note=note,
        source=brief.released.source,
    )
    brief.withdrawn_at = next_moment(brief)
    brief.save()
    return revision


def as_shown(brief: Brief, words: Vocabulary) -> Document:
    """What readers see, its topics under the names that they have by now."""
    if brief.released is None:
        raise NotReleased("This brief has not been released.")
    return replace(brief.released.document, topics=tuple(words.names(words.finals(brief.topics))))


def follow(brief: Brief, document: Document, topic_ids: Sequence[int]) -> None:
    """Let the row say what the document says, which is what lists, rules and lanes go by."""
    brief.headline = document.headline
    brief.kind = document.kind
    brief.urgent = document.urgent
    brief.language = document.language
    brief.topics = list(topic_ids)


def is_newer(brief: Brief, revision: Revision) -> bool:
    """Whether readers see something older than this revision, which was edited in since."""
    return brief.released is not None and revision.number > brief.released.number


def follow_revision(brief: Brief, revision: Revision) -> None:
    """Let the row say what another revision says; where none of its topics is known by now, those it has."""
    topic_ids = Vocabulary().recognise(revision.document.topics)
    follow(brief, revision.document, topic_ids or brief.topics)


def ahead(brief: Brief) -> Brief:
    """The brief as a release of its current revision would make it; nothing is stored."""
    seen = copy(brief)
    if brief.current is not None and is_newer(brief, brief.current):
        follow_revision(seen, brief.current)
    return seen


def next_moment(brief: Brief) -> datetime:
    """Now, in whole seconds, and later than whatever became public of the brief before."""
    now = timezone.now().replace(microsecond=0)
    before = (brief.released_at, brief.amended_at, brief.withdrawn_at)
    return max([now, *(moment + _SECOND for moment in before if moment)])


def _add(
    brief: Brief, document: Document, change: Change, *, by: str, note: str, source: str
) -> Revision:
    revision = brief.revisions.create(
        number=brief.revisions.count() + 1,
        change=change,
        content=to_json(document),
        source=source,
        content_hash=content_hash(document),
        by=by[:150],
        note=note,
    )
    brief.current = brief.released = revision
    return revision
