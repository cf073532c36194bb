"""Child processes of `up` and `demo`: started with a log each, watched, and ended together.

Every child leads a process group of its own, so that ending one ends what it forked; on Linux the
kernel ends children whose parent was killed outright.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dispatcher.local.servers import CannotStart

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass(slots=True)
class Child:
    name: str
    argv: Sequence[str]
    log: Path
    process: subprocess.Popen[bytes]
    log_from: int = 0  # where this run's words begin in the log


class Processes:
    """The children of this process. Use as a context manager: leaving it ends them all."""

    def __init__(self, logs: Path, environment: Mapping[str, str]) -> None:
        self._logs = logs
        self._environment = environment  # as it stands when a child is started
        self._children: list[Child] = []
        logs.mkdir(mode=0o700, parents=True, exist_ok=True)

    def __enter__(self) -> Processes:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self, name: str, *argv: str) -> None:
        """Start a child; what it prints goes to `NAME.log`."""
        log = self._logs / f"{name}.log"
        log_from = log.stat().st_size if log.exists() else 0
        self._children.append(Child(name, argv, log, self._spawn(argv, log), log_from))

    def forget(self, name: str) -> None:
        """Wait for a child that is ending, and know it no more."""
        for child in [child for child in self._children if child.name == name]:
            child.process.wait()
            self._children.remove(child)

    def said(self, name: str) -> str:
        """What a child has printed since it was started."""
        child = next(child for child in self._children if child.name == name)
        with child.log.open("rb") as log:
            log.seek(child.log_from)
            return log.read().decode(errors="replace")

    def wait_until(self, is_ready: Callable[[], bool], *, what: str, seconds: float = 30.0) -> None:
        """Wait for a sign of life. Raises CannotStart when a child ends first or time runs out."""
        deadline = time.monotonic() + seconds
        while not is_ready():
            self.check()
            if time.monotonic() > deadline:
                raise CannotStart(f"{what} did not come up in {seconds:.0f} s; see {self._logs}.")
            time.sleep(0.05)

    def check(self) -> None:
        """Raise CannotStart if a child has ended; the line says which and its last words."""
        for child in self._children:
            if child.process.poll() is not None:
                raise CannotStart(
                    f"{child.name} ended at once: {_last_words(child.log)} ({child.log})"
                )

    def pids(self) -> list[int]:
        """The process ids of the children, in the order of their start."""
        return [child.process.pid for child in self._children]

    def revive(self) -> list[str]:
        """Start again what has ended; the names of what was."""
        ended = [child for child in self._children if child.process.poll() is not None]
        for child in ended:
            child.process = self._spawn(child.argv, child.log)
        return [child.name for child in ended]

    def stop(self, *, grace: float = 15.0) -> None:
        """Ask all to end, newest first, then end whatever is left. Repeats do nothing."""
        for child in reversed(self._children):
            with contextlib.suppress(ProcessLookupError):
                child.process.terminate()
        deadline = time.monotonic() + grace
        for child in self._children:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.process.wait(max(0.0, deadline - time.monotonic()))
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(child.process.pid, signal.SIGKILL)
            child.process.wait()
        self._children.clear()

    def _spawn(self, argv: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
        with log.open("ab") as output:
            return subprocess.Popen(  # noqa: S603  our own commands
                argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(self._environment),
                start_new_session=True,
                preexec_fn=_end_with_parent if _libc else None,  # noqa: PLW1509  one thread here
            )


@contextlib.contextmanager
def claimed_port(preferred: int) -> Iterator[int]:
    """The preferred port of 127.0.0.1 or one of the next that is free, kept from others like us.

    Granian listens with SO_REUSEPORT, so two that chose the same port would share its visitors. A
    name in the abstract namespace (unix(7)) is held meanwhile; it ends with this process.
    """
    for port in range(preferred, preferred + 100):
        with socket.socket(socket.AF_UNIX) as claim:
            try:
                claim.bind(f"\0dispatcher port {port}")
            except OSError:
                continue
            if free_port(port) == port:
                yield port
                return
    raise CannotStart(
        f"The ports from {preferred} to {preferred + 99} are busy; give --port another."
    )


def free_port(preferred: int) -> int:
    """The preferred port of 127.0.0.1, or any other that is free."""
    for port in (preferred, 0):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise CannotStart("No port of 127.0.0.1 is free.")


def answers(port: int) -> bool:
    """Whether something accepts connections on that port of 127.0.0.1."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def _end_with_parent() -> None:
    assert _libc is not None  # noqa: S101
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _last_words(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1].strip()[:200] if lines else "it said nothing"
