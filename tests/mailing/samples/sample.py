"""A sample, and the parts that all of them are made of."""

from __future__ import annotations

from dataclasses import dataclass

READER = "ada@reader.example.net"
TOKEN = "0a" * 14
MESSAGE_ID = f"{'0b' * 15}@news.example.org"
LETTER_HEAD = f"""Return-Path: <bounces+{TOKEN}@news.example.org>
Message-ID: <{MESSAGE_ID}>
From: Meridian Institute <briefs@news.example.org>
To: {READER}
Subject: Ferries run again
Date: Mon, 23 Nov 2026 09:00:00 +0000
List-Unsubscribe-Post: List-Unsubscribe=One-Click
"""


@dataclass(frozen=True, slots=True)
class Sample:
    """`kind` is what it should be taken for, `status` the code that should be read of it, if it matters."""

    family: str
    octets: bytes
    kind: str
    status: str = ""
    address: str = READER


def letter(head: str, body: str) -> bytes:
    """With the line ends of mail."""
    return f"{head.strip()}\n\n{body}".replace("\n", "\r\n").encode()


def report(
    head: str, words: str, fields: str, *, kind: str = "delivery-status", quoted: str = ""
) -> bytes:
    """multipart/report (RFC 6522) of three parts."""
    mark = "=_part_7"
    return letter(
        f"{head.strip()}\nMIME-Version: 1.0\n"
        f'Content-Type: multipart/report; report-type={kind};\n\tboundary="{mark}"',
        f"This is a MIME message.\n\n--{mark}\nContent-Type: text/plain; charset=utf-8\n\n{words}\n"
        f"--{mark}\nContent-Type: message/{kind}\n\n{fields.strip()}\n\n"
        f"--{mark}\n{quoted or f'Content-Type: text/rfc822-headers{chr(10)}{chr(10)}{LETTER_HEAD}'}\n"
        f"--{mark}--\n",
    )
