"""What happens while PostgreSQL is away: the connection really fails, nothing is pretended."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


@contextmanager
def database_away() -> Iterator[None]:
    """Nothing listens where this process looks for PostgreSQL. For tests outside a transaction."""
    with _looked_for_at(1):
        yield


@contextmanager
def hanging_database() -> Iterator[None]:
    """Something takes the connection and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as silent, _looked_for_at(silent.getsockname()[1]):
        yield


@contextmanager
def _looked_for_at(port: int) -> Iterator[None]:
    known = connection.settings_dict["HOST"], connection.settings_dict["PORT"]
    connection.close()
    connection.settings_dict |= {"HOST": "127.0.0.1", "PORT": str(port)}
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["HOST"], connection.settings_dict["PORT"] = known
