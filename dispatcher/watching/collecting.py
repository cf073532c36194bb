"""What Prometheus is told of this moment: facts and alarms as metrics, and what processes have counted.

A metric whose source does not answer is absent, for zero would read as peace; `dispatcher_source_up`
says which source it is.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence

from django.db import Error
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from dispatcher import metrics, signs
from dispatcher.relays.standing import Standing
from dispatcher.signs import Signs
from dispatcher.watching import alarms, facts, rows
from dispatcher.watching.facts import Facts
from dispatcher.watching.rows import Rows

log = logging.getLogger(__name__)

LANES = ("urgent", "routine")
DISPATCHES = ("scheduled", "matching", "sending", "paused")
DELIVERIES = ("waiting", "carrying", "accepted", "deferred", "failed", "unknown")


class Everything(Collector):
    """All metrics, gathered anew at each look."""

    def collect(self) -> Iterator[Metric]:
        """Takes some seconds at the most, however the sources hang."""
        known = facts.gather()
        yield _by("source_up", "Whether a source of these metrics answers.", "source", {
            "postgresql": known.rows is not None, "valkey": known.signs is not None,
        })  # fmt: skip
        if known.rows is not None:
            yield from _of_rows(known.rows)
            yield from _deliveries()
        if known.signs is not None:
            yield from _of_signs(known.signs)
            yield from _of_relays(known.relays)
        yield _alarms(known)
        yield from metrics.collect()


def _of_rows(found: Rows) -> Iterator[Metric]:
    yield _by(
        "open_dispatches",
        "Dispatches that are neither done nor cancelled, by state.",
        "state",
        dict.fromkeys(DISPATCHES, 0) | dict(found.dispatches),
    )
    due, oldest, left = (dict.fromkeys(LANES, 0.0) for _ in range(3))
    for each in found.due:
        due[each.lane] += each.batches
        left[each.lane] += each.left_behind
        oldest[each.lane] = max(oldest[each.lane], each.for_seconds)
    yield _by("batches_due", "Batches that are due and that nobody carries.", "lane", due)
    yield _by("batches_oldest_due_seconds", "How long the oldest of them is due.", "lane", oldest)
    yield _by(
        "batches_left_behind",
        "Batches whose worker was lost; what is in their journals is yet to be recorded.",
        "lane",
        left,
    )
    yield _by(
        "batches_in_hand",
        "Batches that a worker carries now.",
        "lane",
        dict.fromkeys(LANES, 0) | dict(found.in_hand),
    )
    yield _one(
        "urgent_wait_seconds",
        "Since when the oldest urgent dispatch is without an accepted letter; 0 with none such.",
        max(found.urgent.values(), default=0.0),
    )


def _deliveries() -> Iterator[Metric]:
    try:
        counted = rows.deliveries()
    except Error as fault:  # too many to count within the deadline: absent, and the rest is told
        log.warning("deliveries were not counted: %s", fault)
        return
    yield _by(
        "deliveries",
        "Deliveries of open dispatches, by state.",
        "state",
        dict.fromkeys(DELIVERIES, 0) | counted,
    )


def _of_signs(found: Signs) -> Iterator[Metric]:
    yield _by("queue_jobs", "Jobs that wait in a queue.", "queue", found.jobs)
    yield _by("queue_workers", "Workers that take jobs from a queue.", "queue", found.workers)
    for sign, what in ((signs.BEAT, "beat ticked"), (signs.SWEEP, "a sweep came to its end")):
        age = found.ages.get(sign)
        if age is not None:  # never, so that there is no number for it
            yield _one(f"{sign}_age_seconds", f"Since {what} for the last time.", age)


def _of_relays(relays: Sequence[Standing]) -> Iterator[Metric]:
    yield _by(
        "relay_away_seconds",
        "For how long some worker leaves a relay alone yet; 0 if none does.",
        "relay",
        {each.relay: each.away_seconds for each in relays},
    )
    imposed = GaugeMetricFamily(
        "dispatcher_relay_imposed_limit",
        "Letters a second that a relay's refusals have brought about, by group of domains.",
        labels=["relay", "group"],
    )
    for each in relays:
        for group, limit in each.imposed.items():
            imposed.add_metric([each.relay, group], limit)
    yield imposed


def _alarms(known: Facts) -> Metric:
    judged = {alarms.Name.POSTGRESQL_AWAY, alarms.Name.VALKEY_AWAY}
    judged |= alarms.OF_ROWS if known.rows is not None else set()
    judged |= alarms.OF_SIGNS if known.signs is not None else set()
    rings = {alarm.name for alarm in alarms.judge(known)}
    return _by(
        "alarm",
        "1 while an alarm rings; absent while it cannot be judged. `dispatcher doctor` says the rest.",
        "name",
        {name.replace(" ", "_"): name in rings for name in sorted(judged)},
    )


def _by(name: str, what: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(f"dispatcher_{name}", what, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family


def _one(name: str, what: str, value: float) -> Metric:
    return GaugeMetricFamily(f"dispatcher_{name}", what, value=value)
