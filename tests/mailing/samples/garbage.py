"""What is no report and must come to nothing: spam, noise, bombs."""

from __future__ import annotations

import random
from collections.abc import Iterator

from tests.mailing.samples.reports import postfix
from tests.mailing.samples.sample import READER, Sample, letter

SUBJECTS = ("You have won", "Invoice 4711", "Your parcel", "", "Newsletter of somebody else")


def bomb(depth: int) -> bytes:
    """Parts within parts."""
    head = "".join(
        f'Content-Type: multipart/mixed; boundary="b{level}"\n\n--b{level}\n'
        for level in range(depth)
    )
    return f"From: a@example.net\nMIME-Version: 1.0\n{head}\n".encode()


def wide(parts: int) -> bytes:
    body = "\n".join(f"--b\nContent-Type: text/plain\n\n{number}" for number in range(parts))
    return letter(
        'From: postmaster@example.net\nContent-Type: multipart/report; boundary="b"', body
    )


def million_lines() -> bytes:
    line = f"<{READER}>: 550 5.1.1 user unknown\n"
    return letter("From: someone@example.net\nSubject: long", line * 1_000_000)


def samples() -> Iterator[Sample]:
    noise = random.Random(7)
    for size in (0, 1, 80, 4_000, 200_000):
        yield Sample("noise", noise.randbytes(size), "nothing", address="")
    for subject in SUBJECTS:
        head = f"From: seller@example.com\nSubject: {subject}"
        yield Sample("spam", letter(head, f"Buy. 550 5.1.1 {READER}"), "nothing", address="")
    whole = postfix("5.1.1", "550 5.1.1 no such user")
    for cut in (40, 200):
        yield Sample("cut short", whole[:cut], "nothing", address="")
    yield Sample("bomb", bomb(5_000), "nothing", address="")
    yield Sample("bomb", wide(20_000), "nothing", address="")
