"""Trials of the desk's verbs while letters go out."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter

from bench.chaos.ground import BATCH_SIZE
from bench.chaos.round import BY, Broken, Round
from bench.chaos.trials import trial
from dispatcher.mailing import dispatching
from dispatcher.mailing.models import Dispatch

STOPS_WITHIN = 1.5  # seconds: a batch in hand looks every second
QUIET = 3.0


@trial("two releases of one brief at the same moment")
def two_releases(this: Round) -> None:
    brief = this.brief()
    command = (sys.executable, "-m", "bench.chaos.releasing", str(brief.pk))
    both = [
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ
        )
        for _ in range(2)
    ]
    try:
        for each in both:
            assert each.stdout
            if each.stdout.readline() != "ready\n":
                raise Broken("a process that should release did not start")
        for each in both:
            assert each.stdin
            each.stdin.write("go\n")
            each.stdin.flush()
        answers = [each.communicate(timeout=30)[0].strip() for each in both]
    finally:
        for each in both:
            each.kill()
            each.wait()
    for dispatch in Dispatch.objects.filter(brief=brief).values_list("pk", flat=True):
        this.watch(dispatch, brief)
    this.must(len(this.dispatches) == 1, f"{len(this.dispatches)} dispatches of one brief")
    kinds = Counter(answer.partition(" ")[0] for answer in answers)
    this.must(kinds == {"released": 1, "AlreadyReleased": 1}, f"the answers were {answers}")


@trial("paused and resumed in flight")
def pause_resume(this: Round) -> None:
    this.slow_down()
    dispatch = this.release()
    for share in (0.2, 0.5):
        this.wait_for_share(share, share + 0.2)
        dispatching.pause(dispatch, by=BY)
        _must_be_still(this, "paused")
        dispatching.resume(dispatch, by=BY)


@trial("cancelled in flight; a new release goes to the rest")
def cancel(this: Round) -> None:
    this.slow_down()
    brief = this.brief()
    dispatch = this.release(brief)
    this.wait_for_share(0.1, 0.7)
    dispatching.cancel(dispatch, by=BY)
    this.cancelled.add(dispatch)
    _must_be_still(this, "cancelled")
    if not this.is_distant:
        this.relay.set(slow=0.0)
        this.release(brief)


def _must_be_still(this: Round, word: str) -> None:
    """Nothing is mailed a second after, and no more than a batch for each connection before then."""
    at, before = time.time(), this.sent()
    time.sleep(QUIET)
    late = [letter for letter in this.relay.notes(after=this.place).letters if letter.at > at]
    slowest = max((letter.at - at for letter in late), default=0.0)
    most = Counter(letter.connection for letter in late)
    this.must(slowest <= STOPS_WITHIN, f"a letter went {slowest:.1f} s after it was {word}")
    this.must(
        max(most.values(), default=0) <= BATCH_SIZE,
        f"{most.most_common(1)} letters of one connection after it was {word}",
    )
    this.must(before < len(this.people.audience), f"all had gone before it was {word}")
