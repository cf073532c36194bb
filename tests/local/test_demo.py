"""`dispatcher demo` and the embedded stack as a stranger starts them: a process in an empty folder."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from tests.watching.processes import within

ROOT = Path(__file__).parents[2]
OURS = {
    "DATABASE_URL",
    "REDIS_URL",
    "RELAY_URL",
    "SECRET_KEY",
    "PUBLIC_URL",
    "MAIL_FROM",
    "LOG_LEVEL",
}


def environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in OURS}
    return kept | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}


def dispatcher(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from dispatcher.cli import main; main()", *arguments],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def left_behind(folder: Path) -> list[str]:
    """Processes that work in the folder or name it, as text."""
    found = []
    for process in psutil.process_iter(["cmdline", "cwd"]):
        command = " ".join(process.info["cmdline"] or ())
        if str(folder) in command or str(folder) == process.info["cwd"]:
            found.append(f"{process.pid} {command}")
    return found


@contextmanager
def busy(port: int) -> Iterator[None]:
    """The port is taken: by us as soon as what ends lets go of it, else by somebody who stays."""
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        within(15, lambda: listens(held, port))
        yield


def listens(held: socket.socket, port: int) -> bool:
    with suppress(OSError):
        held.bind(("127.0.0.1", port))
        held.listen()
        return True
    return False


@contextmanager
def up(folder: Path, *, end: signal.Signals = signal.SIGTERM) -> Iterator[dict[str, str]]:
    """`dispatcher up` in that folder, ended by that signal; the addresses that it prints, by label."""
    process = subprocess.Popen(
        [sys.executable, "-c", "from dispatcher.cli import main; main()", "up"],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    addresses = {}
    try:
        for line in process.stdout:
            label, _, address = line.strip().partition(" ")
            addresses[label] = address.strip()
            if label == "Data":
                break
        yield addresses
    finally:
        process.send_signal(end)
        assert process.wait(30) == (-end if end == signal.SIGKILL else 128 + end)
        process.stdout.close()


def test_two_demos_at_once_keep_their_claims_and_a_second_run_goes_on_with_the_data(
    tmp_path: Path,
) -> None:
    folders = [tmp_path / "one", tmp_path / "other"]
    demo = ("demo", "--once", "--readers", "200", "--json")
    for folder in folders:
        folder.mkdir()
    with ThreadPoolExecutor() as threads:
        first = list(threads.map(lambda folder: dispatcher(folder, *demo), folders))
    for number, said in ((1, first[0]), (1, first[1]), (2, dispatcher(folders[0], *demo))):
        assert said.returncode == 0, said.stdout + said.stderr
        assert said.stderr == ""
        told = json.loads(said.stdout.splitlines()[-1])
        assert set(told) == {"dispatch", "tally", "mailbox", "feeds", "seconds"}
        assert told["dispatch"]["id"] == number
        assert told["tally"]["balances"]
        assert told["mailbox"]["letters"] == told["tally"]["accepted"] > 0
        assert (told["mailbox"]["missing"], told["mailbox"]["strangers"]) == (0, 0)
    assert left_behind(tmp_path) == []


def test_up_starts_again_after_it_was_killed_serves_other_commands_and_ends_on_sigterm(
    tmp_path: Path,
) -> None:
    with up(tmp_path, end=signal.SIGKILL):
        assert dispatcher(tmp_path, "topic", "add", "Iran").returncode == 0
    with busy(8000), up(tmp_path) as addresses:
        assert ":8000/" not in addresses["Desk"]
        assert "iran" in dispatcher(tmp_path, "topic", "list").stdout
        doctor = dispatcher(tmp_path, "doctor")
        assert doctor.returncode == 0, doctor.stdout
        second = dispatcher(tmp_path, "up")
        assert second.returncode == 1
        assert "up already" in second.stderr
        assert second.stderr.count("\n") == 1
    assert left_behind(tmp_path) == []


def test_only_one_of_the_two_urls_is_one_line(tmp_path: Path) -> None:
    said = subprocess.run(
        [sys.executable, "-c", "from dispatcher.cli import main; main()", "topic", "list"],
        cwd=tmp_path,
        env=environment() | {"DATABASE_URL": "postgresql://127.0.0.1/x"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (said.returncode, said.stderr.count("\n")) == (1, 1)
    assert "set both" in said.stderr


def test_a_dead_postgresql_is_one_line(tmp_path: Path) -> None:
    dead = {
        "DATABASE_URL": "postgresql://127.0.0.1:1/x",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "SECRET_KEY": "only for tests, and long enough for them",
    }
    said = subprocess.run(
        [sys.executable, "-c", "from dispatcher.cli import main; main()", "topic", "list"],
        cwd=tmp_path,
        env=environment() | dead,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (said.returncode, said.stderr.count("\n")) == (1, 1), said.stderr
    assert "mend DATABASE_URL" in said.stderr
