"""Trials that strike workers: killed, asked to end, or stopped in their tracks."""

from __future__ import annotations

import time

from bench.chaos.crew import ROUTINE, URGENT
from bench.chaos.ground import LEASE_SECONDS
from bench.chaos.round import Round
from bench.chaos.trials import trial

SQL_CARRYING = (
    "SELECT count(*) FROM dispatcher_delivery WHERE dispatch_id = %s AND state = 'carrying'"
)


@trial("kill -9 of one process that carries")
def kill_one(this: Round) -> None:
    this.release()
    this.wait_for_share(0.1, 0.8)
    this.strike(lambda: this.crew.kill_child(ROUTINE, this.chance))


@trial("kill -9 of a worker's main process; a supervisor starts it again")
def kill_main(this: Round) -> None:
    this.release()
    this.wait_for_share(0.1, 0.8)
    this.strike(lambda: this.crew.kill_main(ROUTINE))
    this.pause(0.2, 2.0)
    this.crew.start()


@trial("kill -9 of every process of every worker, started again")
def kill_all(this: Round) -> None:
    this.release()
    this.release(urgent=True)
    this.wait_for_share(0.1, 1.5)
    this.strike(this.crew.kill_all)
    this.pause(0.1, 1.0)
    this.crew.start()


@trial("five kills in one dispatch, of whatever is at work")
def five_kills(this: Round) -> None:
    this.slow_down()
    is_urgent = this.chance.random() < 0.3
    this.release(urgent=is_urgent)
    at_work, idle = (URGENT, ROUTINE) if is_urgent else (ROUTINE, URGENT)
    share = 0.0
    for _ in range(5):
        share += this.chance.uniform(0.05, 0.15)
        this.wait_for_share(share)
        name = this.chance.choice((at_work, at_work, at_work, idle))
        blow = this.chance.choice(
            (lambda: this.crew.kill_child(name, this.chance), lambda: this.crew.kill_whole(name))  # noqa: B023
        )
        this.strike(blow)
        this.pause(0.0, 0.5)
        this.crew.start()


@trial("SIGTERM: the worker drains, nothing is in doubt")
def sigterm(this: Round) -> None:
    dispatch = this.release()
    this.wait_for_share(0.1, 0.7)
    seconds = this.crew.terminate(ROUTINE)
    ((carrying,),) = this.engines.rows(SQL_CARRYING, dispatch)
    this.must(carrying == 0, f"{carrying} letters were left in the hands of a drained worker")
    this.must(seconds < 30, f"draining took {seconds:.0f} s")
    this.crew.start()


@trial("SIGSTOP of a worker until another has its batches, then SIGCONT")
def zombie(this: Round) -> None:
    this.release()
    this.wait_for_share(0.1, 0.6)
    stopped = this.crew.children(ROUTINE)
    held = stopped[: this.chance.choice((1, len(stopped)))]

    def stop() -> None:
        for process in held:
            process.suspend()

    this.strike(stop, spares_connections=True)
    try:
        time.sleep(LEASE_SECONDS + this.chance.uniform(6.0, 10.0))
    finally:
        for process in held:
            process.resume()
