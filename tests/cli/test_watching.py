"""`dispatch show --watch` in a real terminal, and into a pipe."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone

from dispatcher.mailing.models import Delivery, Dispatch
from tests.cli.conftest import Run
from tests.makers import make_brief, make_deliveries, make_dispatch
from tests.services import database_url

pytestmark = pytest.mark.django_db(transaction=True)

CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
HEADLINE = (
    "Operators of cables warn that nine weeks without a link to the outer islands showed much"
)


class Terminal:
    """What a program has written to a terminal of 80 columns."""

    def __init__(self, reading_end: int) -> None:
        self._end = reading_end
        self.text = ""

    def read_until(self, words: str | None) -> None:
        """Until these words came, or with None until the program has ended."""
        deadline = time.monotonic() + 30
        while words is None or words not in self.text:
            assert time.monotonic() < deadline, self.text
            try:
                self.text += CONTROL.sub("", os.read(self._end, 65_536).decode())
            except OSError:  # the program has closed its end
                assert words is None, self.text
                return


@contextmanager
def terminal(*arguments: str) -> Iterator[Terminal]:
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    environment = os.environ | {
        "DATABASE_URL": database_url(),
        "REDIS_URL": settings.REDIS_URL,
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "TERM": "xterm",
    }
    program = "from dispatcher.cli import main; main()"
    command = (sys.executable, "-c", program, *arguments)
    process = subprocess.Popen(command, env=environment, stdin=its, stdout=its, stderr=its)
    os.close(its)
    try:
        yield Terminal(ours)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def test_a_screen_of_80_columns_follows_a_dispatch_to_its_end() -> None:
    dispatch = make_dispatch(
        make_brief(HEADLINE), deliveries={"waiting": 2}, matched_at=timezone.now()
    )
    make_deliveries(dispatch, "deferred", text="421 4.7.28 " + "slow down " * 20, code="4.7.28")
    Dispatch.objects.update(audience=3)
    with terminal("dispatch", "show", str(dispatch.pk), "--watch") as shown:
        shown.read_until("Sending 0 of 3")
        shown.read_until("4.7.28")
        screen = shown.text
        Delivery.objects.filter(state="waiting").update(state="accepted", settled_at=timezone.now())
        shown.read_until("Sent 2 of 3")
        Delivery.objects.update(state="accepted")
        Dispatch.objects.update(state="done", finished_at=timezone.now())
        shown.read_until(None)
    assert max(map(len, screen.splitlines())) <= 80
    assert "The ledger balances: audience 3 = 0 waiting" in shown.text


def test_a_paused_dispatch_is_watched_on() -> None:
    dispatch = make_dispatch(state="paused", deliveries={"waiting": 1})
    with terminal("dispatch", "show", str(dispatch.pk), "--watch") as shown:
        shown.read_until("Paused at 0 of 1")
        Dispatch.objects.update(state="cancelled", finished_at=timezone.now())
        shown.read_until(None)
    assert "cancelled" in shown.text


def test_into_a_pipe_only_the_end_is_written(run: Run) -> None:
    dispatch = make_dispatch(state="done", deliveries={"accepted": 1})
    said = run("dispatch", "show", dispatch.pk, "--watch")
    assert "\x1b" not in said.out
    assert said.out.count("accepted") == 3  # the times, the table, the proof
