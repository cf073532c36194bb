"""Daily and weekly digests: whose are due, and a dispatch for each set of briefs that some of them share.

`open_due` opens a run for each cadence when an hour has come on some reader's clock, `gather` makes its
deliveries; carrying them is as for any dispatch. Which briefs are owed is known from `owing`'s rows, so
a run that is late, killed or begun twice neither loses nor repeats any.
"""

from __future__ import annotations

import logging
import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from dispatcher import queue
from dispatcher.audience.models import Subscriber
from dispatcher.audience.rules import sql_matches
from dispatcher.letters.words import words
from dispatcher.mailing import digest_letters, digest_sending, digest_times, renewing, withdrawing
from dispatcher.mailing.digest_letters import Held
from dispatcher.mailing.digest_sending import Set
from dispatcher.mailing.digest_times import Due
from dispatcher.mailing.models import DigestRun

log = logging.getLogger(__name__)

Cadence = DigestRun.Cadence
AT_ONCE = 400  # readers of one transaction
MOST_BRIEFS = 50  # of one letter, which mailboxes would clip beyond; what is more goes into another
FIRST_LOOK = timedelta(hours=1)  # back from now, when there has never been a run

# Readers whose hour has come and who are owed something; who pauses is owed it until the pause is over.
# When a run goes on because digests of it were stopped, those who have had theirs are not due again.
_SQL_DUE = """
due AS (
    SELECT r.id, r.language, d.day, r.state = 'active' AND NOT r.is_suppressed AS is_mailed
    FROM dispatcher_subscriber r
    JOIN unnest(%(zones)s::text[], %(hours)s::int[], %(weekdays)s::int[], %(days)s::date[])
         AS d(zone, hour, weekday, day)
      ON d.zone = r.timezone AND d.hour = r.digest_hour
         AND (%(cadence)s = 'daily' OR d.weekday = r.digest_weekday)
    WHERE (r.paused_until IS NULL OR r.paused_until <= now())
    AND EXISTS (SELECT FROM dispatcher_owed o WHERE o.subscriber_id = r.id)
    AND (NOT %(again)s OR NOT EXISTS (
        SELECT FROM dispatcher_delivery g JOIN dispatcher_dispatch d ON d.id = g.dispatch_id
        WHERE g.subscriber_id = r.id AND d.run_id = %(run)s
          AND (d.state <> 'cancelled' OR g.state IN ('accepted', 'unknown', 'carrying'))))
)
"""

# What nobody will get: of readers who left or no longer follow it, or of a dispatch that was cancelled, or
# withdrawn. Until then it stays, for a brief that was withdrawn may be back.
SQL_FORGET = f"""
WITH {_SQL_DUE}
DELETE FROM dispatcher_owed o USING due, dispatcher_dispatch a, dispatcher_brief b
WHERE o.subscriber_id = due.id AND a.id = o.dispatch_id AND b.id = o.brief_id AND (
    NOT due.is_mailed OR a.state = 'cancelled' OR b.withdrawn_at IS NOT NULL OR NOT EXISTS (
        SELECT FROM dispatcher_subscription s
        WHERE s.subscriber_id = due.id AND s.ended_at IS NULL AND {sql_matches("a.topics")}))
"""  # noqa: S608  constants

# Readers by the set of briefs that they get on the same day in the same language. A brief comes with the
# quickest of the rules that let it through now; who has turned to letters at once since, has it daily.
SQL_SETS = f"""
WITH {_SQL_DUE},
ripe AS (
    SELECT due.id, due.language, due.day, o.brief_id,
           row_number() OVER (PARTITION BY due.id ORDER BY o.brief_id) - 1 AS number
    FROM due JOIN dispatcher_owed o ON o.subscriber_id = due.id
    JOIN dispatcher_dispatch a ON a.id = o.dispatch_id AND a.state IN ('sending', 'done')
    JOIN dispatcher_brief b ON b.id = o.brief_id AND b.released_id IS NOT NULL
         AND b.withdrawn_at IS NULL
    WHERE due.is_mailed AND (SELECT bool_or(s.cadence <> 'weekly') FROM dispatcher_subscription s
           WHERE s.subscriber_id = due.id AND s.ended_at IS NULL AND {sql_matches("a.topics")}
          ) = (%(cadence)s = 'daily')
),
sets AS (
    SELECT id, language, day, array_agg(brief_id ORDER BY brief_id) AS briefs
    FROM ripe GROUP BY id, language, day, number / %(most)s
)
SELECT language, day, briefs, array_agg(id ORDER BY id) FROM sets GROUP BY language, day, briefs
ORDER BY language, day, briefs
"""  # noqa: S608  constants


