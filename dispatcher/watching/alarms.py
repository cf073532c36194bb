"""What is alarming about the facts, and what to do about it. Above all, silence is.

`judge` is pure: facts in, alarms out. About a source that does not answer nothing is known, so that
itself is the only alarm. Whoever looks makes the judgement: with beat and all workers dead, the desk,
`dispatcher doctor` and /metrics still say so.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from dispatcher import signs
from dispatcher.signs import Signs
from dispatcher.watching import facts
from dispatcher.watching.facts import Facts
from dispatcher.watching.rows import Rows

# Seconds.
BEAT_SILENT = 30.0
SWEEP_SILENT = 60.0
URGENT_WAITS = 60.0
STANDS_STILL = 120.0
QUEUE_STANDS = 300.0
ASKED_AGAIN = 5.0


class Name(StrEnum):
    POSTGRESQL_AWAY = "postgresql away"
    VALKEY_AWAY = "valkey away"
    NO_WORKER = "no worker"
    NO_BEAT = "no beat"
    NO_SWEEP = "no sweep"
    QUEUE_STANDS = "queue stands"
    RELAY_AWAY = "relay away"
    URGENT_WAITS = "urgent waits"
    DISPATCH_STANDS = "dispatch stands"
    BATCH_BREAKS = "batch breaks"
    UNBALANCED = "unbalanced"
    REFUSALS_HELD = "refusals held"


# Which alarms cannot be judged without which source.
OF_SIGNS = frozenset(
    {Name.NO_WORKER, Name.NO_BEAT, Name.NO_SWEEP, Name.QUEUE_STANDS, Name.RELAY_AWAY}
)
OF_ROWS = frozenset(
    {
        Name.URGENT_WAITS,
        Name.DISPATCH_STANDS,
        Name.BATCH_BREAKS,
        Name.UNBALANCED,
        Name.REFUSALS_HELD,
    }
)
# What is to be heard of all the time: the alarm, its sign, the seconds that it may be silent for.
SILENCES = (
    (
        Name.NO_BEAT,
        signs.BEAT,
        BEAT_SILENT,
        "Beat has not ticked",
        "Start it: celery -A workers beat",
    ),
    (
        Name.NO_SWEEP,
        signs.SWEEP,
        SWEEP_SILENT,
        "No sweep has come to its end",
        "It needs beat and a worker on upkeep; if both are there, see that worker's log.",
    ),
)


@dataclass(frozen=True, slots=True)
class Alarm:
    """`about` tells apart alarms of one name. `since` is None where that is not known."""

    name: Name
    about: str
    words: str
    what_to_do: str
    since: datetime | None = None


def ringing() -> tuple[Alarm, ...]:
    """The alarms of this moment, the worst first; asked at most every few seconds, so pages may ask."""
    seen = _seen
    if seen is not None and (time.monotonic() < seen.good_until or _asking.locked()):
        return seen.alarms  # which is a little old while another asks
    with _asking:
        if _seen is None or time.monotonic() >= _seen.good_until:
            _see(judge(facts.gather()))
        assert _seen  # noqa: S101
        return _seen.alarms


def judge(known: Facts) -> tuple[Alarm, ...]:
    """All alarms that these facts give, the worst first."""
    return (*_of_sources(known), *_of_rows(known), *_of_signs(known), *_of_relays(known))


def _of_sources(known: Facts) -> Iterator[Alarm]:
    if known.rows is None:
        yield Alarm(
            Name.POSTGRESQL_AWAY,
            "",
            "PostgreSQL does not answer.",
            "Start it or mend DATABASE_URL; what was in hand goes on from its rows.",
        )
    if known.signs is None:
        yield Alarm(
            Name.VALKEY_AWAY,
            "",
            "Valkey does not answer.",
            "Start it or mend REDIS_URL; the sweep posts again what was in it.",
        )


def _of_rows(known: Facts) -> Iterator[Alarm]:
    rows = known.rows
    if rows is None:
        return
    for dispatch, seconds in rows.urgent.items():
        if seconds >= URGENT_WAITS:
            yield Alarm(
                Name.URGENT_WAITS,
                f"dispatch {dispatch}",
                f"Urgent dispatch {dispatch} was released {_span(seconds)} ago, and no letter of it has"
                " been accepted.",
                "See the other alarms, then the relay and the log of the worker on urgent.",
                known.at - timedelta(seconds=seconds),
            )
    yield from _standing(known, rows)
    for broken in rows.broken:
        yield Alarm(
            Name.BATCH_BREAKS,
            f"batch {broken.batch}",
            f"Batch {broken.batch} of dispatch {broken.dispatch} broke down {broken.times} times in a"
            f" row: {broken.words}",
            "The worker's log has the whole of it, in the lines that name the batch.",
        )
    for dispatch, seconds in rows.unbalanced.items():
        if seconds >= SWEEP_SILENT:
            yield Alarm(
                Name.UNBALANCED,
                f"dispatch {dispatch}",
                f"Dispatch {dispatch} has sent all its batches, but is not done.",
                f"See whether its ledger balances: dispatcher dispatch show {dispatch}",
                known.at - timedelta(seconds=seconds),
            )

    yield from _held(rows)


def _held(rows: Rows) -> Iterator[Alarm]:
    """Fuses that have blown, until staff decide."""
    for blown in rows.blown:
        sending = f"dispatch {blown.dispatch}" if blown.dispatch else f"digest run {blown.run}"
        yield Alarm(
            Name.REFUSALS_HELD,
            f"fuse {blown.fuse}",
            f"The relay {blown.relay} refused {blown.refused:,} of {blown.handed_over:,} letters of"
            f" {sending} for their readers' mailboxes: too many to be believed. Nobody is suppressed"
            " for it yet.",
            "See what it said and decide, at the desk under Readers, Came back, or with"
            f" `dispatcher bounces dismiss {blown.fuse}` (its fault) or `believe {blown.fuse}`.",
            blown.at,
        )


def _standing(known: Facts, rows: Rows) -> Iterator[Alarm]:
    """Dispatches with work that is due and nobody at it, neither in their lane nor lately."""
    waits = {
        due.dispatch: due.for_seconds
        for due in rows.due
        if not rows.in_hand.get(due.lane) and not _works(known.signs, due.lane)
    }
    for dispatch, seconds in {**rows.beginning, **waits}.items():
        if seconds >= STANDS_STILL:
            yield Alarm(
                Name.DISPATCH_STANDS,
                f"dispatch {dispatch}",
                f"Dispatch {dispatch} has stood still for {_span(seconds)}, with work that is due.",
                "See that a worker takes its lane's queue and that sweeps are made; then its log.",
                known.at - timedelta(seconds=seconds),
            )


def _of_signs(known: Facts) -> Iterator[Alarm]:
    if known.signs is None:
        return
    for queue, number in known.signs.workers.items():
        if not number and known.signs.up_for > signs.PRESENT_SECONDS:
            yield Alarm(
                Name.NO_WORKER,
                queue,
                f"No worker takes jobs from the queue {queue}.",
                f"Start one: celery -A workers worker -Q {queue}",
            )
    for name, sign, limit, words, what_to_do in SILENCES:
        age, silence = known.signs.ages.get(sign), _silence(known.signs, sign)
        if silence >= limit:
            ago = f"for {_span(age)}" if age is not None else "at all"
            since = known.at - timedelta(seconds=age) if age is not None else None
            yield Alarm(name, "", f"{words} {ago}.", what_to_do, since)
    for queue, jobs in known.signs.jobs.items():
        silent = _silence(known.signs, signs.taken_from(queue))
        is_at_work = known.rows is not None and known.rows.in_hand.get(queue)
        if jobs and known.signs.workers.get(queue) and not is_at_work and silent >= QUEUE_STANDS:
            yield Alarm(
                Name.QUEUE_STANDS,
                queue,
                f"{jobs:,} jobs wait in {queue}, and none has come to its end for {_span(silent)}.",
                "Its worker is there and does not work: see its log, then start it anew.",
                known.at - timedelta(seconds=silent),
            )


def _of_relays(known: Facts) -> Iterator[Alarm]:
    away = [relay for relay in known.relays if relay.away_words]
    is_last = len(away) == len(known.relays)
    for relay in away:
        yield Alarm(
            Name.RELAY_AWAY,
            relay.relay,
            f"The relay {relay.relay} is left alone for {_span(relay.away_seconds)} more:"
            f" {relay.away_words}",
            "No other is left, so letters wait for it; dispatcher doctor asks each relay."
            if is_last
            else "Its letters go by the next one; dispatcher doctor asks each relay.",
        )


def _silence(found: Signs, sign: str) -> float:
    """Seconds without that sign; a Valkey that lost its data can have none from before its start."""
    age = found.ages.get(sign)
    return found.up_for if age is None else age


def _works(found: Signs | None, lane: str) -> bool:
    return found is not None and _silence(found, signs.taken_from(lane)) < STANDS_STILL


def _span(seconds: float) -> str:
    """`45 s`, `12 min`, `3 h`, `2 days`."""
    for size, unit in ((86_400, "days"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


@dataclass(frozen=True, slots=True)
class _Seen:
    good_until: float
    alarms: tuple[Alarm, ...]


_asking = threading.Lock()
_seen: _Seen | None = None


def _see(alarms: tuple[Alarm, ...]) -> None:
    global _seen  # noqa: PLW0603  of this process
    _seen = _Seen(time.monotonic() + ASKED_AGAIN, alarms)
