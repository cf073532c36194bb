"""Finding the audience of a dispatch by its topics, in SQL, slice by slice.

A slice's deliveries, its batches and the place where it ended are one transaction, and its batches
are posted as it commits: the first letters leave while later slices are still being matched.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from dispatcher import logs, queue
from dispatcher.audience.rules import SQL_LETS_THROUGH, SQL_NOT_PLAIN
from dispatcher.briefs.models import Brief
from dispatcher.mailing import giving_way, ledger, owing
from dispatcher.mailing.models import Dispatch

FIRST_SLICE = 500  # readers; each slice after it has four times as many, up to
SLICE = 20_000
FIRST_BATCHES = 10  # so many share the first slice, so that every worker has one at once

HAD_IT, IN_HAND = "had it already", "in hand"  # as SQL_EXCLUSION says them
FREE_AGAIN = timedelta(seconds=1)  # a worker of a cancelled dispatch notices within this time

# The rules at once that are not plain and let a brief of this reach through.
SQL_PARTICULAR = f"""
    dispatcher_subscription s WHERE {SQL_NOT_PLAIN} AND {SQL_LETS_THROUGH}
"""

# For an urgent brief, the digest rules of readers who want such briefs at once.
SQL_URGENT = f"""
    dispatcher_subscription s JOIN dispatcher_subscriber u ON u.id = s.subscriber_id AND u.urgent_at_once
    WHERE %(urgent)s AND {owing.SQL_OF_DIGESTS}
"""

# Why a matched reader is not mailed; NULL for those who are. `r` is the reader's row if it has such a
# reason. Who has the brief, or may have it, from an earlier dispatch that was cancelled does not get it
# twice; that set is read once, not per reader. Whom a worker is just sending it to is not known yet.
SQL_NOT_MAILED = """
    dispatcher_subscriber r ON r.id = m.id AND (r.state <> 'active' OR r.is_suppressed OR r.paused_until > now())
"""
SQL_EXCLUSION = """
    CASE WHEN r.is_suppressed THEN 'suppressed'
         WHEN r.state <> 'active' THEN r.state
         WHEN r.paused_until > now() THEN 'paused'
         WHEN m.id IN (SELECT g.subscriber_id FROM dispatcher_delivery g
                       WHERE g.dispatch_id = ANY(%(earlier)s::bigint[])
                       AND g.state IN ('accepted', 'unknown'))
         THEN 'had it already'
         WHEN m.id IN (SELECT g.subscriber_id FROM dispatcher_delivery g
                       WHERE g.dispatch_id = ANY(%(earlier)s::bigint[]) AND g.state = 'carrying')
         THEN 'in hand'
    END
"""

# Everybody whose rules let a brief of this reach through, once, by the reason why not. Both indexes are
# in the order of readers, and of readers' rows only those of the few who are not mailed are read.
SQL_COUNT = f"""
SELECT reason, count(*) FROM (
    SELECT DISTINCT ON (m.id) {SQL_EXCLUSION} AS reason
    FROM (SELECT f.subscriber_id AS id FROM dispatcher_following f
          WHERE f.topic_id = ANY(%(reach)s::bigint[])
          UNION ALL SELECT s.subscriber_id FROM {SQL_PARTICULAR}
          UNION ALL SELECT s.subscriber_id FROM {SQL_URGENT}) AS m
    LEFT JOIN {SQL_NOT_MAILED}
    ORDER BY m.id
) AS judged GROUP BY reason
"""  # noqa: S608

# A million readers sort in this much memory; compiling the statement would take longer than running it.
SQL_IN_MEMORY = "SELECT set_config('work_mem', '64MB', true), set_config('jit', 'off', true)"

# One slice: the next readers in order, numbered into batches, written as deliveries in that order, whatever
# join the planner likes: a worker sends them by id, and its successor tells by it which was next. Of each topic no more
# is read than the slice can hold, and of the rules that are not plain no more than up to its end. Run under
# the dispatch's row lock; a repeat starts where the last committed slice ended, and UNIQUE(dispatch,
# subscriber) would hold even if it did not.
SQL_SLICE = f"""
WITH plain AS (
    SELECT DISTINCT f.id FROM unnest(%(reach)s::bigint[]) AS topic(id) CROSS JOIN LATERAL (
        SELECT DISTINCT f.subscriber_id AS id FROM dispatcher_following f
        WHERE f.topic_id = topic.id AND f.subscriber_id > %(after)s
        ORDER BY f.subscriber_id LIMIT %(slice)s
    ) AS f ORDER BY f.id LIMIT %(slice)s
),
bound AS (
    SELECT coalesce((SELECT max(id) FROM plain HAVING count(*) = %(slice)s), 9223372036854775807) AS id
),
particular AS (
    (SELECT DISTINCT s.subscriber_id AS id FROM {SQL_PARTICULAR} AND s.subscriber_id > %(after)s
     AND s.subscriber_id <= (SELECT id FROM bound) ORDER BY s.subscriber_id LIMIT %(slice)s)
    UNION
    (SELECT DISTINCT s.subscriber_id AS id FROM {SQL_URGENT} AND s.subscriber_id > %(after)s
     AND s.subscriber_id <= (SELECT id FROM bound) ORDER BY s.subscriber_id LIMIT %(slice)s)
),
matched AS (SELECT id FROM plain UNION SELECT id FROM particular ORDER BY id LIMIT %(slice)s),
judged AS (SELECT m.id, {SQL_EXCLUSION} AS reason FROM matched m LEFT JOIN {SQL_NOT_MAILED}),
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
    ORDER BY n.id
    ON CONFLICT (dispatch_id, subscriber_id) DO NOTHING
    RETURNING id
)
SELECT (SELECT max(id) FROM matched), (SELECT count(*) FROM matched), (SELECT count(*) FROM delivered),
       (SELECT array_agg(id ORDER BY number) FROM batches),
       (SELECT jsonb_object_agg(reason, n) FROM
           (SELECT reason, count(*) AS n FROM judged WHERE reason IS NOT NULL GROUP BY reason) AS e)
