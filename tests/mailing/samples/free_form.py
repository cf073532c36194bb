"""Bounces that are written for people alone, in the manner of servers that know no report."""

from __future__ import annotations

from collections.abc import Iterator

from tests.mailing.samples.sample import LETTER_HEAD, READER, Sample, letter

WORDS = (
    ("5.1.1", "550 5.1.1 no such user here"),
    ("5.1.1", "550 user unknown"),
    ("5.2.2", "552 5.2.2 mailbox is full"),
    ("5.0.0", "554 delivery error"),
    ("5.7.1", "550 5.7.1 message refused by policy"),
)


def qmail(said: str) -> bytes:
    return letter(
        "Return-Path: <>\nFrom: MAILER-DAEMON@qmail.example.net\nSubject: failure notice",
        f"""Hi. This is the qmail-send program at qmail.example.net.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<{READER}>:
192.0.2.7 does not like recipient.
Remote host said: {said}
Giving up on 192.0.2.7.

--- Below this line is a copy of the message.

{LETTER_HEAD}
The ferries run.
""",
    )


def exim_of_old(said: str) -> bytes:
    return letter(
        f"""Return-path: <>
From: Mail Delivery System <Mailer-Daemon@old.example.net>
X-Failed-Recipients: {READER}
Auto-Submitted: auto-replied
Subject: Mail delivery failed: returning message to sender""",
        f"""This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:

  {READER}
    SMTP error from remote mail server after RCPT TO:<{READER}>:
    host mx.reader.example.net [192.0.2.7]: {said}

------ This is a copy of the message, including all the headers. ------

{LETTER_HEAD}
""",
    )


def yahoo(said: str) -> bytes:
    return letter(
        "From: MAILER-DAEMON@yahoo.com\nSubject: Failure Notice\nReturn-Path: <>",
        f"""Sorry, we were unable to deliver your message to the following address.

<{READER}>:
{said}

--- Below this line is a copy of the message.

{LETTER_HEAD}
""",
    )


def sendmail_of_old(said: str) -> bytes:
    return letter(
        "From: Mail Delivery Subsystem <MAILER-DAEMON@sm8.example.net>\nSubject: Returned mail: User unknown",
        f"""The original message was received at Mon, 23 Nov 2026 09:00:00 GMT

   ----- The following addresses had permanent fatal errors -----
<{READER}>

   ----- Transcript of session follows -----
... while talking to mx.reader.example.net.:
>>> RCPT To:<{READER}>
<<< {said}

   ----- Original message follows -----

{LETTER_HEAD}
""",
    )


def samples() -> Iterator[Sample]:
    for form in (qmail, exim_of_old, yahoo, sendmail_of_old):
        for code, said in WORDS:
            yield Sample(form.__name__, form(said), "bounce", code)
