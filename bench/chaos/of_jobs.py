"""Trials of the queue: jobs that come twice, beats that are two."""

from __future__ import annotations

import time

from bench.chaos.round import Round
from bench.chaos.trials import trial
from dispatcher import queue
from dispatcher.mailing.models import Dispatch

POSTS = 30
SQL_BATCHES = "SELECT id FROM dispatcher_batch WHERE dispatch_id = %s"
LANES = tuple(Dispatch.Lane.values)


@trial("every job delivered many times, to every lane")
def jobs_twice(this: Round) -> None:
    dispatch = this.release()
    for _ in range(POSTS):
        batches = [pk for (pk,) in this.engines.rows(SQL_BATCHES, dispatch)]
        for batch in this.chance.sample(batches, min(len(batches), 10)):
            queue.carry(batch, lane=this.chance.choice(LANES))
        queue.match(dispatch, lane=this.chance.choice(LANES))
        this.pause(0.0, 0.1)


@trial("two beats at once")
def two_beats(this: Round) -> None:
    this.crew.start_beat("second-beat")
    try:
        this.release()
        this.wait_until_done()
        time.sleep(6.0)  # long enough for both to have swept over it
    finally:
        this.crew.stop("second-beat")