def digest(now: datetime) -> int:
    """Open what fell due and have every run gathered that nobody holds; how many were posted."""
    open_due(now)
    waiting = DigestRun.objects.filter(_FREE, finished_at=None).order_by("window")
    runs = list(waiting.values_list("pk", flat=True))
    for run_id in runs:
        queue.gather(run_id)
    return len(runs)


def open_due(now: datetime) -> list[DigestRun]:
    """A run for each cadence from its last one up to now: one, however late. Repeats open none."""
    window = digest_times.window(now)
    opened = []
    for cadence in Cadence.values:
        last = DigestRun.objects.filter(cadence=cadence).order_by("-window").first()
        since = last.window if last else window - FIRST_LOOK
        if since < window:
            run, is_new = DigestRun.objects.get_or_create(
                cadence=cadence, window=window, defaults={"since": since}
            )
            opened += [run] * is_new
    return opened


def gather(run_id: int) -> int:
    """Make the deliveries of a run; how many. Does nothing while another does it.

    Each set of briefs is claimed, composed and committed with others of its size: who takes over after
    a kill finds the rest.
    """
    holder = uuid.uuid4().hex
    free = DigestRun.objects.filter(_FREE, pk=run_id, finished_at=None)
    if not free.update(holder=holder, lease_until=Now() + renewing.lease()):
        return 0
    run = DigestRun.objects.get(pk=run_id)
    with renewing.renewed(_held(run)):  # to look for what a million readers are owed takes a while
        return _gathered(run)


def _gathered(run: DigestRun) -> int:
    is_told = withdrawing.owe_anew(run)
    parameters = _parameters(run)
    _forget(parameters)
    sets = _sets(parameters)
    held = digest_letters.hold({brief for each in sets for brief in each.briefs})
    made = 0
    for some in _in_parts(sets):
        if not _keep(run):
            return made
        made += _make(run, some, held)
    DigestRun.objects.filter(pk=run.pk, holder=run.holder).update(
        finished_at=Now() if is_told else None, lease_until=None, holder=""
    )
    return made


_FREE = Q(lease_until=None) | Q(lease_until__lt=Now())


def _held(run: DigestRun) -> QuerySet[DigestRun]:
    return DigestRun.objects.filter(pk=run.pk, holder=run.holder, lease_until__gt=Now())


def _keep(run: DigestRun) -> bool:
    return bool(_held(run).update(lease_until=Now() + renewing.lease()))


@transaction.atomic
def _make(run: DigestRun, sets: Sequence[Set], held: dict[int, Held]) -> int:
    """The dispatches of these sets, unless somebody took what their readers were owed meanwhile."""
    sets, held = digest_sending.current(sets, held)
    sets = digest_sending.take(sets)
    letters = digest_sending.make(run, sets, held)
    readers = sum(len(each.readers) for each in sets)
    DigestRun.objects.filter(pk=run.pk).update(
        letters=F("letters") + letters, readers=F("readers") + readers
    )
    return readers


def _parameters(run: DigestRun) -> dict[str, Any]:
    zones = Subscriber.objects.order_by().values_list("timezone", flat=True).distinct()
    due = digest_times.due(zones, since=run.since, until=run.window)
    if run.cadence == Cadence.DAILY:  # of two days since the last run, the later
        due = list({(each.zone, each.hour): each for each in sorted(due, key=_day)}.values())
    return {
        "cadence": run.cadence,
        "run": run.pk,
        "again": bool(withdrawing.replaced(run)),
        "most": MOST_BRIEFS,
        "zones": [each.zone for each in due],
        "hours": [each.hour for each in due],
        "weekdays": [each.weekday for each in due],
        "days": [each.day for each in due],
    }


def _day(due: Due) -> date:
    return due.day


def _forget(parameters: dict[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(SQL_FORGET, parameters)


def _sets(parameters: dict[str, Any]) -> list[Set]:
    """Sets of the languages that we have words in; readers of others share the English ones."""
    readers: dict[tuple[str, date, tuple[int, ...]], list[int]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(SQL_SETS, parameters)
        for language, day, briefs, ids in cursor:
            readers[words(language).language, day, tuple(briefs)] += ids
    return [Set(*key, readers=tuple(sorted(ids))) for key, ids in readers.items()]


def _in_parts(sets: Sequence[Set]) -> Iterator[list[Set]]:
    part: list[Set] = []
    for each in sets:
        part.append(each)
        if sum(len(some.readers) for some in part) >= AT_ONCE:
            yield part
            part = []
    if part:
        yield part
