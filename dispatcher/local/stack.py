"""What a command needs before it can work: servers, settings, tables; and for `up` everything else.

With DATABASE_URL and REDIS_URL set, these are used and nothing is started. Without them the embedded
servers of the data folder are, for as long as the command lasts. This module writes the environment
that `settings` reads, for this process and its children.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dispatcher.local.processes import Processes, claimed_port, free_port
from dispatcher.local.servers import CannotStart, Servers, ensure, refuse_second_up, secret_key

OUR_OWN = "127.0.0.1"
NICELY = ("nice", "-n", "10")
CARRIERS = str((os.cpu_count() or 1) + 1)  # for one waits for the relay while another works


@dataclass(frozen=True, slots=True)
class Ground:
    """Where a command works: its data folder, whether servers are embedded, and who runs them."""

    folder: Path
    is_embedded: bool
    owner: str


def data_folder() -> Path:
    return Path(os.environ.get("DISPATCHER_DATA") or ".dispatcher").resolve()


@contextmanager
def ground(*, owner: str = "command") -> Iterator[Ground]:
    """Django is ready and its tables are there inside the block. Raises CannotStart."""
    given = [name for name in ("DATABASE_URL", "REDIS_URL") if os.environ.get(name)]
    if len(given) == 1:
        raise CannotStart(
            f"Only {given[0]} is set; set both DATABASE_URL and REDIS_URL, or neither."
        )
    folder = data_folder()
    servers = None if given else ensure(folder, owner=owner)
    try:
        if servers is not None:
            urls = servers.urls if isinstance(servers, Servers) else servers
            os.environ["DATABASE_URL"] = urls.database_url
            os.environ["REDIS_URL"] = urls.redis_url
            os.environ.setdefault("SECRET_KEY", secret_key(folder))
            os.environ.setdefault(
                "PUBLIC_URL", _noted(folder, "public_url", "http://127.0.0.1:8000")
            )
            if urls.owner == "up":  # else its mailbox is gone, and its port may be anybody's
                os.environ.setdefault("RELAY_URL", _noted(folder, "relay_url", ""))
        _set_up_django(may_migrate=isinstance(servers, Servers))
        yield Ground(folder, servers is not None, urls.owner if servers is not None else "operator")
    finally:
        if isinstance(servers, Servers):
            _disconnect()
            servers.stop()


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the running stack can be reached."""

    web: str
    mailbox: str
    relay: str
    maildir: Path


@contextmanager
def everything(*, port: int = 8000) -> Iterator[tuple[Ground, Addresses, Processes]]:
    """The whole product on this machine: servers, mailbox, web, workers, beat. Raises CannotStart.

    The mailbox stands in for a relay unless RELAY_URL or RELAYS_FILE is set. Busy ports are avoided.
    """
    folder = data_folder()
    maildir = folder / "mailbox"
    refuse_second_up(folder)  # before anything is started
    with claimed_port(port) as web, Processes(folder / "logs", os.environ) as processes:
        if not os.environ.get("RELAY_URL") and not os.environ.get("RELAYS_FILE"):
            os.environ["RELAY_URL"], os.environ["MAILBOX_URL"] = _start_mailbox(processes, maildir)
        os.environ.setdefault("PUBLIC_URL", f"http://{OUR_OWN}:{web}")
        os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", str(folder / "metrics"))
        with ground(owner="up") as where:
            _note(folder, "public_url", os.environ["PUBLIC_URL"])
            _note(folder, "relay_url", os.environ.get("RELAY_URL", ""))
            _start_services(processes, web)
            processes.wait_until(
                lambda: "Started worker" in processes.said("web"), what="The web server"
            )
            yield (
                where,
                Addresses(
                    web=f"http://{OUR_OWN}:{web}",
                    mailbox=os.environ.get("MAILBOX_URL", ""),
                    relay=os.environ.get("RELAY_URL", ""),
                    maildir=maildir,
                ),
                processes,
            )


def _start_mailbox(processes: Processes, maildir: Path) -> tuple[str, str]:
    """The relay URL and the page of our own mailbox, which says itself where it listens.

    Whoever answers on a port need not be ours, so a port is never taken on trust.
    """
    for smtp, page in ((free_port(1025), free_port(8025)), (0, 0)):
        processes.start(
            "mailbox",
            *(sys.executable, "-m", "dispatcher.local.mailbox", "--folder", str(maildir)),
            *("--smtp", f"{OUR_OWN}:{smtp}", "--http", f"{OUR_OWN}:{page}"),
        )
        try:
            processes.wait_until(
                lambda: processes.said("mailbox").startswith('{"smtp"'), what="The mailbox"
            )
        except CannotStart:
            if not smtp:
                raise
            processes.forget("mailbox")  # another took one of the ports in between
        else:
            ready = json.loads(processes.said("mailbox").splitlines()[0])
            return ready["smtp"], ready["http"]
    raise CannotStart("No port of 127.0.0.1 is free for the mailbox.")


def web_server(
    host: str, port: int | str, *, workers: int = 1, more: Sequence[str] = ()
) -> list[str]:
    """The command of a web server with threads as the compose file has them; `more` are options of granian."""
    threads = ("--blocking-threads=8", "--runtime-threads=2", f"--workers={workers}")
    granian = [
        sys.executable,
        "-m",
        "granian",
        "--interface=wsgi",
        f"--host={host}",
        f"--port={port}",
    ]
    return [*granian, *threads, "--no-ws", *more, "dispatcher.wsgi:application"]


def _start_services(processes: Processes, port: int) -> None:
    celery = (sys.executable, "-m", "celery", "-A", "workers")
    worker = (*celery, "worker", "--without-gossip", "--without-mingle")
    processes.start(
        "web",
        *web_server(OUR_OWN, port),
    )
    # On a busy machine too, urgent letters go first.
    processes.start("worker", *NICELY, *worker, "-n", "routine@%h", "-Q", "routine", "-c", CARRIERS)
    processes.start("worker-urgent", *worker, "-n", "urgent@%h", "-Q", "urgent,upkeep", "-c", "2")
    outbound = ("-n", "outbound@%h", "-Q", "outbound", "-P", "threads", "-c", "4")
    processes.start("worker-outbound", *NICELY, *worker, *outbound)
    processes.start("beat", *celery, "beat")


def _set_up_django(*, may_migrate: bool) -> None:
    import django
    from django.core.management import call_command

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dispatcher.settings")
    django.setup()
    if may_migrate:
        call_command("migrate", verbosity=0, interactive=False)


def _disconnect() -> None:
    from django.db import connections

    connections.close_all()


def _note(folder: Path, name: str, value: str) -> None:
    (folder / name).write_text(value)


def _noted(folder: Path, name: str, default: str) -> str:
    path = folder / name
    return path.read_text().strip() if path.exists() else default
