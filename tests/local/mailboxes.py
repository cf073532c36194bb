"""A running mailbox for tests: the real process on free ports, talked to by SMTP and HTTP."""

from __future__ import annotations

import json
import smtplib
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from dispatcher.local.maildir import Stored, messages

COMMAND = (sys.executable, "-m", "dispatcher.local.mailbox")


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass(frozen=True, slots=True)
class Mailbox:
    folder: Path
    process: subprocess.Popen[str]
    smtp_port: int
    http_port: int

    def smtp(self) -> smtplib.SMTP:
        return smtplib.SMTP("127.0.0.1", self.smtp_port, timeout=10)

    def send(self, data: bytes, to: str, *, sender: str = "briefs@example.org") -> Stored:
        """Hand one letter over and find what was kept of it."""
        options = ["BODY=8BITMIME"] if to.isascii() else ["BODY=8BITMIME", "SMTPUTF8"]
        with self.smtp() as smtp:
            assert smtp.sendmail(sender, [to], data, mail_options=options) == {}
        return self.kept(to)[-1]

    def kept(self, to: str) -> list[Stored]:
        return [letter for letter in messages(self.folder) if letter.to == to]

    def get(self, path: str, *, host: str = "", method: str = "GET") -> Reply:
        connection = HTTPConnection("127.0.0.1", self.http_port, timeout=10)
        try:
            connection.request(method, path, headers={"Host": host} if host else {})
            answer = connection.getresponse()
            return Reply(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            connection.close()

    def count(self) -> int:
        count = json.loads(self.get("/count").body)["count"]
        assert isinstance(count, int)
        return count


@contextmanager
def running(folder: Path) -> Iterator[Mailbox]:
    """A mailbox process on free ports of loopback; it is ended, and waited for, in any case."""
    places = ("--folder", str(folder), "--smtp", "127.0.0.1:0", "--http", "localhost:0")
    with subprocess.Popen([*COMMAND, *places], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            urls = json.loads(process.stdout.readline())
            ports = (urlsplit(urls[name]).port or 0 for name in ("smtp", "http"))
            yield Mailbox(folder, process, *ports)
        finally:
            process.terminate()
