"""An urgent brief to a thousand readers, on an idle system and in the middle of 200,000 routine letters.

Time runs from the call of `release` until the relay has answered 99 % of them, as the ledger has it for each
letter. The relay is `smtp-sink`: one of our own would be the bottleneck, and its queue what is measured.
"""

from __future__ import annotations

import math

from bench import filling, letter, releasing, services
from bench.book import CannotMeasure
from bench.running import Bench
from dispatcher.local.processes import Processes
from dispatcher.mailing import dispatching, ledger
from dispatcher.mailing.models import Delivery

TITLE = "An urgent brief on an idle system and under load"
KEYS = ("urgent_vs_idle",)
_SHARE = 0.99


def run(bench: Bench) -> None:
    """Idle rounds and loaded rounds in turns. Each load is called off when the urgent one is through."""
    bench.ground.use(bench.sizes.many)
    some = filling.of_size(bench.sizes.warm_up)
    with (
        services.fast_sink(bench.ground.folder) as relay,
        services.workers(bench.ground.folder, relay.url) as processes,
    ):
        releasing.run((some,), processes, size=bench.sizes.letter)
        _urgent(bench, processes)  # so that the urgent worker, too, has carried before
        for number in range(1, bench.sizes.rounds + 1):
            idle = _urgent(bench, processes)
            loaded = _loaded(bench, processes)
            bench.book.add("urgent_idle_s", idle)
            bench.book.add("urgent_loaded_s", loaded)
            bench.say(f"  round {number}: idle {idle:.2f} s, under load {loaded:.2f} s")


def _loaded(bench: Bench, processes: Processes) -> float:
    sizes = bench.sizes
    brief = letter.make_brief((filling.of_size(sizes.routine),), size=sizes.letter)
    routine = dispatching.release(brief, by=letter.BY)
    flowing = sizes.routine // 40  # the load is on, and by far not over
    accepted = Delivery.objects.filter(dispatch=routine, state=Delivery.State.ACCEPTED)
    releasing.until(lambda: accepted.count() > flowing, what="the load", look=0.1)
    seconds = _urgent(bench, processes)
    sums = ledger.tally(routine.pk)
    releasing.call_off(routine.pk)
    bench.ground.calm()
    if sums.accepted >= sizes.routine:
        raise CannotMeasure("the load was over before the urgent letters were through")
    return seconds


def _urgent(bench: Bench, processes: Processes) -> float:
    """Seconds until all but a hundredth of the urgent letters were accepted."""
    done = releasing.run((filling.URGENT,), processes, size=bench.sizes.letter, urgent=True)
    if done.letters != bench.sizes.urgent:
        raise CannotMeasure(f"{done.letters} urgent letters went out, not {bench.sizes.urgent}")
    rows = Delivery.objects.filter(dispatch=done.dispatch).order_by("settled_at")
    rank = math.ceil(done.letters * _SHARE) - 1
    answered_at = rows.values_list("settled_at", flat=True)[rank]
    assert answered_at
    return answered_at.timestamp() - done.began_at
