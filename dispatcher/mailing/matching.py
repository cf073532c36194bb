"""Finding the audience of a dispatch by its topics, in SQL, slice by slice.

A slice's deliveries, its batches and the place where it ended are one transaction, and its batches
are posted as it commits: the first letters leave while later slices are still being matched.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from dispatcher import queue
from dispatcher.audience.rules import SQL_LETS_THROUGH
from dispatcher.briefs.models import Brief
from dispatcher.mailing import ledger
from dispatcher.mailing.models import Dispatch

SLICE = 20_000

# The readers after a given one whose rules let a brief of this reach through, whoever they are. One
# row a reader, however many of their rules match.
SQL_MATCHED = f"""
    SELECT s.subscriber_id AS id FROM dispatcher_subscription s
    WHERE s.cadence = 'at once' AND {SQL_LETS_THROUGH} AND s.subscriber_id > %(after)s
    GROUP BY s.subscriber_id
"""  # noqa: S608  both parts are constants

# Why a matched reader is not mailed; NULL for those who are. Who has the brief, or may have it, from
# an earlier dispatch that was cancelled does not get it twice; that set is read once, not per reader.
SQL_EXCLUSION = """
    CASE WHEN EXISTS (SELECT FROM dispatcher_suppression x WHERE lower(x.address) = lower(r.address))
         THEN 'suppressed'
         WHEN r.state <> 'active' THEN r.state
         WHEN r.id IN (SELECT g.subscriber_id FROM dispatcher_delivery g
                       JOIN dispatcher_dispatch p ON p.id = g.dispatch_id
                       WHERE p.brief_id = %(brief)s AND p.id <> %(dispatch)s
                       AND g.state IN ('accepted', 'carrying', 'unknown'))
         THEN 'had it already'
    END
"""

SQL_COUNT = f"""
    WITH matched AS ({SQL_MATCHED})
    SELECT {SQL_EXCLUSION} AS reason, count(*) FROM matched m JOIN dispatcher_subscriber r ON r.id = m.id
    GROUP BY 1
"""  # noqa: S608

# One slice: the next readers in order, numbered into batches, written as deliveries. Run under the
# dispatch's row lock; a repeat starts where the last committed slice ended, and UNIQUE(dispatch,
# subscriber) would hold even if it did not.
SQL_SLICE = f"""
WITH matched AS ({SQL_MATCHED} ORDER BY s.subscriber_id LIMIT %(slice)s),
judged AS (
    SELECT m.id, {SQL_EXCLUSION} AS reason FROM matched m JOIN dispatcher_subscriber r ON r.id = m.id
),
numbered AS (
    SELECT id, (row_number() OVER (ORDER BY id) - 1) / %(batch_size)s AS part FROM judged WHERE reason IS NULL
),
batches AS (
    INSERT INTO dispatcher_batch (dispatch_id, number, state, due_at, posted_at, holder)
    SELECT %(dispatch)s, %(first_number)s + part, 'waiting', now(), now(), '' FROM numbered GROUP BY part
    RETURNING id, number
),
delivered AS (
    INSERT INTO dispatcher_delivery
        (dispatch_id, subscriber_id, batch_id, state, attempts, relay, code, text)
    SELECT %(dispatch)s, n.id, b.id, 'waiting', 0, '', '', ''
    FROM numbered n JOIN batches b ON b.number = %(first_number)s + n.part
    ON CONFLICT (dispatch_id, subscriber_id) DO NOTHING
    RETURNING id
)
SELECT (SELECT max(id) FROM matched), (SELECT count(*) FROM matched), (SELECT count(*) FROM delivered),
       (SELECT array_agg(id ORDER BY number) FROM batches),
       (SELECT jsonb_object_agg(reason, n) FROM
           (SELECT reason, count(*) AS n FROM judged WHERE reason IS NOT NULL GROUP BY reason) AS e)
"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class Audience:
    """How many readers a release would reach, and how many it leaves out, by reason."""

    readers: int
    excluded: Mapping[str, int]


def count(reach: Sequence[int], *, brief: Brief | None = None) -> Audience:
    """The audience of an alert with this reach, as things stand; of a new brief, if none is given."""
    parameters: dict[str, Any] = {
        "reach": list(reach),
        "after": 0,
        "brief": brief.pk if brief else 0,
        "dispatch": 0,
    }
    with connection.cursor() as cursor:
        cursor.execute(SQL_COUNT, parameters)
        rows = dict(cursor.fetchall())
    return Audience(readers=rows.pop(None, 0), excluded=rows)


def match(dispatch_id: int) -> None:
    """Make the deliveries of a released dispatch and post its batches. Repeats go on where it stood."""
    while _match_slice(dispatch_id):
        pass
    ledger.close(dispatch_id)


@transaction.atomic
def _match_slice(dispatch_id: int) -> bool:
    """One slice; whether there may be more. Not while another is at it: two would only take turns."""
    dispatch = (
        Dispatch.objects.select_for_update(of=("self",), skip_locked=True)
        .defer("letter")
        .filter(pk=dispatch_id)
        .first()
    )
    if dispatch is None or dispatch.matched_at or dispatch.state != Dispatch.State.MATCHING:
        return False
    through, matched, delivered, batches, excluded = _made(dispatch)
    dispatch.audience += delivered
    for reason, number in json.loads(excluded or "{}").items():
        dispatch.excluded[reason] = dispatch.excluded.get(reason, 0) + number
    dispatch.matched_through = through or dispatch.matched_through
    is_last: bool = matched < SLICE
    if is_last:
        dispatch.matched_at = timezone.now()
        dispatch.state = Dispatch.State.SENDING
    dispatch.save(update_fields=["audience", "excluded", "matched_through", "matched_at", "state"])
    for batch_id in batches or ():
        queue.carry(batch_id, lane=dispatch.lane)
    return not is_last


def _made(dispatch: Dispatch) -> tuple[int | None, int, int, list[int] | None, str | None]:
    """What `SQL_SLICE` answers; nothing at all for a dispatch to the feeds alone."""
    if not dispatch.by_mail:
        return None, 0, 0, None, None
    with connection.cursor() as cursor:
        cursor.execute(SQL_SLICE, _parameters(dispatch))
        row: tuple[int | None, int, int, list[int] | None, str | None] = cursor.fetchone()
    return row


def _parameters(dispatch: Dispatch) -> dict[str, Any]:
    last = dispatch.batches.order_by("-number").values_list("number", flat=True).first() or 0
    return {
        "dispatch": dispatch.pk,
        "brief": dispatch.brief_id,
        "reach": dispatch.topics,
        "after": dispatch.matched_through,
        "slice": SLICE,
        "batch_size": settings.BATCH_SIZE,
        "first_number": last + 1,
    }
