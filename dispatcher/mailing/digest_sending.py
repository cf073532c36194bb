"""The rows of digests: what readers are owed is taken, and dispatches, batches and deliveries are made.

All in one transaction of the caller's, so that a brief is either still owed or in a delivery.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import count

from django.conf import settings
from django.db import connection
from django.utils import timezone

from dispatcher import queue
from dispatcher.briefs.models import Brief
from dispatcher.letters.compiled import Compiled
from dispatcher.letters.rendering import LetterTooLarge
from dispatcher.letters.variants import Variants
from dispatcher.mailing import digest_letters
from dispatcher.mailing.digest_letters import Held
from dispatcher.mailing.models import Batch, Delivery, DigestBrief, DigestRun, Dispatch

BY = "the clock"

_SQL_OWED = """
FROM dispatcher_owed o USING unnest(%(readers)s::bigint[], %(briefs)s::bigint[]) AS w(reader, brief)
WHERE o.subscriber_id = w.reader AND o.brief_id = w.brief
"""
SQL_HOLD = f"""
SELECT o.subscriber_id {_SQL_OWED.replace("USING", ",")} ORDER BY o.subscriber_id, o.brief_id FOR UPDATE OF o
"""
SQL_STAY = """
SELECT id, released_id, withdrawn_at FROM dispatcher_brief WHERE id = ANY(%(briefs)s::bigint[])
ORDER BY id FOR SHARE
"""
SQL_TAKE = f"DELETE {_SQL_OWED}"


@dataclass(frozen=True, slots=True)
class Set:
    """Readers who get the same briefs in the same language on the same day."""

    language: str
    day: date
    briefs: tuple[int, ...]
    readers: tuple[int, ...]

    @property
    def mark(self) -> str:
        """The same for the same set, and for no other."""
        named = f"{self.language} {self.day} {self.briefs}"
        return hashlib.sha256(named.encode()).hexdigest()


def current(sets: Sequence[Set], held: dict[int, Held]) -> tuple[list[Set], dict[int, Held]]:
    """The sets without what was withdrawn meanwhile, and what else was corrected as it is now.

    The briefs stay as they are until the transaction ends.
    """
    ids = {brief for each in sets for brief in each.briefs}
    rows = Brief.objects.raw(SQL_STAY, {"briefs": sorted(ids)})
    revisions = {row.pk: row.released_id for row in rows if row.withdrawn_at is None}
    stale = [pk for pk, now in revisions.items() if pk not in held or held[pk].revision_id != now]
    fresh = held | (digest_letters.hold(stale) if stale else {})
    kept = [
        replace(each, briefs=tuple(pk for pk in each.briefs if pk in revisions)) for each in sets
    ]
    return [each for each in kept if each.briefs], fresh


def take(sets: Sequence[Set]) -> list[Set]:
    """Take what these readers are owed. Without those to whom somebody else just gave some of it."""
    there = Counter(reader for (reader,) in _execute(SQL_HOLD, sets))
    whole = [
        replace(each, readers=tuple(r for r in each.readers if there[r] >= len(each.briefs)))
        for each in sets
    ]
    _execute(SQL_TAKE, whole)
    return [each for each in whole if each.readers]


def make(run: DigestRun, sets: Sequence[Set], held: dict[int, Held]) -> int:
    """A dispatch for each set, all matched, and its batches posted; returns how many dispatches.

    A set whose letter mailboxes would clip becomes two.
    """
    letters = [letter for each in sets for letter in _letters(run, each, held)]
    dispatches = Dispatch.objects.bulk_create(
        _dispatch(run, own, held, subject, letter) for own, subject, letter in letters
    )
    pairs = [(dispatch, own) for dispatch, (own, _, _) in zip(dispatches, letters, strict=True)]
    DigestBrief.objects.bulk_create(
        DigestBrief(
            dispatch=dispatch,
            brief_id=brief,
            revision_id=held[brief].revision_id,
            topics=list(held[brief].topics),
        )
        for dispatch, own in pairs
        for brief in own.briefs
    )
    _deliver(pairs)
    return len(dispatches)


def _letters(
    run: DigestRun, own: Set, held: dict[int, Held]
) -> Iterator[tuple[Set, str, Compiled]]:
    try:
        subject, letter = digest_letters.compose(
            [held[brief] for brief in own.briefs],
            cadence=run.cadence,
            day=own.day,
            language=own.language,
        )
    except LetterTooLarge:
        if len(own.briefs) == 1:
            raise
        half = len(own.briefs) // 2
        for briefs in (own.briefs[:half], own.briefs[half:]):
            yield from _letters(run, replace(own, briefs=briefs), held)
    else:
        yield own, subject, letter


def _dispatch(
    run: DigestRun, own: Set, held: dict[int, Held], subject: str, letter: Compiled
) -> Dispatch:
    now = timezone.now()
    return Dispatch(
        kind=Dispatch.Kind.DIGEST,
        run=run,
        title=subject[:300],
        lane=Dispatch.Lane.ROUTINE,
        state=Dispatch.State.SENDING,
        topics=sorted({topic for brief in own.briefs for topic in held[brief].topics}),
        content_hash=own.mark,
        letter=Variants({own.language: letter}).to_bytes(),
        released_by=BY,
        released_at=now,
        audience=len(own.readers),
        matched_through=own.readers[-1],
        matched_at=now,
    )


def _deliver(pairs: Sequence[tuple[Dispatch, Set]]) -> None:
    size = settings.BATCH_SIZE
    parts = [
        (dispatch, number, own.readers[at : at + size])
        for dispatch, own in pairs
        for number, at in zip(count(1), range(0, len(own.readers), size), strict=False)
    ]
    batches = Batch.objects.bulk_create(
        Batch(dispatch=dispatch, number=number) for dispatch, number, _ in parts
    )
    Delivery.objects.bulk_create(
        Delivery(dispatch=batch.dispatch, batch=batch, subscriber_id=reader)
        for batch, (_, _, readers) in zip(batches, parts, strict=True)
        for reader in readers
    )
    for batch in batches:
        queue.carry(batch.pk, lane=Dispatch.Lane.ROUTINE)


def _execute(sql: str, sets: Sequence[Set]) -> list[tuple[int]]:
    pairs = [(r, b) for each in sets for r in each.readers for b in each.briefs]
    parameters = {"readers": [r for r, _ in pairs], "briefs": [b for _, b in pairs]}
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall() if cursor.description else []
