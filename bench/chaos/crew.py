"""The workers and beat of a trial, as an operator's supervisor would run them; and how they are struck."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import psutil
from redis.exceptions import RedisError

from dispatcher import queue
from dispatcher.local.processes import Processes

ROUTINE = "routine"
URGENT = "urgent"
WORKERS = {ROUTINE: ("routine", "2"), URGENT: ("urgent,upkeep", "1")}
QUEUES = {"routine", "urgent", "upkeep"}  # calls to strangers' servers are no part of a trial
CELERY = (sys.executable, "-m", "celery", "-A", "workers")
READY_SECONDS = 60.0


class Crew:
    """One routine worker with two processes, one urgent with one, and a beat. `stop` ends them all."""

    def __init__(self, logs: Path, environment: Mapping[str, str]) -> None:
        self._logs = logs
        self._environment = environment
        self._each: dict[str, Processes] = {}

    def start(self) -> None:
        """Start whatever does not run, and wait until their queues are consumed."""
        for name, (queues, processes) in WORKERS.items():
            self._revive(
                name,
                *(*CELERY, "worker", "--loglevel", "INFO", "--without-gossip", "--without-mingle"),
                *("-n", f"{name}@%h", "-Q", queues, "-c", processes),
            )
        self.start_beat("beat")
        deadline = time.monotonic() + READY_SECONDS
        while _consumed() != QUEUES:
            if time.monotonic() > deadline:
                raise TimeoutError(f"The workers did not come up; see {self._logs}.")
            time.sleep(0.1)

    def start_beat(self, name: str) -> None:
        schedule = str(self._logs / f"{name}-schedule")
        self._revive(name, *CELERY, "beat", "--loglevel", "INFO", "--schedule", schedule)

    def stop(self, *names: str) -> None:
        """End these with SIGTERM and wait, or all; repeats do nothing."""
        for name in names or tuple(self._each):
            if name in self._each:
                self._each.pop(name).stop(grace=30)

    def main(self, name: str) -> psutil.Process:
        return psutil.Process(self._each[name].pids()[0])

    def children(self, name: str) -> list[psutil.Process]:
        """The processes that do the work: those that the main one forked."""
        with suppress(psutil.NoSuchProcess):
            return list(self.main(name).children())
        return []

    def kill_child(self, name: str, chance: random.Random) -> None:
        """kill -9 of one process that does the work."""
        chance.choice(self.children(name)).kill()

    def kill_main(self, name: str) -> None:
        """kill -9 of the worker itself; its children are on their own from then on."""
        self._end(self.main(name))

    def kill_all(self) -> None:
        """kill -9 of every process of every worker, in one moment."""
        for name in WORKERS:
            self.kill_whole(name)

    def kill_whole(self, name: str) -> None:
        """kill -9 of a worker with all that it forked, as a container is killed."""
        with suppress(ProcessLookupError, psutil.NoSuchProcess):
            main = self.main(name)
            os.killpg(main.pid, signal.SIGKILL)
            self._end(main)

    def _end(self, main: psutil.Process) -> None:
        """Killed and seen to be, so that it is known to be missing."""
        main.kill()
        main.wait(10)

    def terminate(self, name: str, *, seconds: float = 60.0) -> float:
        """SIGTERM, as every deployment sends; how long the worker took to end."""
        began = time.monotonic()
        main = self.main(name)
        main.terminate()
        main.wait(seconds)
        return time.monotonic() - began

    def _revive(self, name: str, *argv: str) -> None:
        if name in self._each:
            self._each[name].revive()
        else:
            self._each[name] = Processes(self._logs, self._environment)
            self._each[name].start(name, *argv)


def _consumed() -> set[str]:
    # The connection may be one from before Valkey was killed.
    with suppress(RedisError, OSError):
        return queue.consumed()
    return set()
