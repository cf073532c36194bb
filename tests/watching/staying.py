"""The workers' app with one more job: it stays in hand until its worker is told to end."""

from __future__ import annotations

import time

from dispatcher import signs
from workers import app
from workers.jobs import Job
from workers.stopping import is_stopping


@app.task(name="stay", base=Job)  # type: ignore[untyped-decorator]
def stay() -> None:
    signs.leave("stays")
    deadline = time.monotonic() + 30
    while not is_stopping():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    signs.leave("gives back")
