"""Children are started, watched, revived and ended; none is left behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import psutil
import pytest

from dispatcher.local.processes import Processes, answers, claimed_port, free_port
from dispatcher.local.servers import CannotStart
from tests.waiting import until

FOREVER = (sys.executable, "-c", "import time; time.sleep(600)")
STUBBORN = (
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('on'); time.sleep(600)",
)


def test_the_logs_are_for_their_owner_alone(tmp_path: Path) -> None:
    with Processes(tmp_path / "logs", os.environ):
        assert (tmp_path / "logs").stat().st_mode & 0o777 == 0o700


def test_leaving_the_block_ends_the_children_and_what_they_forked(tmp_path: Path) -> None:
    forking = f"import subprocess, time; subprocess.Popen({list(FOREVER)!r}); time.sleep(600)"
    with Processes(tmp_path, os.environ) as processes:
        processes.start("parent", sys.executable, "-c", forking)
        parent = psutil.Process(processes.pids()[0])
        until(lambda: len(parent.children()) == 1)
        family = [parent, *parent.children()]
    _, living = psutil.wait_procs(family, timeout=5)
    assert living == []


def test_a_child_that_will_not_end_is_ended(tmp_path: Path) -> None:
    processes = Processes(tmp_path, os.environ)
    processes.start("stubborn", *STUBBORN)
    (pid,) = processes.pids()
    processes.stop(grace=0.3)
    assert not psutil.pid_exists(pid)
    processes.stop()


def test_a_child_that_ends_at_once_is_named_with_its_last_words(tmp_path: Path) -> None:
    with Processes(tmp_path, os.environ) as processes:
        processes.start("web", sys.executable, "-c", "print('first'); print('the port is busy')")
        with pytest.raises(CannotStart, match=r"web ended at once: the port is busy .*web\.log"):
            processes.wait_until(lambda: False, what="The web server")


def test_a_child_that_was_killed_is_started_again(tmp_path: Path) -> None:
    with Processes(tmp_path, os.environ) as processes:
        processes.start("worker", *FOREVER)
        (pid,) = processes.pids()
        assert processes.revive() == []
        os.kill(pid, signal.SIGKILL)
        until(lambda: processes.revive() == ["worker"])
        assert processes.pids() != [pid]


def test_children_end_when_their_parent_is_killed_outright(tmp_path: Path) -> None:
    script = textwrap.dedent(
        f"""
        import os, time
        from pathlib import Path
        from dispatcher.local.processes import Processes
        processes = Processes(Path({str(tmp_path)!r}), os.environ)
        processes.start("child", *{FOREVER!r})
        print(processes.pids()[0], flush=True)
        time.sleep(600)
        """
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert parent.stdout
    child = psutil.Process(int(parent.stdout.readline()))
    parent.kill()
    parent.wait()
    parent.stdout.close()
    child.wait(10)


def test_a_port_is_claimed_by_one_of_us_at_a_time() -> None:
    with claimed_port(18_000) as one, claimed_port(18_000) as other:
        assert one != other
    with claimed_port(one) as again:
        assert again == one


def test_a_busy_port_is_avoided() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        port = held.getsockname()[1]
        assert answers(port)
        assert free_port(port) != port
    assert not answers(port)
    assert free_port(port) == port
