"""`python -m bench.digests [--readers N] [--days N] [--seed N]`: digests through weeks with a clock change.

Readers in 24 time zones, releases at random hours, some readers changing cadence in between. The clock
is the trial's: it tells `open_due` what time it is. Releases, matching and letters are our workers', into
an SMTP sink; a process that gathers is killed now and then. At the end every brief must have come exactly
once to every reader whose rule asks for it.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from bench import ground, services, sizes

ZONES = (
    "Pacific/Auckland",
    "Australia/Sydney",
    "Asia/Tokyo",
    "Asia/Shanghai",
    "Asia/Jakarta",
    "Asia/Dhaka",
    "Asia/Kathmandu",
    "Asia/Kolkata",
    "Asia/Karachi",
    "Asia/Tehran",
    "Asia/Dubai",
    "Asia/Jerusalem",
    "Europe/Kyiv",
    "Europe/Paris",
    "Europe/London",
    "Atlantic/Azores",
    "America/Sao_Paulo",
    "America/St_Johns",
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
    "America/Anchorage",
    "Pacific/Honolulu",
)
STARTS = (
    datetime(2027, 3, 25, tzinfo=UTC),
    datetime(2027, 10, 28, tzinfo=UTC),
)  # the clock changes in both
RELEASES = 2  # a day, on average
KILLS = 6  # of a process that gathers
SHUFFLE = """
UPDATE dispatcher_subscriber SET timezone = (%(zones)s::text[])[1 + id %% 24],
    digest_hour = (id * 7) %% 24, digest_weekday = id %% 7, urgent_at_once = id %% 2 = 0;
"""
CADENCES = """
UPDATE dispatcher_subscription SET cadence =
    CASE WHEN subscriber_id %% 5 = 0 THEN 'at once' WHEN subscriber_id %% 5 < 3 THEN 'daily' ELSE 'weekly' END
WHERE ended_at IS NULL
"""
# What each reader should have, and how often they have it.
VERDICT = """
WITH wanted AS (
    SELECT DISTINCT s.subscriber_id AS reader, d.brief_id AS brief
    FROM dispatcher_dispatch d JOIN dispatcher_subscription s ON {matches}
    JOIN dispatcher_subscriber r ON r.id = s.subscriber_id AND r.state = 'active' AND NOT r.is_suppressed
    WHERE d.kind = 'alert' AND s.ended_at IS NULL
),
had AS (
    SELECT g.subscriber_id AS reader, coalesce(d.brief_id, c.brief_id) AS brief, count(*) AS times
    FROM dispatcher_delivery g JOIN dispatcher_dispatch d ON d.id = g.dispatch_id
    LEFT JOIN dispatcher_digestbrief c ON c.dispatch_id = d.id GROUP BY 1, 2
)
SELECT count(*) FILTER (WHERE wanted.reader IS NOT NULL), count(*) FILTER (WHERE had.reader IS NULL),
       count(*) FILTER (WHERE had.times > 1), count(*) FILTER (WHERE wanted.reader IS NULL)
