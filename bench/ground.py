"""Where a run works: a folder of its own with embedded servers, and a database per number of readers.

Everything is made for the run and gone after it. The servers are set up as the product sets them up,
durability included. Settings go through the environment, as everywhere.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import django
import psycopg
from django.core.management import call_command
from django.db import connections
from psycopg.conninfo import make_conninfo
from redis import Redis

from bench import filling
from bench.sizes import Sizes
from dispatcher.local.servers import Servers, ensure

TEMPLATE = "dispatcher"
ROOT = Path(__file__).parents[1]
SETTINGS = {
    "SECRET_KEY": "only for the benchmark, and long enough for it",
    "PUBLIC_URL": "https://news.example.org",
    "MAIL_FROM": "briefs@news.example.org",
    "RELAY_URL": "",  # workers get theirs when they are started
    "DKIM_KEYS": "",
    "LOG_LEVEL": "INFO",
    "DJANGO_SETTINGS_MODULE": "dispatcher.settings",
}


class Ground:
    """Servers that run, and Django pointed at one of their databases."""

    def __init__(self, folder: Path, servers: Servers, sizes: Sizes) -> None:
        self.folder = folder
        self._servers = servers
        self._sizes = sizes
        self._made: set[str] = set()

    def use(self, readers: int) -> None:
        """Point Django, and what is started from now on, at a database with that many readers."""
        name = f"readers_{readers}"
        connections.close_all()
        url = make_conninfo(self._servers.urls.database_url, dbname=name)
        if name not in self._made:
            with self._administration() as connection:
                connection.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
            with psycopg.connect(url) as connection:
                filling.fill(connection, readers, self._sizes)
            self._made.add(name)
        os.environ["DATABASE_URL"] = url
        connections["default"].settings_dict["NAME"] = name
        # Keys of Valkey bear the numbers of rows, and each database counts its own.
        with Redis.from_url(self._servers.urls.redis_url) as valkey:
            valkey.flushall()
        self.calm()

    def drop(self, readers: int) -> None:
        """Forget a database; the disk is not only ours."""
        name = f"readers_{readers}"
        connections.close_all()
        with self._administration() as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        self._made.discard(name)

    def calm(self) -> None:
        """Have PostgreSQL do now what it would otherwise do in the middle of the next measurement."""
        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
            connection.execute("VACUUM (ANALYZE) dispatcher_delivery, dispatcher_batch")
            connection.execute("CHECKPOINT")

    def _administration(self) -> psycopg.Connection:
        url = make_conninfo(self._servers.urls.database_url, dbname="postgres")
        return psycopg.connect(url, autocommit=True)


@contextmanager
def laid(sizes: Sizes) -> Iterator[Ground]:
    """Servers and tables for one run; they end with the block, and so does all data."""
    folder = Path(tempfile.mkdtemp(prefix="dispatcher-bench-"))
    # Once more at the very end: the library of PostgreSQL touches its lock when the process ends.
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    try:
        servers = ensure(folder, owner="bench")
        assert isinstance(servers, Servers)
        try:
            os.environ.update(
                SETTINGS,
                DATABASE_URL=servers.urls.database_url,
                REDIS_URL=servers.urls.redis_url,
                PYTHONPATH=os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH")))),
            )
            django.setup()
            call_command("migrate", verbosity=0, interactive=False)
            yield Ground(folder, servers, sizes)
        finally:
            connections.close_all()
            servers.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
