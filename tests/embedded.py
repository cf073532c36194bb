"""A pytest plugin (`-p tests.embedded`): a real PostgreSQL and a real Valkey for the whole run.

It must act on import, before pytest-django reads the settings. Both servers end with the process.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import psycopg

from dispatcher.local.servers import Servers, ensure

FOLDER = Path(tempfile.mkdtemp(prefix="dispatcher-tests-"))
SERVERS = ensure(FOLDER, owner="tests")
assert isinstance(SERVERS, Servers)

# Durability is not what these tests look at, and it costs half of their time.
with psycopg.connect(SERVERS.urls.database_url, autocommit=True) as _connection:
    for _setting in ("fsync", "synchronous_commit", "full_page_writes"):
        _connection.execute(f"ALTER SYSTEM SET {_setting} = off")
    _connection.execute("SELECT pg_reload_conf()")

os.environ |= {
    "DATABASE_URL": SERVERS.urls.database_url,
    "REDIS_URL": SERVERS.urls.redis_url,
    "SECRET_KEY": "only for tests, and long enough for them",
    "PUBLIC_URL": "http://news.example.org",
    "MAIL_FROM": "briefs@news.example.org",
    "LOG_LEVEL": "WARNING",
}


@atexit.register
def _stop() -> None:
    assert isinstance(SERVERS, Servers)
    SERVERS.stop()
    shutil.rmtree(FOLDER, ignore_errors=True)
