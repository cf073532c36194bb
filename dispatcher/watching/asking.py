"""A connection to PostgreSQL of one's own, with deadlines: who watches must not hang with the watched.

A server that takes the connection within seconds is alive; what it is asked then it cuts short itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.db.backends.utils import CursorWrapper

CONNECT_SECONDS = 2  # libpq makes two of one
ANSWER = "2s"


@contextmanager
def own_cursor() -> Iterator[CursorWrapper]:
    """A cursor of a connection of its own, closed afterwards; each statement is a transaction.

    Raises django.db.Error, within some seconds.
    """
    own = connection.copy()
    options = own.settings_dict.get("OPTIONS", {})
    own.settings_dict["OPTIONS"] = {**options, "connect_timeout": CONNECT_SECONDS}
    try:
        with own.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, false)", [ANSWER])
            yield cursor
    finally:
        own.close()
