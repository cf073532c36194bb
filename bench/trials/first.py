"""The first letter: from the call of `release` until the relay has taken a letter, by the relay's clock.

One million readers; three of the sixty topics, which about 180,000 follow, spread over all of them. Each
dispatch is called off as soon as its first letter is there. `few` is the same with ten thousand readers.
"""

from __future__ import annotations

import time

from bench import filling, letter, releasing, services
from bench.running import Bench
from bench.services import NotingSink
from dispatcher.local.processes import Processes
from dispatcher.mailing import dispatching

TITLE = "First letter among a million readers"
KEYS = ("first_letter_s_1m",)


def run(bench: Bench) -> None:
    """The median of the rounds, with workers that have carried letters before."""
    measure(bench, readers=bench.sizes.many, name="first_1m")


def measure(bench: Bench, *, readers: int, name: str) -> None:
    """Seconds to the first letter in a database of that many readers, once a round."""
    bench.ground.use(readers)
    some = filling.of_size(bench.sizes.warm_up)
    with (
        services.noting_sink(bench.ground.folder) as sink,
        services.workers(bench.ground.folder, sink.relay.url) as processes,
    ):
        releasing.run((some,), processes, size=bench.sizes.letter)
        for number in range(1, bench.sizes.rounds + 1):
            release, first = _first(bench, sink, processes)
            bench.book.add(f"{name}_release", release)
            bench.book.add(name, first)
            bench.say(f"  round {number}: {first:.3f} s, of which release {release:.3f} s")


def _first(bench: Bench, sink: NotingSink, processes: Processes) -> tuple[float, float]:
    """Seconds until `release` returned, and until the first letter was taken."""
    brief = letter.make_brief(filling.AUDIENCE, size=bench.sizes.letter)
    end, before = sink.end(), sink.accepted()
    began_at = time.time()
    dispatch = dispatching.release(brief, by=letter.BY)
    released_at = time.time()
    releasing.until(lambda: sink.accepted() > before, what="the first letter")
    first = min(each.at for each in sink.letters(after=end))
    processes.check()
    releasing.call_off(dispatch.pk)
    return released_at - began_at, first - began_at
