"""A real web process on the test's database, which can be taken away from it; and a client that sees all."""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.db import connection
from prometheus_client.parser import text_string_to_metric_families
from psycopg.conninfo import make_conninfo

from dispatcher.local.processes import Processes, answers, free_port
from dispatcher.local.stack import web_server

ROOT = Path(__file__).parents[2]
HOST = "news.example.org"
_TOKEN = "a token of the tests for metrics, long enough"
_SOCKET = ".s.PGSQL.5432"


@dataclass(frozen=True, slots=True)
class Got:
    status: int
    headers: dict[str, str]
    body: bytes


class Web:
    """The process, by its port."""

    def __init__(self, port: int, processes: Processes, host: str) -> None:
        self._port = port
        self._host = host
        self._processes = processes

    @property
    def url(self) -> str:
        """Where browsers and feed readers of this machine reach it."""
        return f"http://127.0.0.1:{self._port}"

    def get(self, path: str, *, method: str = "GET", **headers: str) -> Got:
        """One request on a connection of its own; `If_None_Match` is the header of that name."""
        link = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            link.request(method, path, headers={"Host": self._host} | named)
            answer = link.getresponse()
            got = {name.lower(): value for name, value in answer.getheaders() if name != "date"}
            return Got(answer.status, got, answer.read())
        finally:
            link.close()

    def said(self) -> str:
        """Its log."""
        return self._processes.said("web")

    def counted(self, by: str) -> float:
        """How many answers at feeds came from there, as Prometheus is told."""
        return sum(number for labels, number in self._counted() if labels["by"] == by)

    def answered(self) -> dict[int, int]:
        """How many answers at feeds there were, by status."""
        found: Counter[int] = Counter()
        for labels, number in self._counted():
            found[int(labels["status"])] += int(number)
        return dict(found)

    def _counted(self) -> list[tuple[dict[str, str], float]]:
        told = self.get("/metrics", Authorization=f"Bearer {_TOKEN}")
        assert told.status == 200
        families = text_string_to_metric_families(told.body.decode())
        return [
            (sample.labels, sample.value)
            for family in families
            for sample in family.samples
            if sample.name == "dispatcher_feed_answers_total"
        ]


def within(seconds: float, is_so: Callable[[], bool]) -> bool:
    """Whether it becomes so in that time."""
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


class Way:
    """The only way from the web process to PostgreSQL: a socket that passes on, or does not."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / _SOCKET
        self._links: list[socket.socket] = []
        self._server: socket.socket | None = None
        self.open()

    def open(self) -> None:
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(self._path))
        self._server.listen(16)
        threading.Thread(target=self._accept, args=(self._server,), daemon=True).start()

    def close(self) -> None:
        """As when PostgreSQL is stopped: connections break, new ones are refused."""
        if self._server is not None:
            with contextlib.suppress(OSError):
                self._server.shutdown(socket.SHUT_RDWR)
            self._server.close()
            self._path.unlink()
            self._server = None
        for link in self._links:
            with contextlib.suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)
        self._links.clear()

    def _accept(self, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = server.accept()
                self._links.append(near)
                threading.Thread(target=self._join, args=(near,), daemon=True).start()

    def _join(self, near: socket.socket) -> None:
        """Pass on both ways until one side ends; then both have."""
        with near, socket.socket(socket.AF_UNIX) as far:
            far.connect(f"{connection.settings_dict['HOST']}/{_SOCKET}")
            back = threading.Thread(target=_pass_on, args=(far, near), daemon=True)
            back.start()
            _pass_on(near, far)
            back.join()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
    for each in (source, target):
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


@contextmanager
def web(folder: Path, *, host: str = "", is_at_home: bool = False) -> Iterator[Web]:
    """Granian as the product starts it, until the block ends. `host` is where it finds PostgreSQL.

    What is at home leads to itself: its PUBLIC_URL is where it is reached.
    """
    given = connection.settings_dict
    port = free_port(0)
    environment = os.environ | {
        "DATABASE_URL": make_conninfo(
            "postgresql://", dbname=given["NAME"], user=given["USER"], host=host or given["HOST"]
        ),
        "PYTHONPATH": str(ROOT),
        "DJANGO_SETTINGS_MODULE": "dispatcher.settings",
        "PROMETHEUS_MULTIPROC_DIR": str(folder / "metrics"),
        "METRICS_TOKEN": _TOKEN,
        "LOG_LEVEL": "INFO",
    }
    if is_at_home:
        environment["PUBLIC_URL"] = f"http://127.0.0.1:{port}"
    with Processes(folder, environment) as processes:
        processes.start(
            "web",
            *web_server("127.0.0.1", port),
        )
        processes.wait_until(lambda: answers(port), what="The web process", seconds=60)
        yield Web(port, processes, f"127.0.0.1:{port}" if is_at_home else HOST)
