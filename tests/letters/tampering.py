"""What may happen to a signed letter on its way, harmful or not."""

from __future__ import annotations

import re
from collections.abc import Callable

Tamper = Callable[[bytes], bytes]


def replaced(old: bytes, new: bytes) -> Tamper:
    def tamper(raw: bytes) -> bytes:
        assert old in raw
        return raw.replace(old, new, 1)

    return tamper


def added(field: bytes) -> Tamper:
    """On top of the letter's headers, as a relay would add it."""
    return lambda raw: field + b"\r\n" + raw


def appended(field: bytes) -> Tamper:
    """Under the letter's headers, where a signature is checked first."""
    return replaced(b"\r\n\r\n", b"\r\n" + field + b"\r\n\r\n")


def removed(name: bytes) -> Tamper:
    def tamper(raw: bytes) -> bytes:
        less, times = re.subn(rb"(?m)^%b: .*\r\n(?: .*\r\n)*" % name, b"", raw, count=1)
        assert times
        return less

    return tamper


HARM: dict[str, Tamper] = {
    "another List-Unsubscribe": replaced(b"<https://briefs.example.org/u/", b"<https://x.example/"),
    "another unsubscribe address": replaced(b"<mailto:leave+", b"<mailto:stay+"),
    "a second List-Unsubscribe": added(b"List-Unsubscribe: <https://x.example/>"),
    "a second List-Unsubscribe below": appended(b"List-Unsubscribe: <https://x.example/>"),
    "no List-Unsubscribe-Post": removed(b"List-Unsubscribe-Post"),
    "no List-Id": removed(b"List-Id"),
    "another From": replaced(b"From: Harbour", b"From: Harbor"),
    "a second From": added(b"From: Mallory <m@example.net>"),
    "a second From below": appended(b"From: Mallory <m@example.net>"),
    "another Subject": replaced(b"Subject: Strait", b"Subject: Straight"),
    "a second Subject": added(b"Subject: Win a ferry"),
    "another To": replaced(b"To: Ada ", b"To: Bob "),
    "another Date": replaced(b"Date: Thu, 02 Mar 2023", b"Date: Fri, 03 Mar 2023"),
    "another Message-ID": replaced(b"Message-ID: <17.", b"Message-ID: <18."),
    "another Reply-To": replaced(b"Reply-To: editors@", b"Reply-To: mallory@"),
    "another Feedback-ID": replaced(b"Feedback-ID: d17", b"Feedback-ID: d18"),
    "another boundary": replaced(b'boundary="=_', b'boundary="=='),
    "another text": replaced(b"Two ferries", b"Six ferries"),
    "another link": replaced(b"\r\nhttps://briefs.example.org/r/", b"\r\nhttps://x.example/r/"),
    "something after the end": lambda raw: raw + b"<p>Win a ferry</p>\r\n",
    "another time of signing": lambda raw: raw.replace(b" t=17", b" t=16"),
}
HARMLESS: dict[str, Tamper] = {
    "nothing": lambda raw: raw,
    "headers of the way": added(
        b"Received: from a.example by b.example; Thu, 02 Mar 2023 09:31:00 +0000"
    ),
    "a header in one line": replaced(b",\r\n <mailto:", b", <mailto:"),
    "a header in more lines": replaced(b"Subject: Strait ", b"subject:  Strait\r\n\t "),
    "white space at the ends of lines": replaced(b"EXPERT ANALYSIS\r\n", b"EXPERT ANALYSIS \t\r\n"),
    "empty lines at the end": lambda raw: raw + b"\r\n\r\n",
}
