"""Which briefs digest readers are still to get: one row each, made as a release has found its readers.

A row is made once, in the transaction that ends the search, and goes in the one that makes the delivery
which holds the brief. So no brief is lost by coming late or by a change of cadence, and none comes twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection
from django.db.models import Q

from dispatcher.audience.rules import sql_matches
from dispatcher.mailing.models import Dispatch

_REACH = "%(reach)s::bigint[]"

# Live digest rules that let a brief of this reach through.
SQL_OF_DIGESTS = f"""
    s.cadence <> 'at once' AND s.ended_at IS NULL AND {sql_matches(_REACH)}
"""

# Everybody who had such a rule while the readers were looked for, and has or gets the brief by no delivery.
# Who gave up a digest in those moments may not be in the audience at once yet, so the rules that ended
# since are looked at too. A brief that is released again after a cancelled dispatch is still owed once.
SQL_OWE = f"""
INSERT INTO dispatcher_owed (subscriber_id, brief_id, dispatch_id)
SELECT m.id, %(brief)s, %(dispatch)s FROM (
    SELECT s.subscriber_id AS id FROM dispatcher_subscription s WHERE {SQL_OF_DIGESTS}
    UNION SELECT s.subscriber_id FROM dispatcher_subscription s
    WHERE s.cadence <> 'at once' AND s.ended_at >= %(since)s AND {sql_matches(_REACH)}
) AS m JOIN dispatcher_subscriber r ON r.id = m.id AND r.state = 'active' AND NOT r.is_suppressed
     AND (r.paused_until IS NULL OR r.paused_until <= now())
WHERE NOT EXISTS (
    SELECT FROM dispatcher_delivery g JOIN dispatcher_dispatch d ON d.id = g.dispatch_id
    WHERE g.subscriber_id = m.id AND g.dispatch_id = ANY(%(holding)s::bigint[])
    AND (d.state <> 'cancelled' OR g.state IN ('accepted', 'unknown', 'carrying'))
)
ORDER BY m.id
ON CONFLICT (subscriber_id, brief_id) DO UPDATE SET dispatch_id = excluded.dispatch_id
"""  # noqa: S608  constants

# Who would be owed it, of those who do not get it at once.
SQL_COUNT = f"""
SELECT count(DISTINCT s.subscriber_id) FROM dispatcher_subscription s
JOIN dispatcher_subscriber r ON r.id = s.subscriber_id AND r.state = 'active' AND NOT r.is_suppressed
     AND (r.paused_until IS NULL OR r.paused_until <= now())
     AND NOT (%(urgent)s AND r.urgent_at_once)
WHERE {SQL_OF_DIGESTS} AND NOT EXISTS (
    SELECT FROM dispatcher_subscription o WHERE o.subscriber_id = s.subscriber_id
    AND o.cadence = 'at once' AND o.ended_at IS NULL AND {sql_matches(_REACH).replace("s.", "o.")}
)
"""  # noqa: S608


def owe(dispatch: Dispatch) -> int:
    """Note for every digest reader of a dispatch's brief that it is still to come; how many they are.

    Called in the transaction that ends its matching, under its row's lock.
    """
    parameters: dict[str, Any] = {
        "brief": dispatch.brief_id,
        "dispatch": dispatch.pk,
        "reach": dispatch.topics,
        "since": dispatch.scheduled_for or dispatch.released_at,
        "holding": dispatches_of(dispatch.brief_id),
    }
    with connection.cursor() as cursor:
        cursor.execute(SQL_OWE, parameters)
        return int(cursor.rowcount)


def count(reach: Sequence[int], *, urgent: bool) -> int:
    """How many readers would get a brief of this reach in a digest, and not at once."""
    with connection.cursor() as cursor:
        cursor.execute(SQL_COUNT, {"reach": list(reach), "urgent": urgent})
        (readers,) = cursor.fetchone()
    return int(readers)


def dispatches_of(brief_id: int | None, *, but: int = 0) -> list[int]:
    """All dispatches that hold a brief, digests among them."""
    holding = Dispatch.objects.filter(Q(brief=brief_id) | Q(contents__brief=brief_id))
    return list(holding.exclude(pk=but).order_by().values_list("pk", flat=True).distinct())
