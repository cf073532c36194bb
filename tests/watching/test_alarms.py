"""Which facts ring which alarm, and which do not. Facts in, alarms out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dispatcher import queue, signs
from dispatcher.relays.standing import Standing
from dispatcher.signs import Signs
from dispatcher.watching import alarms
from dispatcher.watching.alarms import Alarm, Name
from dispatcher.watching.facts import Facts
from dispatcher.watching.rows import Blown, Broken, Due, Rows

AT = datetime(2026, 3, 2, 14, 5, tzinfo=UTC)
QUIET = Rows(urgent={}, beginning={}, unbalanced={}, due=(), in_hand={}, broken=(), dispatches={})
ALIVE = Signs(
    jobs=dict.fromkeys(queue.QUEUES, 0),
    workers=dict.fromkeys(queue.QUEUES, 1),
    ages={signs.BEAT: 2.0, signs.SWEEP: 2.0, signs.taken_from("routine"): 2.0},
    up_for=3_600.0,
)


def rung(rows: Rows | None = QUIET, found: Signs | None = ALIVE) -> list[Alarm]:
    return list(alarms.judge(Facts(AT, rows, found)))


def names(rows: Rows | None = QUIET, found: Signs | None = ALIVE) -> list[Name]:
    return [alarm.name for alarm in rung(rows, found)]


def aged(**ages: float | None) -> Signs:
    return replace(ALIVE, ages={**ALIVE.ages, **ages})


def test_nothing_rings_while_all_is_well() -> None:
    assert rung() == []


def test_every_alarm_says_what_it_is_and_what_to_do() -> None:
    rows = replace(
        QUIET,
        urgent={4: 90.0},
        beginning={5: 600.0},
        unbalanced={6: 600.0},
        broken=(Broken(12, 4, 3, "ValueError('x')"),),
        blown=(Blown(3, 4, None, "one:25", 400, 390, AT),),
    )
    silent = replace(
        ALIVE,
        jobs={"routine": 9},
        workers={"routine": 1, "urgent": 0},
        ages={},
    )
    away = Standing("one:25", 25.0, "Connection refused", {})
    found = [*alarms.judge(Facts(AT, rows, silent, (away,))), *rung(None, None)]
    assert {alarm.name for alarm in found} == set(Name)
    for alarm in found:
        assert not alarm.words[0].islower()
        assert alarm.what_to_do
        assert alarm.since is None or alarm.since <= AT


@pytest.mark.parametrize(
    ("sign", "limit", "name"), [("beat", 30.0, Name.NO_BEAT), ("sweep", 60.0, Name.NO_SWEEP)]
)
def test_silence_rings_at_its_limit_and_not_before(sign: str, limit: float, name: Name) -> None:
    assert names(found=aged(**{sign: limit - 0.1})) == []
    (alarm,) = rung(found=aged(**{sign: limit}))
    assert (alarm.name, alarm.since) == (name, AT - timedelta(seconds=limit))


def test_a_sign_that_was_never_seen_rings_once_it_could_have_been() -> None:
    never = replace(aged(beat=None), up_for=20.0)
    assert names(found=never) == []
    (alarm,) = rung(found=replace(never, up_for=31.0))
    assert (alarm.name, alarm.since) == (Name.NO_BEAT, None)
    assert alarm.words == "Beat has not ticked at all."


def test_a_queue_without_a_worker_rings_once_workers_had_the_time_to_say_that_they_are_there() -> (
    None
):
    without = replace(ALIVE, workers={**ALIVE.workers, "urgent": 0})
    (alarm,) = rung(found=without)
    assert (alarm.name, alarm.about) == (Name.NO_WORKER, "urgent")
    assert "-Q urgent" in alarm.what_to_do
    assert names(found=replace(without, up_for=5.0)) == []


def test_of_a_source_that_does_not_answer_nothing_else_is_known() -> None:
    assert names(rows=None) == [Name.POSTGRESQL_AWAY]
    assert names(found=None) == [Name.VALKEY_AWAY]


def test_an_urgent_brief_without_a_letter_rings_after_a_minute() -> None:
    assert names(replace(QUIET, urgent={4: 59.0})) == []
    (alarm,) = rung(replace(QUIET, urgent={4: 61.0}))
    assert (alarm.name, alarm.about) == (Name.URGENT_WAITS, "dispatch 4")
    assert alarm.since == AT - timedelta(seconds=61)


def due(**fields: Any) -> Rows:
    made = Due(dispatch=4, lane="routine", batches=3, for_seconds=600.0, left_behind=0)
    return replace(QUIET, due=(replace(made, **fields),))


QUEUE_SILENT = aged(**{signs.taken_from("routine"): 600.0})


def test_a_dispatch_with_due_work_and_nobody_at_it_stands_still() -> None:
    assert names(due(), QUEUE_SILENT) == [Name.DISPATCH_STANDS]
    assert names(due(), None) == [Name.VALKEY_AWAY, Name.DISPATCH_STANDS]


def test_a_dispatch_that_waits_for_another_of_its_lane_does_not_stand_still() -> None:
    assert names(due()) == [], "a job of its lane has just ended"
    assert names(replace(due(), in_hand={"routine": 1}), QUEUE_SILENT) == []
    assert names(replace(due(), in_hand={"urgent": 1}), QUEUE_SILENT) == [Name.DISPATCH_STANDS]
    assert names(due(for_seconds=30.0), QUEUE_SILENT) == []


def test_a_dispatch_whose_audience_is_never_looked_for_stands_still() -> None:
    assert names(replace(QUIET, beginning={4: 119.0})) == []
    assert names(replace(QUIET, beginning={4: 121.0})) == [Name.DISPATCH_STANDS]


def test_jobs_that_wait_while_none_is_taken_ring_unless_one_is_being_worked_on() -> None:
    waiting = replace(QUEUE_SILENT, jobs={"routine": 40})
    (alarm,) = rung(found=waiting)
    assert alarm.words == "40 jobs wait in routine, and none has come to its end for 10 min."
    assert names(replace(QUIET, in_hand={"routine": 1}), waiting) == []
    assert names(found=replace(QUEUE_SILENT, jobs={"routine": 0})) == []


def test_a_relay_that_is_left_alone_rings_and_it_is_said_whether_another_is_left() -> None:
    away = Standing("one:25", 25.0, "Connection refused", {})
    other = Standing("two:25", 0.0, "", {"gmail": 5.0})
    (alarm,) = alarms.judge(Facts(AT, QUIET, ALIVE, (away, other)))
    assert (alarm.name, alarm.about) == (Name.RELAY_AWAY, "one:25")
    assert alarm.words == "The relay one:25 is left alone for 25 s more: Connection refused"
    assert "by the next one" in alarm.what_to_do
    (alarm,) = alarms.judge(Facts(AT, QUIET, ALIVE, (away,)))
    assert "No other is left" in alarm.what_to_do
    assert not alarms.judge(Facts(AT, QUIET, ALIVE, (other,)))


def test_a_dispatch_that_is_sent_and_not_done_rings_when_the_sweep_had_its_time() -> None:
    assert names(replace(QUIET, unbalanced={4: 5.0})) == []
    assert names(replace(QUIET, unbalanced={4: 65.0})) == [Name.UNBALANCED]
