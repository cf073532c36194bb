"""What the rows say about work that stands still. What of it is alarming is decided in `alarms`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dispatcher.mailing import troubles
from dispatcher.watching import asking

# Open dispatches that are meant to move, with the seconds since each should have begun. One that the
# desk has paused stands still because somebody wants it so. All that follows begins with this.
SQL_MOVING = """
WITH moving AS (
    SELECT d.id, d.lane, d.state, d.by_mail, d.matched_at,
           extract(epoch FROM now() - coalesce(d.scheduled_for, d.released_at))::float8 AS age
    FROM dispatcher_dispatch d
    WHERE d.state IN ('matching', 'sending') OR d.state = 'scheduled' AND d.scheduled_for < now()
)
"""

# Urgent dispatches without an accepted letter. Batch by batch, and by subqueries that stay such: as a join
# it would be planned over the accepted letters of all times. The first that is found ends it; a million
# deliveries without any take 0.15 s.
SQL_URGENT = """
SELECT m.id, m.age FROM moving m
WHERE m.lane = 'urgent' AND m.by_mail AND NOT EXISTS (
    SELECT FROM dispatcher_batch b WHERE b.dispatch_id = m.id
    AND (SELECT true FROM dispatcher_delivery v WHERE v.batch_id = b.id AND v.state = 'accepted' LIMIT 1))
ORDER BY m.age DESC LIMIT 20
"""

# Dispatches whose audience is still being looked for, or that have not even begun.
SQL_BEGINNING = (
    "SELECT m.id, m.age FROM moving m WHERE m.matched_at IS NULL ORDER BY 2 DESC LIMIT 20"
)

# Batches that nobody carries though they are due, by dispatch; and how many are being carried in the
# whole lane, since one dispatch may have to wait for another.
SQL_DUE = """
SELECT m.id, m.lane, count(*),
       extract(epoch FROM now() - min(coalesce(b.lease_until, b.due_at)))::float8,
       count(*) FILTER (WHERE b.state = 'carrying')
FROM moving m JOIN dispatcher_batch b ON b.dispatch_id = m.id
WHERE b.state = 'waiting' AND b.due_at < now() OR b.state = 'carrying' AND b.lease_until < now()
GROUP BY 1, 2 ORDER BY 4 DESC
"""
SQL_IN_HAND = """
SELECT d.lane, count(*) FROM dispatcher_batch b JOIN dispatcher_dispatch d ON d.id = b.dispatch_id
WHERE b.state = 'carrying' AND b.lease_until >= now() GROUP BY 1
"""

SQL_BROKEN = """
SELECT b.id, b.dispatch_id, b.faults, b.fault FROM moving m JOIN dispatcher_batch b ON b.dispatch_id = m.id
WHERE b.state <> 'done' AND b.faults >= %s ORDER BY b.faults DESC LIMIT 20
"""

# Sent, by its batches, and yet not done: then its ledger does not balance.
SQL_UNBALANCED = """
SELECT m.id, extract(epoch FROM now() - coalesce(
           (SELECT max(v.settled_at) FROM dispatcher_delivery v WHERE v.dispatch_id = m.id), m.matched_at))::float8
FROM moving m
WHERE m.state = 'sending'
  AND NOT EXISTS (SELECT FROM dispatcher_batch b WHERE b.dispatch_id = m.id AND b.state <> 'done')
LIMIT 20
"""

# Refusals that are held until staff say what they are worth.
SQL_FUSES = """
SELECT f.id, f.dispatch_id, f.run_id, f.relay, f.handed_over, f.refused, f.blown_at FROM dispatcher_fuse f
WHERE f.verdict = '' ORDER BY f.refused DESC LIMIT 20
"""

SQL_OPEN = """
SELECT state, count(*) FROM dispatcher_dispatch WHERE state NOT IN ('done', 'cancelled') GROUP BY 1
"""

# Reads every delivery of the open dispatches: 0.2 s a million.
SQL_DELIVERIES = """
SELECT v.state, count(*) FROM dispatcher_dispatch d JOIN dispatcher_delivery v ON v.dispatch_id = d.id
WHERE d.state NOT IN ('done', 'cancelled') GROUP BY 1
"""


@dataclass(frozen=True, slots=True)
class Due:
    """The batches of a dispatch that nobody carries; `for_seconds` of the oldest."""

    dispatch: int
    lane: str
    batches: int
    for_seconds: float
    left_behind: int


@dataclass(frozen=True, slots=True)
class Broken:
    """A batch that broke its worker several times in a row, and on what."""

    batch: int
    dispatch: int
    times: int
    words: str


@dataclass(frozen=True, slots=True)
class Blown:
    """A fuse that waits for staff: what a relay refused of a dispatch, or of the digests of a run."""

    fuse: int
    dispatch: int | None
    run: int | None
    relay: str
    handed_over: int
    refused: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Rows:
    """What was found. Waits are seconds by the number of a dispatch, the longest first."""

    urgent: Mapping[int, float]  # without an accepted letter
    beginning: Mapping[int, float]
    unbalanced: Mapping[int, float]
    due: tuple[Due, ...]
    in_hand: Mapping[str, int]  # batches by lane
    broken: tuple[Broken, ...]
    dispatches: Mapping[str, int]  # open ones by state
    blown: tuple[Blown, ...] = ()


def read() -> Rows:
    """Look once at all that is open. Raises django.db.Error, within seconds."""
    with asking.own_cursor() as cursor:

        def rows(sql: str, *parameters: int) -> list[tuple[Any, ...]]:
            cursor.execute(SQL_MOVING + sql, parameters)
            return list(cursor.fetchall())

        return Rows(
            urgent=dict(rows(SQL_URGENT)),
            beginning=dict(rows(SQL_BEGINNING)),
            unbalanced=dict(rows(SQL_UNBALANCED)),
            due=tuple(Due(*row) for row in rows(SQL_DUE)),
            in_hand=dict(rows(SQL_IN_HAND)),
            broken=tuple(Broken(*row) for row in rows(SQL_BROKEN, troubles.STILL_AFTER)),
            dispatches=dict(rows(SQL_OPEN)),
            blown=tuple(Blown(*row) for row in rows(SQL_FUSES)),
        )


def deliveries() -> dict[str, int]:
    """The deliveries of open dispatches by state. Raises django.db.Error, within seconds."""
    with asking.own_cursor() as cursor:
        cursor.execute(SQL_DELIVERIES)
        return dict(cursor.fetchall())
