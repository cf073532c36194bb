"""The embedded servers: who owns them, what a second command does, what is left behind."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import psutil
import psycopg
import pytest
from redis import Redis

from dispatcher.local.servers import CannotStart, Servers, Urls, ensure, secret_key


def running(folder: Path) -> list[psutil.Process]:
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if str(folder) in " ".join(process.info["cmdline"] or ())
    ]


def test_servers_keep_their_data_serve_others_and_leave_no_process(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    own = ensure(folder, owner="up")
    assert isinstance(own, Servers)
    try:
        with psycopg.connect(own.urls.database_url) as connection:
            connection.execute("CREATE TABLE kept (n int)")
        with Redis.from_url(own.urls.redis_url) as valkey:
            valkey.set("kept", "yes")
        assert ensure(folder, owner="command") == own.urls
        with pytest.raises(CannotStart, match="up already"):
            ensure(folder, owner="up")
        for private, rights in (("servers.json", 0o600), ("valkey", 0o700), ("postgres", 0o700)):
            assert stat.S_IMODE((folder / private).stat().st_mode) == rights
    finally:
        own.stop()
    own.stop()
    assert running(folder) == []
    assert not (folder / "servers.json").exists()

    again = ensure(folder, owner="command")
    assert isinstance(again, Servers)
    try:
        with psycopg.connect(again.urls.database_url) as connection:
            assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)
        with Redis.from_url(again.urls.redis_url) as valkey:
            assert valkey.get("kept") == b"yes"
    finally:
        again.stop()


def test_a_note_of_servers_that_are_gone_is_not_believed(tmp_path: Path) -> None:
    (tmp_path / "servers.json").write_text(
        json.dumps({"database_url": "x", "redis_url": "y", "owner": "up"})
    )
    own = ensure(tmp_path, owner="command")
    assert not isinstance(own, Urls)
    own.stop()


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotStart, match="set DISPATCHER_DATA"):
        ensure(tmp_path / "file" / "data", owner="up")


def test_the_secret_is_made_once_and_is_private(tmp_path: Path) -> None:
    secret = secret_key(tmp_path)
    assert len(secret) >= 50
    assert secret_key(tmp_path) == secret
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600
