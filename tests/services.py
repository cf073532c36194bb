"""Our own services as real processes, working on the test's database and queue."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connection
from psycopg.conninfo import make_conninfo

from dispatcher import queue
from dispatcher.local.processes import Processes


@contextmanager
def workers(
    logs: Path, *, relay: str, beat: bool = False, outbound: bool = False, **environment: str
) -> Iterator[Processes]:
    """The workers of letters, those of calls and beat where the test is about them, until the block ends."""
    awaited = set(queue.QUEUES) - (set() if outbound else {queue.OUTBOUND})
    with Processes(logs, os.environ | _environment(relay) | environment) as processes:
        celery = (sys.executable, "-m", "celery", "-A", "workers")
        quick = ("--without-gossip", "--without-mingle", "--without-heartbeat")
        worker = (*celery, "worker", *quick)
        processes.start("routine", *worker, "-n", "routine@%h", "-Q", "routine", "-c", "2")
        processes.start("urgent", *worker, "-n", "urgent@%h", "-Q", "urgent,upkeep", "-c", "2")
        if outbound:
            threads = ("-Q", "outbound", "-P", "threads", "-c", "4")
            processes.start("outbound", *worker, "-n", "outbound@%h", *threads)
        if beat:
            processes.start("beat", *celery, "beat")
        processes.wait_until(lambda: queue.consumed() == awaited, what="The workers", seconds=60)
        yield processes


def database_url() -> str:
    """The URI of the database that the tests themselves are using."""
    given = connection.settings_dict
    return make_conninfo(
        "postgresql://", dbname=given["NAME"], user=given["USER"], host=given["HOST"]
    )


def _environment(relay: str) -> dict[str, str]:
    return {
        "DATABASE_URL": database_url(),
        "RELAY_URL": relay,
        "LOG_LEVEL": "INFO",
        "LEASE_SECONDS": "4",
        "PYTHONPATH": str(Path(__file__).parents[1]),
        "DJANGO_SETTINGS_MODULE": "dispatcher.settings",
    }
