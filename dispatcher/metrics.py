"""What every process counts for Prometheus: letters, batches, jobs; a few writes to memory per batch.

With PROMETHEUS_MULTIPROC_DIR all processes of a machine count into files of that folder, and whoever is
asked adds them up; without it, each knows only itself. What a dead process has counted is kept, or sums
would fall and Prometheus would take that for a fresh start. What rows and queues say is not counted here.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import secrets
import struct
import threading
from collections import Counter as Tally
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from django.conf import settings
from prometheus_client import CollectorRegistry, Counter, Histogram, Metric, values
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector

log = logging.getLogger(__name__)

_GONE = "gone"  # the owner of what the dead have counted


class Counted(Protocol):
    """An outcome of a letter, as far as it is counted."""

    @property
    def relay(self) -> str: ...

    @property
    def result(self) -> str: ...


class _Folder:
    """The files of all processes. Each holds a lock for its life, so that the dead are known.

    Such a lock (fcntl(2)) is not inherited by a fork, ends with its process however that ends, and holds
    between containers that share the folder, where process ids say nothing.
    """

    def __init__(self, path: Path) -> None:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = path
        self._lock = threading.Lock()
        self._own_pid = 0
        self._own_name = ""
        self._own_life: int | None = None
        self.name()

    def name(self) -> str:
        """The name of this process, another one after a fork."""
        if self._own_pid != os.getpid():
            with self._locked():
                self._own_name = f"{os.getpid()}-{secrets.token_hex(4)}"
                self._own_life = _open(self._life(self._own_name))
                fcntl.lockf(self._own_life, fcntl.LOCK_EX)
            self._own_pid = os.getpid()
        return self._own_name

    def collect(self) -> Iterator[Metric]:
        """The sums over all processes, dead ones too."""
        own = self.name()
        with self._locked():
            self._bury_dead(own)
            yield from MultiProcessCollector(None, path=str(self._path)).collect()

    def bury_dead(self) -> None:
        """Add what dead processes have counted to the file that is kept, and remove theirs."""
        own = self.name()
        with self._locked():
            self._bury_dead(own)

    def _bury_dead(self, own: str) -> None:
        living = {own, _GONE}
        for life in self._path.glob("*.life"):
            if life.stem != own and _is_locked(life):
                living.add(life.stem)
        for file in sorted(self._path.glob("*.db")):
            kind, _, owner = file.stem.partition("_")
            if owner not in living:
                _add(file, to=self._path / f"{kind}_{_GONE}.db")
                file.unlink()
        for life in self._path.glob("*.life"):
            if life.stem not in living:
                life.unlink()

    def _life(self, name: str) -> Path:
        return self._path / f"{name}.life"

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._lock:  # the lock of the file is the process's, so threads need one of their own
            handle = _open(self._path / "lock")
            try:
                fcntl.lockf(handle, fcntl.LOCK_EX)
                yield
            finally:
                os.close(handle)


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _is_locked(path: Path) -> bool:
    handle = _open(path)
    try:
        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    else:
        return False
    finally:
        os.close(handle)


def _add(file: Path, *, to: Path) -> None:
    kept = MmapedDict(str(to))
    try:
        for key, value, _, _ in MmapedDict.read_all_values_from_file(str(file)):
            json.loads(key)
            kept.write_value(key, kept.read_value(key)[0] + value, 0.0)
    except (RuntimeError, ValueError, struct.error):  # cut short, as by a full disk
        log.warning("%s is damaged; what stands before the damage counts", file.name)
    finally:
        kept.close()


def _folder() -> _Folder | None:
    """The folder, and prometheus_client told of it, which chooses once for the life of a process."""
    if not settings.PROMETHEUS_MULTIPROC_DIR:
        return None
    try:
        folder = _Folder(Path(settings.PROMETHEUS_MULTIPROC_DIR))
    except OSError as fault:  # a folder that cannot be used must not keep letters from going out
        log.warning(
            "PROMETHEUS_MULTIPROC_DIR cannot be used, so each process counts alone: %s", fault
        )
        values.ValueClass = values.MutexValue
        return None
    values.ValueClass = values.MultiProcessValue(folder.name)
    return folder


_shared = _folder()
_own = CollectorRegistry()

_LETTERS = Counter(
    "dispatcher_letters",
    "Letters by what the relay said; without a relay, none was there or none was asked.",
    ["relay", "result"],
    registry=_own,
)
_BATCH_SECONDS = Histogram(
    "dispatcher_batch_seconds",
    "How long a batch was carried, from its claim to its record.",
    ["lane"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 180, 600),
    registry=_own,
)
_JOB_SECONDS = Histogram(
    "dispatcher_job_seconds",
    "How long jobs took, by name.",
    ["job"],
    buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 180, 600),
    registry=_own,
)
_PUSHES = Counter(
    "dispatcher_pushes",
    "Calls to other people's servers about our feeds, by what they were for and what became of them.",
    ["kind", "result"],
    registry=_own,
)
_FAULTS = Counter("dispatcher_job_faults", "Jobs that broke down, by name.", ["job"], registry=_own)
_FEEDS = Counter(
    "dispatcher_feed_answers",
    "Answers at the feeds' addresses, by status, and by what gave them: memory, or Django.",
    ["by", "status"],
    registry=_own,
)


def count_batch(lane: str, seconds: float, outcomes: Iterable[Counted]) -> None:
    """A batch was carried. Once per batch: costs some tens of nanoseconds a letter."""
    _BATCH_SECONDS.labels(lane).observe(seconds)
    for (relay, result), number in Tally((each.relay, each.result) for each in outcomes).items():
        _LETTERS.labels(relay, str(result)).inc(number)


def count_job(job: str, seconds: float, *, went_well: bool) -> None:
    """A job came to its end."""
    _JOB_SECONDS.labels(job).observe(seconds)
    if not went_well:
        _FAULTS.labels(job).inc()


def count_feed(by: str, status: int) -> None:
    """A feed was answered for. Costs a microsecond, for it is counted at every request."""
    _feeds(by, status).inc()


@lru_cache(maxsize=64)
def _feeds(by: str, status: int) -> Counter:
    return _FEEDS.labels(by, str(status))


def count_push(kind: str, result: str) -> None:
    """A callback or a hub was called."""
    _PUSHES.labels(kind, result).inc()


def collect() -> Iterator[Metric]:
    """All that was counted, by every process that shares the folder."""
    yield from (_shared or _own).collect()


def bury_dead() -> None:
    """Sum up the files of dead processes; so that workers that come and go leave none behind."""
    if _shared is not None:
        _shared.bury_dead()
