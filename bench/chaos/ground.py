"""What all trials stand on: servers, tables, readers, a sink and workers, in a folder of their own.

It is made once and reused; leaving it ends every process and removes the folder.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.chaos import people
from bench.chaos.engines import Engines
from bench.chaos.people import People
from bench.chaos.relay import Relay

ROOT = Path(__file__).parents[2]
LEASE_SECONDS = 10  # longer than the time-outs of one letter, and as short as that allows
RELAY_TIMEOUT = 2
RELAY_FINAL_TIMEOUT = 3
BATCH_SIZE = 200
SETTINGS = {
    "DJANGO_SETTINGS_MODULE": "dispatcher.settings",
    "SECRET_KEY": "only for the fault trials, and long enough",
    "PUBLIC_URL": "http://news.example.org",
    "MAIL_FROM": "briefs@news.example.org",
    "PYTHONPATH": str(ROOT),
    "LOG_LEVEL": "INFO",
    "LEASE_SECONDS": str(LEASE_SECONDS),
    "RETRY_PAUSES": " ".join(["2"] * 10 + ["5"] * 10),
    "BATCH_SIZE": str(BATCH_SIZE),
    "UNKNOWN": "resend",
}


@dataclass(frozen=True, slots=True)
class Ground:
    folder: Path
    engines: Engines
    relay: Relay
    people: People
    in_flight: int

    @property
    def logs(self) -> Path:
        return self.folder / "logs"


@contextmanager
def laid(*, readers: int, seed: int, in_flight: int, keep: bool) -> Iterator[Ground]:
    """Everything but the workers is up inside the block, and Django is ready. Raises CannotStart.

    `in_flight` letters may be on their way to a distant relay; `keep` leaves the folder.
    """
    folder = Path(tempfile.mkdtemp(prefix="dispatcher-chaos-"))
    with ExitStack() as ending:
        if not keep:
            ending.callback(shutil.rmtree, folder, ignore_errors=True)
        engines = Engines(folder)
        ending.callback(engines.stop)
        os.environ |= SETTINGS | {
            "DATABASE_URL": engines.urls.database_url,
            "REDIS_URL": engines.urls.redis_url,
            "DISPATCHER_DATA": str(folder),
        }
        relay = ending.enter_context(_sink(folder, seed))
        os.environ["RELAYS_FILE"] = str(_relays_file(folder, relay, in_flight))
        _set_up_django()
        ending.callback(_disconnect)
        who = people.write(folder / "readers.csv", readers, random.Random(seed))
        people.store(folder / "readers.csv", who)
        yield Ground(folder, engines, relay, who, in_flight)


@contextmanager
def _sink(folder: Path, seed: int) -> Iterator[Relay]:
    from dispatcher.local.processes import Processes

    notes = folder / "letters.txt"
    with Processes(folder / "logs", os.environ) as processes:
        options = ("--notes", str(notes), "--seed", str(seed))
        processes.start("sink", sys.executable, "-m", "bench.sink", *options)
        processes.wait_until(lambda: "\n" in processes.said("sink"), what="The sink")
        ports = json.loads(processes.said("sink").splitlines()[0])
        relay = Relay(smtp=ports["smtp"], control=ports["control"], notes=notes)
        try:
            yield relay
        finally:
            relay.close()


def _relays_file(folder: Path, relay: Relay, in_flight: int) -> Path:
    path = folder / "relays.toml"
    path.write_text(
        f'[[relay]]\nurl = "{relay.url}"\nin_flight = {in_flight}\n'
        f"timeout = {RELAY_TIMEOUT}\nfinal_timeout = {RELAY_FINAL_TIMEOUT}\n"
    )
    return path


def _set_up_django() -> None:
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0, interactive=False)


def _disconnect() -> None:
    from django.db import connections

    connections.close_all()
