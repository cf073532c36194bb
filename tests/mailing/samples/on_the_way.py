"""What servers say of a letter that is not lost: it waits, it went on, it arrived, it was read."""

from __future__ import annotations

from collections.abc import Iterator

from tests.mailing.samples.providers import QUOTED, REPORTS
from tests.mailing.samples.sample import READER, Sample, letter, report

GREYLISTED = "450 4.2.0 <{0}>: Recipient address rejected: Greylisted, try again in 300 seconds"
WARNINGS = (  # sender, subject, words
    (
        "MAILER-DAEMON@mx.example.net (Mail Delivery System)",
        "Delayed Mail (still being retried)",
        "THIS IS A WARNING ONLY. YOU DO NOT NEED TO RESEND YOUR MESSAGE.",
    ),
    (
        "Mail Delivery Subsystem <MAILER-DAEMON@sm.example.net>",
        "Warning: could not send message for past 4 hours",
        "** THIS IS A WARNING MESSAGE ONLY **",
    ),
    (
        "Mail Delivery Subsystem <mailer-daemon@mail.example.com>",
        "Delivery Status Notification (Delay)",
        "Delivery incomplete. We will try for 46 more hours.",
    ),
    (
        "<postmaster@contoso.example.com>",
        "Delivery delayed: Ferries run again",
        "This message has not yet been delivered. We will go on trying.",
    ),
)
ARRIVED = {  # RFC 3464 §2.3.3
    "delivered": "2.1.5",
    "relayed": "2.0.0",
    "expanded": "2.6.0",
}


def fields(action: str, status: str, said: str) -> str:
    return f"""Reporting-MTA: dns; mx.example.net

Final-Recipient: rfc822; {READER}
Action: {action}
Status: {status}
Diagnostic-Code: smtp; {said}
Will-Retry-Until: Sat, 28 Nov 2026 09:00:00 +0000"""


def exim_warning(hours: int) -> bytes:
    """For people alone, with no fields."""
    return letter(
        f"""Return-path: <>
From: Mail Delivery System <Mailer-Daemon@exim.example.net>
Auto-Submitted: auto-replied
Subject: Warning: message 1tEXyz-0004Xq-2A delayed {hours} hours""",
        f"""This message was created automatically by mail delivery software.
A message that you sent has not yet been delivered to one or more of its
recipients after more than {hours} hours on the queue on exim.example.net.

The address to which the message has not yet been delivered is:

  {READER}
    host mx.reader.example.net [192.0.2.7]: {GREYLISTED.format(READER)}

No action is required on your part.
""",
    )


def read_receipt(subject: str, disposition: str) -> bytes:
    """RFC 8098, which says of a person's mailbox that it is there."""
    return report(
        f"From: Ada <{READER}>\nSubject: {subject}",
        "This is no guarantee that it was read.",
        f"""Reporting-UA: mail.reader.example.net; Outlook
Final-Recipient: rfc822; {READER}
Original-Message-ID: <0b@news.example.org>
Disposition: automatic-action/MDN-sent-automatically; {disposition}""",
        kind="disposition-notification",
    )


def calendar_reply(subject: str, answer: str) -> bytes:
    return letter(
        f"""From: Ada <{READER}>
Subject: {subject}
MIME-Version: 1.0
Content-Type: multipart/alternative; boundary="cal_7\"""",
        f"""--cal_7
Content-Type: text/plain; charset=utf-8

{subject}
--cal_7
Content-Type: text/calendar; charset=utf-8; method=REPLY

BEGIN:VCALENDAR
METHOD:REPLY
BEGIN:VEVENT
ATTENDEE;PARTSTAT={answer}:mailto:{READER}
UID:550-5.1.1
END:VEVENT
END:VCALENDAR
--cal_7--
""",
    )


def samples() -> Iterator[Sample]:
    for sender, subject, words in WARNINGS:
        said = GREYLISTED.format(READER)
        for quoted in ("", QUOTED):
            octets = report(
                f"Return-Path: <>\nFrom: {sender}\nSubject: {subject}\nAuto-Submitted: auto-replied",
                f"{words}\n\n{READER}: {said}",
                fields("delayed", "4.2.0", said),
                quoted=quoted,
            )
            yield Sample("delayed by name", octets, "delay")
    for form in REPORTS:
        waits = form("4.2.0", GREYLISTED.format(READER))
        if b"ction: failed" in waits:
            yield Sample("greylisted", waits.replace(b"ction: failed", b"ction: delayed"), "delay")
    for action, status in ARRIVED.items():
        for sender in (
            "MAILER-DAEMON@mx.example.net",
            "Mail Delivery System <postmaster@b.example>",
        ):
            octets = report(
                f"Return-Path: <>\nFrom: {sender}\nSubject: Successful Mail Delivery Report",
                f"Your message was {action} to {READER}.",
                fields(action, status, "250 2.0.0 ok; 550 would be another"),
            )
            yield Sample(action, octets, "nothing", address="")
    for hours in (24, 48, 72):
        yield Sample("exim's warning", exim_warning(hours), "delay", address="")
    for subject, disposition in (
        ("Read: Ferries run again", "displayed"),
        ("Not read: Ferries run again", "deleted"),
        ("Gelesen: Ferries run again", "displayed"),
        ("Lu : Ferries run again", "displayed"),
    ):
        yield Sample("read receipt", read_receipt(subject, disposition), "nothing", address="")
    for subject, answer in (
        ("Accepted: Ferries run again", "ACCEPTED"),
        ("Declined: Ferries run again", "DECLINED"),
        ("Tentative: Ferries run again", "TENTATIVE"),
        ("Abgesagt: Ferries run again", "DECLINED"),
        ("Rechazado: Ferries run again", "DECLINED"),
    ):
        yield Sample("calendar", calendar_reply(subject, answer), "nothing", address="")
