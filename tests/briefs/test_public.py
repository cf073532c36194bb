"""What anyone may read of briefs that were corrected or withdrawn."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from dispatcher.briefs import public
from dispatcher.briefs.models import Brief, Revision
from dispatcher.briefs.public import BriefWithdrawn, Withdrawn
from dispatcher.briefs.topics import Vocabulary
from tests.feeds.releasing import MARCH, release

pytestmark = pytest.mark.django_db

APRIL = datetime(2026, 4, 1, 8, tzinfo=UTC)


def _revise(brief: Brief, change: Revision.Change, note: str) -> Revision:
    assert brief.released
    brief.released = brief.revisions.create(
        number=brief.revisions.count() + 1,
        change=change,
        content=brief.released.content,
        content_hash=brief.released.content_hash,
        by="ada",
        note=note,
    )
    brief.save()
    return brief.released


def test_a_brief_tells_what_its_last_correction_said() -> None:
    brief = release("Pilots return", kind="Flash Brief", urgent=True, at=MARCH)
    found = public.find(brief.public_id)
    assert (found.kind, found.urgent, found.updated_at) == ("Flash Brief", True, MARCH)
    assert (found.correction, found.corrected_at) == ("", None)
    _revise(brief, Revision.Change.CORRECTION, "Seven, not six.")
    last = _revise(brief, Revision.Change.CORRECTION, "Eight, not seven.")
    _revise(brief, Revision.Change.RETAGGING, "Moved to Tides.")
    brief.amended_at = APRIL
    brief.save()
    found = public.find(brief.public_id)
    assert (found.correction, found.corrected_at) == ("Eight, not seven.", last.at)
    assert (found.updated_at, found.released_at) == (APRIL, MARCH)


def test_a_withdrawn_brief_is_told_apart_and_is_in_no_list() -> None:
    kept, gone = release("Pilots return"), release("Ferries run")
    _revise(gone, Revision.Change.RETRACTION, "The source took it back.")
    gone.withdrawn_at = APRIL
    gone.save()
    with pytest.raises(BriefWithdrawn) as said:
        public.find(gone.public_id)
    assert (said.value.headline, said.value.when) == ("Ferries run", APRIL)
    assert said.value.note == "The source took it back."
    both = [kept.pk, gone.pk]
    assert [one.brief_id for one in public.newest(10)] == [kept.pk]
    assert [one.public_id for one in public.of(both)] == [kept.public_id]
    assert public.withdrawn(both) == [
        Withdrawn(gone.public_id, APRIL, "The source took it back."),
    ]


def test_briefs_are_had_by_their_ids_newest_first_in_one_query(
    django_assert_num_queries: object,
) -> None:
    now = timezone.now()
    old = release("Old", at=now - timedelta(hours=2))
    new = release("New", at=now - timedelta(hours=1))
    words = Vocabulary()
    with django_assert_num_queries(1):  # type: ignore[operator]
        found = public.of([old.pk, new.pk, 0], words=words)
    assert [one.document.headline for one in found] == ["New", "Old"]
