"""`dispatcher demo` and the embedded stack as a stranger starts them: a process in an empty folder."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

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
def up(folder: Path) -> Iterator[dict[str, str]]:
    """`dispatcher up` in that folder; the addresses that it prints, by their label."""
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
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 128 + signal.SIGTERM
        process.stdout.close()


def test_demo_keeps_its_claims_twice_and_leaves_no_process(tmp_path: Path) -> None:
    for run in (1, 2):
        said = dispatcher(tmp_path, "demo", "--once", "--readers", "200", "--json")
        assert said.returncode == 0, said.stdout + said.stderr
        told = json.loads(said.stdout.splitlines()[-1])
        assert set(told) == {"dispatch", "tally", "mailbox", "feeds", "seconds"}
        assert told["dispatch"]["id"] == run, "the second run works on the data of the first"
        assert told["tally"]["balances"]
        assert told["mailbox"]["letters"] == told["tally"]["accepted"] > 0
        assert (told["mailbox"]["missing"], told["mailbox"]["strangers"]) == (0, 0)
        assert said.stderr == ""
    assert left_behind(tmp_path) == []


def test_up_serves_other_commands_avoids_busy_ports_and_ends_on_sigterm(tmp_path: Path) -> None:
    with socket.socket() as busy:
        busy.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            busy.bind(("127.0.0.1", 8000))
            busy.listen()
        except OSError:
            pass  # somebody else keeps it busy for us
        with up(tmp_path) as addresses:
            assert ":8000/" not in addresses["Desk"]
            assert dispatcher(tmp_path, "topic", "add", "Iran").returncode == 0
            doctor = dispatcher(tmp_path, "doctor")
            assert doctor.returncode == 0, doctor.stdout
            second = dispatcher(tmp_path, "up")
            assert second.returncode == 1
            assert "up already" in second.stderr
            assert second.stderr.count("\n") == 1
    assert left_behind(tmp_path) == []


def test_what_a_killed_up_left_behind_is_ended_by_the_next_command(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", "from dispatcher.cli import main; main()", "up"],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    next(line for line in process.stdout if line.startswith("Data"))
    process.kill()
    process.wait()
    process.stdout.close()
    said = dispatcher(tmp_path, "topic", "add", "Iran")
    assert (said.returncode, said.stderr) == (0, "")
    without = dispatcher(tmp_path, "doctor")
    assert "ILL   relay: No relay is set" in without.stdout, "its mailbox is gone"
    assert left_behind(tmp_path) == []


def test_two_installations_at_once_keep_to_their_own_mailboxes(tmp_path: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "other"]
    running = []
    for folder in folders:
        folder.mkdir()
        command = "from dispatcher.cli import main; main()"
        arguments = ("demo", "--once", "--readers", "100", "--json")
        running.append(
            subprocess.Popen(
                [sys.executable, "-c", command, *arguments],
                cwd=folder,
                env=environment(),
                stdout=subprocess.PIPE,
                text=True,
            )
        )
    for process in running:
        out, _ = process.communicate(timeout=120)
        assert process.returncode == 0, out
        assert json.loads(out.splitlines()[-1])["mailbox"]["missing"] == 0


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