"""  # noqa: S608


class _InHand(Exception):  # noqa: N818  a state, not a fault
    """Whether some readers have the brief already is just being found out."""

    def __init__(self, lane: str) -> None:
        super().__init__(lane)
        self.lane = lane


@dataclass(frozen=True, slots=True)
class Audience:
    """How many readers a release would reach at once and in digests, and how many not, by reason."""

    readers: int
    excluded: Mapping[str, int]
    in_digests: int = 0


def count(reach: Sequence[int], *, brief: Brief | None = None) -> Audience:
    """The audience of an alert with this reach, as things stand; of a new brief, if none is given."""
    parameters: dict[str, Any] = {
        "reach": list(reach),
        "earlier": owing.dispatches_of(brief.pk) if brief else [],
        "urgent": brief is not None and brief.urgent,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(SQL_IN_MEMORY)
        cursor.execute(SQL_COUNT, parameters)
        rows = dict(cursor.fetchall())
    later = owing.count(reach, urgent=parameters["urgent"])
    in_hand = rows.pop(IN_HAND, 0)
    if in_hand:
        rows[HAD_IT] = rows.get(HAD_IT, 0) + in_hand
    return Audience(readers=rows.pop(None, 0), excluded=rows, in_digests=later)


def match(dispatch_id: int) -> None:
    """Make the deliveries of a released dispatch and post its batches. Repeats go on where it stood.

    Stops, to be posted again, while a worker still sends letters of an earlier dispatch of the brief.
    """
    with logs.about(dispatch=dispatch_id):
        try:
            while _match_slice(dispatch_id):
                pass
        except _InHand as so_far:
            queue.match(dispatch_id, lane=so_far.lane, after=FREE_AGAIN)
        else:
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
    if dispatch.lane == Dispatch.Lane.URGENT:
        transaction.on_commit(giving_way.announce)
    slice_size = _slice_size(dispatch)
    through, matched, delivered, batches, excluded = _made(dispatch, slice_size)
    left_out: dict[str, int] = json.loads(excluded or "{}")
    if IN_HAND in left_out:
        raise _InHand(dispatch.lane)  # and this slice is taken back
    dispatch.audience += delivered
    for reason, number in left_out.items():
        dispatch.excluded[reason] = dispatch.excluded.get(reason, 0) + number
    dispatch.matched_through = through or dispatch.matched_through
    is_last: bool = matched < slice_size
    if is_last:
        dispatch.matched_at = timezone.now()
        dispatch.state = Dispatch.State.SENDING
        if dispatch.by_mail:
            owing.owe(dispatch)
    dispatch.save(update_fields=["audience", "excluded", "matched_through", "matched_at", "state"])
    for batch_id in batches or ():
        queue.carry(batch_id, lane=dispatch.lane)
    return not is_last


def _slice_size(dispatch: Dispatch) -> int:
    """Small at first, so that the first letters leave at once, and four times the last one then."""
    looked_at: int = dispatch.audience + sum(dispatch.excluded.values())
    return min(SLICE, FIRST_SLICE + 3 * looked_at)


def _made(
    dispatch: Dispatch, slice_size: int
) -> tuple[int | None, int, int, list[int] | None, str | None]:
    """What `SQL_SLICE` answers; nothing at all for a dispatch to the feeds alone."""
    if not dispatch.by_mail:
        return None, 0, 0, None, None
    last = dispatch.batches.order_by("-number").values_list("number", flat=True).first() or 0
    parameters: dict[str, Any] = {
        "dispatch": dispatch.pk,
        "earlier": owing.dispatches_of(dispatch.brief_id, but=dispatch.pk),
        "urgent": dispatch.lane == Dispatch.Lane.URGENT,
        "reach": dispatch.topics,
        "after": dispatch.matched_through,
        "slice": slice_size,
        "batch_size": min(settings.BATCH_SIZE, math.ceil(slice_size / FIRST_BATCHES)),
        "first_number": last + 1,
    }
    with connection.cursor() as cursor:
        cursor.execute(SQL_IN_MEMORY)
        cursor.execute(SQL_SLICE, parameters)
        row: tuple[int | None, int, int, list[int] | None, str | None] = cursor.fetchone()
    return row