FROM wanted FULL JOIN had ON had.reader = wanted.reader AND had.brief = wanted.brief
"""


def main() -> int:
    """Print the figures; 1 unless every brief came exactly once to whom it should."""
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("--readers", type=int, default=10_000)
    given.add_argument("--days", type=int, default=7)
    given.add_argument("--seed", type=int, default=1)
    wanted = given.parse_args()
    with ground.laid(sizes.of(quick=False, rounds=1)) as laid:
        laid.use(wanted.readers)
        with services.fast_sink(laid.folder) as sink, services.workers(laid.folder, sink.url):
            return Trial(random.Random(wanted.seed)).run(wanted.days)


class Trial:
    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._releases = self._kills = self._windows = self._changes = 0

    def run(self, days: int) -> int:
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute(SHUFFLE, {"zones": list(ZONES)})
            cursor.execute(CADENCES.replace("%%", "%"))
        began = time.perf_counter()
        for start in STARTS:
            for hour in range(24 * days):
                self._hour(start + timedelta(hours=hour), is_late=False)
        for hour in range(24 * 8):  # so that everything weekly has come
            self._hour(STARTS[-1] + timedelta(days=days, hours=hour), is_late=True)
        self._settled()
        return self._verdict(time.perf_counter() - began)

    def _hour(self, now: datetime, *, is_late: bool) -> None:
        from dispatcher.mailing import digests

        if not is_late and self._chance.random() < RELEASES / 24:
            self._release()
        if not is_late and self._chance.random() < 0.2:
            self._change_cadences()
        for run in digests.open_due(now):
            self._windows += 1
            if self._kills < KILLS and self._chance.random() < 0.05:
                self._gather_and_kill(run.pk)
            while not _is_finished(run.pk):
                digests.gather(run.pk)

    def _release(self) -> None:
        from dispatcher.briefs.models import Topic
        from dispatcher.mailing import dispatching
        from dispatcher.mailing.models import Dispatch
        from tests.makers import make_brief

        topics = self._chance.sample(list(Topic.objects.filter(merged_into=None)), 2)
        self._releases += 1
        urgent = self._chance.random() < 0.2
        brief = make_brief(f"Brief {self._releases}", topics=topics, urgent=urgent)
        dispatch = dispatching.release(brief, by="the trial")
        _until(lambda: Dispatch.objects.filter(pk=dispatch.pk, state="done").exists())

    def _change_cadences(self) -> None:
        """A few readers turn to another cadence, as from their page; what they follow stays."""
        from dataclasses import replace

        from dispatcher.audience import editing
        from dispatcher.audience.models import Subscription
        from dispatcher.audience.rules import Rule

        live = Subscription.objects.filter(ended_at=None, subscriber__state="active")
        for row in live.exclude(subscriber__is_suppressed=True).order_by("?")[:20]:
            cadence = self._chance.choice(("at once", "daily", "weekly"))
            rule = replace(Rule.of(row), cadence=cadence)
            self._changes += editing.change(row.subscriber_id, row.pk, rule, source="the trial")

    def _gather_and_kill(self, run_id: int) -> None:
        from django.db import connections

        connections.close_all()
        child = multiprocessing.get_context("fork").Process(target=_gather, args=(run_id,))
        child.start()
        time.sleep(self._chance.uniform(0.01, 0.15))
        if child.is_alive() and child.pid:
            os.kill(child.pid, signal.SIGKILL)
            self._kills += 1
        child.join()
        from dispatcher.mailing.models import DigestRun

        # Its lease would end in two minutes; the trial does not wait for that.
        DigestRun.objects.filter(pk=run_id, finished_at=None).update(lease_until=None, holder="")

    def _settled(self) -> None:
        from dispatcher.mailing.models import Dispatch

        _until(lambda: not Dispatch.objects.exclude(state="done").exists(), seconds=300)

    def _verdict(self, seconds: float) -> int:
        from django.db import connection

        from dispatcher.audience.rules import sql_matches
        from dispatcher.mailing.models import Delivery, Dispatch

        with connection.cursor() as cursor:
            cursor.execute(VERDICT.format(matches=sql_matches("d.topics")))
            wanted, missing, doubled, strange = cursor.fetchone()
        states = {
            state: Delivery.objects.filter(state=state).count()
            for state in ("accepted", "failed", "unknown", "waiting")
        }
        sys.stdout.write(
            f"{self._releases} releases, {self._windows} runs, {self._kills} killed, {self._changes} changes "
            f"of cadence, {Dispatch.objects.filter(kind='digest').count():,} digest letters, "
            f"{Delivery.objects.filter(dispatch__kind='digest').count():,} digests, {seconds:.0f} s\n"
            f"reader and brief: {wanted:,} wanted; missing {missing}, doubled {doubled}, strange {strange}\n"
            f"letters: {states}\n"
        )
        return 1 if missing or doubled or strange else 0


def _gather(run_id: int) -> None:
    from dispatcher.mailing import digests

    digests.gather(run_id)


def _is_finished(run_id: int) -> bool:
    from dispatcher.mailing.models import DigestRun

    return DigestRun.objects.filter(pk=run_id, finished_at__isnull=False).exists()


def _until(is_so: Callable[[], bool], *, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError("it did not come about in time")
        time.sleep(0.05)


if __name__ == "__main__":
    sys.exit(main())
