"""The workers of the digest trial, by the very commands of the compose file, and how they are killed.

There is no beat, for it would go by the clock of this machine: the driver passes the time, see
`bench.digests`. What died is started again by `start`, as a container engine does it.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from dispatcher import queue
from dispatcher.local.processes import Processes
from tests import compose

WORKERS = ("worker", "worker-urgent")
LEASE_SECONDS = 5
READY_SECONDS = 60.0


class Crew:
    """`worker` and `worker-urgent` with all their processes. `stop` ends them."""

    def __init__(self, logs: Path, relay: str) -> None:
        environment = dict(os.environ) | {
            "RELAY_URL": relay,
            "LEASE_SECONDS": str(LEASE_SECONDS),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        }
        services = compose.services()
        self._each = {name: Processes(logs, environment) for name in WORKERS}
        for name, processes in self._each.items():
            words = [compose.interpolate(word, {}) for word in services[name]["command"]]
            processes.start(name, *words)

    def start(self) -> None:
        """Start again whatever ended, and wait until every queue of theirs is consumed."""
        for processes in self._each.values():
            processes.revive()
        deadline = time.monotonic() + READY_SECONDS
        while queue.consumed() != set(queue.QUEUES) - {queue.OUTBOUND}:
            if time.monotonic() > deadline:
                raise TimeoutError("the workers did not come up")

    def stop(self) -> None:
        for processes in self._each.values():
            processes.stop()

    def kill(self, blow: str, name: str, chance: random.Random) -> None:
        """kill -9 of `one` process that works, of all the `children`, of the `main` one, or of the `whole`."""
        main = psutil.Process(self._each[name].pids()[0])
        children = main.children()
        with suppress(psutil.NoSuchProcess, ProcessLookupError):
            if blow == "one" and children:
                chance.choice(children).kill()
            elif blow == "children":
                for child in children:
                    child.kill()
            elif blow == "main":
                main.kill()
            else:
                os.killpg(main.pid, signal.SIGKILL)
        if blow in {"main", "whole"}:
            with suppress(psutil.NoSuchProcess):
                main.wait(10)


@contextmanager
def crew(folder: Path, relay: str) -> Iterator[Crew]:
    """Both workers, ready; they end with the block."""
    with TemporaryDirectory(dir=folder, prefix="workers-") as logs:
        workers = Crew(Path(logs), relay)
        try:
            workers.start()
            yield workers
        finally:
            workers.stop()
