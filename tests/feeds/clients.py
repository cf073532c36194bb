"""Feed readers as people have them, run on addresses: Debian's newsboat and rss2email.

Each keeps what it has in a folder of its own, made in the one that it is given. Whoever asks for one is
skipped where it is not installed.
"""

from __future__ import annotations

import mailbox
import shutil
import sqlite3
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path

import pytest


@dataclass(frozen=True, slots=True)
class Read:
    """What a feed reader has of an entry."""

    id: str
    title: str
    url: str
    published: datetime
    content: str


class Newsboat:
    """newsboat with these feeds; what it has lies in its cache, an SQLite file."""

    def __init__(self, folder: Path, urls: Sequence[str]) -> None:
        self._command, self._folder = _installed("newsboat"), folder / "newsboat"
        self._folder.mkdir()
        (self._folder / "urls").write_text("\n".join(urls) + "\n", encoding="utf-8")
        (self._folder / "config").touch()

    def poll(self) -> None:
        files = ("-u", "urls", "-c", "cache.db", "-C", "config")
        _run((self._command, *files, "-x", "reload"), self._folder)

    def entries(self) -> list[Read]:
        """Newest first, an id once however many feeds have it."""
        query = (
            "SELECT guid, title, url, pubDate, content FROM rss_item ORDER BY pubDate DESC, guid"
        )
        cache = sqlite3.connect(self._folder / "cache.db")
        try:
            return [
                Read(guid, title, url, datetime.fromtimestamp(date, UTC), content)
                for guid, title, url, date, content in cache.execute(query)
            ]
        finally:
            cache.close()


class Rss2Email:
    """rss2email with these feeds; it writes a letter for every entry that it did not have."""

    def __init__(self, folder: Path, urls: Sequence[str]) -> None:
        self._command, self._folder = _installed("r2e"), folder / "rss2email"
        self._folder.mkdir()
        (self._folder / "config").write_text(
            "[DEFAULT]\nfrom = feeds@example.org\nto = reader@example.org\nhtml-mail = True\n"
            f"email-protocol = maildir\nmaildir-path = {self._folder}\nmaildir-mailbox = inbox\n",
            encoding="utf-8",
        )
        for number, url in enumerate(urls):
            self._r2e("add", f"feed{number}", url)

    def poll(self) -> None:
        self._r2e("run")

    def letters(self) -> list[EmailMessage]:
        box = mailbox.Maildir(self._folder / "inbox")
        parser = BytesParser(policy=policy.default)
        return [parser.parsebytes(box.get_bytes(key)) for key in sorted(box.keys())]

    def _r2e(self, *said: str) -> None:
        _run((self._command, "-c", "config", "-d", "data.json", *said), self._folder)


def _installed(name: str) -> str:
    command = shutil.which(name)
    if command is None:
        pytest.skip(f"{name} is not installed here")
    return command


def _run(command: Sequence[str], folder: Path) -> None:
    done = subprocess.run(
        command,
        cwd=folder,
        env={"HOME": str(folder), "LANG": "C.UTF-8", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "rror" not in done.stderr, done.stderr
