"""docker-compose.yml as a test reads it, and its services as plain processes of this machine.

What a container engine would do is done here as far as it matters: variables are put in, a service's
very command runs with its very environment, and its very health check asks whether it is well.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import yaml

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "docker-compose.yml"
SECRETS = {"SECRET_KEY": "only for tests, and long enough for them", "POSTGRES_PASSWORD": "secret"}
_VARIABLE = re.compile(r"\$(?:\$|\{(?P<name>\w+)(?:(?P<how>:?[-?])(?P<word>[^}]*))?\})")
_UNITS = {"s": 1, "m": 60}


class NotSet(Exception):  # noqa: N818  it reads as what is wrong
    """A variable that must be set is not; the text is what the file says about it."""


def services() -> dict[str, dict[str, Any]]:
    """The services as they stand in the file, anchors resolved and variables not."""
    found: dict[str, dict[str, Any]] = yaml.safe_load(FILE.read_text())["services"]
    return found


def interpolate(text: str, variables: Mapping[str, str]) -> str:
    """`${NAME}`, `:-` and `-` with a default, `:?` and `?` with a complaint, `$$` for a dollar."""

    def put_in(found: re.Match[str]) -> str:
        if found["name"] is None:
            return "$"
        value, how = variables.get(found["name"]), found["how"] or "-"
        if value is not None and (value or not how.startswith(":")):
            return value
        if how.endswith("?"):
            raise NotSet(found["word"])
        return found["word"] or ""

    return _VARIABLE.sub(put_in, text)


def variables() -> set[str]:
    """The names of all variables that the file asks for."""
    lines = (line for line in FILE.read_text().splitlines() if not line.lstrip().startswith("#"))
    return {found["name"] for line in lines for found in _VARIABLE.finditer(line) if found["name"]}


def environment(service: Mapping[str, Any], given: Mapping[str, str] = SECRETS) -> dict[str, str]:
    """A service's environment when only these variables are set. Raises NotSet."""
    return {name: interpolate(value, given) for name, value in service["environment"].items()}


def seconds(duration: str) -> int:
    return int(duration[:-1]) * _UNITS[duration[-1]]


@dataclass(frozen=True, slots=True)
class Place:
    """What stands in for containers: a folder for /tmp, a port for web's, addresses for names."""

    folder: Path
    port: int
    database_url: str
    valkey: str

    def words(self, given: Sequence[str]) -> list[str]:
        """A command's words with its variables put in, and what only a container has replaced."""
        return [
            interpolate(word, SECRETS)
            .replace("/tmp/", f"{self.folder}/")  # noqa: S108
            .replace("--port=8000", f"--port={self.port}")
            .replace("127.0.0.1:8000", f"127.0.0.1:{self.port}")
            for word in given
        ]

    def environment(self, service: Mapping[str, Any]) -> dict[str, str]:
        """The service's environment and what every container has, the other services found here."""
        named = environment(service)
        assert "@postgres:5432/" in named["DATABASE_URL"]
        assert named["REDIS_URL"].startswith("redis://valkey:6379/")
        return {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(self.folder),
            "HOSTNAME": socket.gethostname(),
            **named,
            "DATABASE_URL": self.database_url,
            "REDIS_URL": named["REDIS_URL"].replace("valkey:6379", self.valkey),
            "PROMETHEUS_MULTIPROC_DIR": f"{self.folder}{named['PROMETHEUS_MULTIPROC_DIR']}",
        }


class Process:
    """One service as a process of its own group. What it says goes to `NAME.log`."""

    def __init__(self, name: str, service: Mapping[str, Any], place: Place) -> None:
        self.name = name
        self.grace = seconds(service.get("stop_grace_period", "10s"))
        self.log = place.folder / f"{name}.log"
        with self.log.open("wb") as output:
            self._process = subprocess.Popen(
                place.words(service["command"]),
                env=place.environment(service),
                cwd=place.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait(self, timeout: float) -> int:
        return self._process.wait(timeout)

    def is_running(self) -> bool:
        return self._process.poll() is None

    def family(self) -> list[psutil.Process]:
        """The process and all that it has started."""
        mine = psutil.Process(self._process.pid)
        return [mine, *mine.children(recursive=True)]

    def terminate(self) -> None:
        self._process.terminate()

    def kill(self) -> None:
        """End whatever is left of the group; for the end of a test, however it went."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def is_healthy(service: Mapping[str, Any], place: Place) -> bool:
    """Whether the service's health check passes, run once, as the engine would run it."""
    kind, *words = place.words(service["healthcheck"]["test"])
    command = ["/bin/sh", "-c", *words] if kind == "CMD-SHELL" else words
    with suppress(subprocess.TimeoutExpired):
        ran = subprocess.run(
            command,
            env=place.environment(service),
            cwd=place.folder,
            timeout=seconds(service["healthcheck"]["timeout"]),
            capture_output=True,
            check=False,
        )
        return ran.returncode == 0
    return False
