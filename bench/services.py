"""Our workers as the product starts them, and the sinks that they hand letters to.

Each is a process of its own that ends with its block.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench import sink_notes
from bench.book import CannotMeasure
from dispatcher import queue
from dispatcher.local.processes import Processes, answers, free_port
from dispatcher.local.stack import CARRIERS, NICELY

HOST = "127.0.0.1"
_CELERY = (sys.executable, "-m", "celery", "-A", "workers")
_WORKER = (*_CELERY, "worker", "--without-gossip", "--without-mingle")
_BACKLOG = "1000"


@contextmanager
def workers(folder: Path, relay: str, **environment: str) -> Iterator[Processes]:
    """Workers and beat as `dispatcher up` has them, on the database that Django uses here."""
    environment = dict(os.environ) | {"RELAY_URL": relay} | environment
    with (
        tempfile.TemporaryDirectory(dir=folder, prefix="workers-") as logs,
        Processes(Path(logs), environment) as processes,
    ):
        processes.start(
            "routine", *NICELY, *_WORKER, "-n", "routine@%h", "-Q", "routine", "-c", CARRIERS
        )
        processes.start("urgent", *_WORKER, "-n", "urgent@%h", "-Q", "urgent,upkeep", "-c", "2")
        threads = ("-Q", "outbound", "-P", "threads", "-c", "4")
        processes.start("outbound", *NICELY, *_WORKER, "-n", "outbound@%h", *threads)
        processes.start("beat", *_CELERY, "beat")
        processes.wait_until(
            lambda: queue.consumed() >= set(queue.QUEUES), what="The workers", seconds=60
        )
        yield processes


def carriers(processes: Processes) -> list[psutil.Process]:
    """The processes of the routine worker that carry batches."""
    children: list[psutil.Process] = psutil.Process(processes.pids()[0]).children()
    return children


def peak_mb(pid: int) -> float:
    """The most memory that a process has had so far, in MB (VmHWM, proc(5))."""
    status = Path(f"/proc/{pid}/status").read_text()
    kilobytes = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
    return int(kilobytes) / 1024


def tool(name: str) -> str | None:
    """One of Debian's postfix tools, which stand where only root looks."""
    return shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"]))


@dataclass(frozen=True, slots=True)
class Relay:
    """A sink of this run: its URL, and whose it is."""

    port: int
    name: str

    @property
    def url(self) -> str:
        return f"smtp://{HOST}:{self.port}"


@contextmanager
def fast_sink(folder: Path) -> Iterator[Relay]:
    """Postfix's smtp-sink, which throws letters away as fast as anything; our own where it is not."""
    command = tool("smtp-sink")
    if command is None:
        with noting_sink(folder) as sink:
            yield sink.relay
        return
    privileges = ("-u", "nobody") if os.geteuid() == 0 else ()
    port = free_port(0)
    with (
        tempfile.TemporaryDirectory(dir=folder, prefix="sink-") as logs,
        Processes(Path(logs), os.environ) as processes,
    ):
        processes.start("smtp-sink", command, "-c", *privileges, f"{HOST}:{port}", _BACKLOG)
        processes.wait_until(lambda: answers(port), what="smtp-sink")
        yield Relay(port, "smtp-sink")


class NotingSink:
    """Our own sink: slower, but it notes when it took which letter."""

    def __init__(self, relay: Relay, control: int, notes: Path) -> None:
        self.relay = relay
        self._notes = notes
        self._control = socket.create_connection((HOST, control), timeout=10)
        self._answers = self._control.makefile("r")

    def accepted(self) -> int:
        """How many letters it has taken so far."""
        self._control.sendall(b"{}\n")
        return int(json.loads(self._answers.readline())["accepted"])

    def end(self) -> int:
        """The place where its notes end now, for `letters`."""
        return self._notes.stat().st_size

    def notes(self) -> sink_notes.Notes:
        """All that it noted, connections included."""
        return sink_notes.read(self._notes)

    def letters(self, *, after: int) -> list[sink_notes.Letter]:
        return sink_notes.read(self._notes, after=after).letters

    def close(self) -> None:
        self._answers.close()
        self._control.close()


@contextmanager
def noting_sink(folder: Path, *, chunking: bool = False, slow: float = 0.0) -> Iterator[NotingSink]:
    """`bench.sink` as a process, with its notes; `slow` seconds before each answer."""
    with tempfile.TemporaryDirectory(dir=folder, prefix="sink-") as place:
        notes = Path(place) / "notes"
        with Processes(Path(place), os.environ) as processes:
            options = ("--slow", str(slow), *(("--chunking",) if chunking else ()))
            processes.start(
                "sink", sys.executable, "-m", "bench.sink", "--notes", str(notes), *options
            )
            processes.wait_until(lambda: "}" in processes.said("sink"), what="The sink")
            ports = json.loads(processes.said("sink").splitlines()[0])
            sink = NotingSink(Relay(ports["smtp"], "bench.sink"), ports["control"], notes)
            try:
                yield sink
            finally:
                sink.close()


@contextmanager
def mailbox(folder: Path) -> Iterator[tuple[str, Path]]:
    """The product's own mailbox, which keeps letters: its URL, and the folder where each is a file."""
    with (
        tempfile.TemporaryDirectory(dir=folder, prefix="mailbox-") as place,
        Processes(Path(place), os.environ) as processes,
    ):
        listen = ("--smtp", f"{HOST}:0", "--http", f"{HOST}:0")
        module = ("-m", "dispatcher.local.mailbox", "--folder", f"{place}/kept")
        processes.start("mailbox", sys.executable, *module, *listen)
        processes.wait_until(lambda: "}" in processes.said("mailbox"), what="The mailbox")
        url = json.loads(processes.said("mailbox").splitlines()[0])["smtp"]
        yield url, Path(place) / "kept"


def need(name: str) -> str:
    """The path of a tool. Raises CannotMeasure."""
    path = tool(name)
    if path is None:
        raise CannotMeasure(f"{name} is not here; install Debian's postfix, which need not run")
    return path
