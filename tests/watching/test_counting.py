"""What several processes count, added up; and what the dead have counted is not lost."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COUNT = """
import django; django.setup()
from dispatcher import metrics
from dispatcher.relays.outcomes import Outcome, Result
letters = [Outcome(n, Result.ACCEPTED, "relay.example.org:25") for n in range({letters})]
metrics.count_batch("urgent", 0.2, letters + [Outcome(0, Result.DEFERRED, "")])
"""
STAY = "\nprint('counted', flush=True)\nimport sys; sys.stdin.read()"
FORK = """
import os
children = []
for _ in range(3):
    child = os.fork()
    if not child:
        metrics.count_batch("urgent", 0.2, letters)
        os._exit(0)
    children.append(child)
for child in children:
    assert os.waitpid(child, 0)[1] == 0
"""
SUM = """
import django; django.setup()
from dispatcher import metrics
for metric in metrics.collect():
    for sample in metric.samples:
        print(sample.name, ",".join(sorted(sample.labels.values())), sample.value)
"""


def environment(folder: Path) -> dict[str, str]:
    return os.environ | {
        "PYTHONPATH": str(ROOT),
        "DJANGO_SETTINGS_MODULE": "dispatcher.settings",
        "PROMETHEUS_MULTIPROC_DIR": str(folder),
    }


def run(folder: Path, source: str) -> str:
    ran = subprocess.run(
        [sys.executable, "-c", source],
        env=environment(folder),
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    return ran.stdout + ran.stderr


@contextmanager
def staying(folder: Path, source: str) -> Iterator[subprocess.Popen[str]]:
    """A process that has counted and lives on."""
    process = subprocess.Popen(
        [sys.executable, "-c", source + STAY],
        env=environment(folder),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stdin
    try:
        assert process.stdout.readline() == "counted\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def sums(folder: Path) -> dict[str, float]:
    lines = [line for line in run(folder, SUM).splitlines() if line.startswith("dispatcher_")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def test_the_living_and_the_dead_are_added_up_and_nothing_sinks_when_one_dies(
    tmp_path: Path,
) -> None:
    accepted = "dispatcher_letters_total accepted,relay.example.org:25"
    run(tmp_path, COUNT.format(letters=500))
    with staying(tmp_path, COUNT.format(letters=300)) as living:
        both = sums(tmp_path)
        assert both[accepted] == 800
        assert both["dispatcher_letters_total ,deferred"] == 2
        assert both["dispatcher_batch_seconds_count urgent"] == 2
        assert both["dispatcher_batch_seconds_bucket 0.25,urgent"] == 2
        living.kill()
        living.wait()
        assert sums(tmp_path)[accepted] == 800


def test_what_is_forked_counts_for_itself(tmp_path: Path) -> None:
    run(tmp_path, COUNT.format(letters=10) + FORK)
    assert sums(tmp_path)["dispatcher_letters_total accepted,relay.example.org:25"] == 40


def test_the_files_of_the_dead_are_removed_and_those_of_the_living_are_not(tmp_path: Path) -> None:
    for _ in range(5):
        run(tmp_path, COUNT.format(letters=1))
    with staying(tmp_path, COUNT.format(letters=1)) as living:
        sums(tmp_path)
        owners = {path.stem.partition("_")[2] for path in tmp_path.glob("*.db")}
        assert len(owners) == 2
        assert "gone" in owners
        assert any(owner.startswith(f"{living.pid}-") for owner in owners)
        lives = {path.stem for path in tmp_path.glob("*.life")}
        assert owners - {"gone"} <= lives
        assert len(lives) == 2, "its own, and that of who looked last"


def test_a_folder_that_cannot_be_used_keeps_no_letter_from_going_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    said = run(tmp_path / "file" / "folder", COUNT.format(letters=1) + "print('done')")
    assert said.startswith("done")
    assert "PROMETHEUS_MULTIPROC_DIR cannot be used" in said


@pytest.mark.parametrize("damage", [b"", b"\xff" * 100], ids=["empty", "garbage"])
def test_a_damaged_file_of_the_dead_hides_nothing_else(tmp_path: Path, damage: bytes) -> None:
    run(tmp_path, COUNT.format(letters=7))
    (tmp_path / "counter_1-00.db").write_bytes(damage)
    assert sums(tmp_path)["dispatcher_letters_total accepted,relay.example.org:25"] == 7
