"""An urgent brief to a thousand readers, on an idle system and in the middle of 200,000 routine letters.

Time runs from the call of `release` until the relay has taken 99 % of them, by the relay's clock.
"""

from __future__ import annotations

import math

from bench import filling, letter, releasing, services
from bench.book import CannotMeasure
from bench.running import Bench
from bench.services import NotingSink
from dispatcher.local.processes import Processes
from dispatcher.mailing import dispatching, ledger

TITLE = "An urgent brief on an idle system and under load"
KEYS = ("urgent_vs_idle",)
_SHARE = 0.99


def run(bench: Bench) -> None:
    """Idle rounds and loaded rounds in turns. Each load is called off when the urgent one is through."""
    bench.ground.use(bench.sizes.many)
    some = filling.of_size(bench.sizes.warm_up)
    with (
        services.noting_sink(bench.ground.folder) as sink,
        services.workers(bench.ground.folder, sink.relay.url) as processes,
    ):
        releasing.run((some,), processes, size=bench.sizes.letter)
        _urgent(bench, sink, processes)  # so that the urgent worker, too, has carried before
        for number in range(1, bench.sizes.rounds + 1):
            idle = _urgent(bench, sink, processes)
            loaded = _loaded(bench, sink, processes)
            bench.book.add("urgent_idle_s", idle)
            bench.book.add("urgent_loaded_s", loaded)
            bench.say(f"  round {number}: idle {idle:.2f} s, under load {loaded:.2f} s")


def _loaded(bench: Bench, sink: NotingSink, processes: Processes) -> float:
    sizes = bench.sizes
    brief = letter.make_brief((filling.of_size(sizes.routine),), size=sizes.letter)
    before = sink.accepted()
    routine = dispatching.release(brief, by=letter.BY)
    flowing = sizes.routine // 40  # the load is on, and by far not over
    releasing.until(lambda: sink.accepted() > before + flowing, what="the load")
    seconds = _urgent(bench, sink, processes)
    sums = ledger.tally(routine.pk)
    releasing.call_off(routine.pk)
    bench.ground.calm()
    if sums.accepted >= sizes.routine:
        raise CannotMeasure("the load was over before the urgent letters were through")
    return seconds


def _urgent(bench: Bench, sink: NotingSink, processes: Processes) -> float:
    """Seconds until all but a hundredth of the urgent letters were taken."""
    sizes = bench.sizes
    end = sink.end()
    done = releasing.run((filling.URGENT,), processes, size=sizes.letter, urgent=True)
    taken = sorted(
        each.at
        for each in sink.letters(after=end)
        if filling.is_urgent(each.recipient, readers=sizes.many, urgent=sizes.urgent)
    )
    if not len(taken) == done.letters == sizes.urgent:
        raise CannotMeasure(f"{len(taken)} urgent letters were taken, not {sizes.urgent}")
    return taken[math.ceil(len(taken) * _SHARE) - 1] - done.began_at
