"""Delivery status notifications (RFC 3464), in the manner of each server and for each reason."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tests.mailing.samples.sample import LETTER_HEAD, READER, Sample, report

# The code, and how a server that refuses says so.
REASONS = (
    ("5.1.1", "550 5.1.1 <{0}>: Recipient address rejected: User unknown in virtual mailbox table"),
    (
        "5.1.2",
        "550 5.1.2 Host or domain name not found. Name service error for name=reader.example.net",
    ),
    (
        "5.1.10",
        "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient {0} not found by SMTP address lookup",
    ),
    ("5.2.1", "550 5.2.1 The email account that you tried to reach is disabled"),
    ("5.2.2", "552 5.2.2 The recipient's inbox is out of storage space"),
    ("5.7.1", "554 5.7.1 Service unavailable; client host blocked by a block list"),
    ("5.7.26", "550 5.7.26 This mail is unauthenticated, which poses a security risk"),
    ("4.4.1", "451 4.4.1 connect to mx.reader.example.net: Connection timed out"),
    ("4.4.7", "421 4.4.7 Message expired: delivery time exceeded"),
)

Form = Callable[[str, str], bytes]


def postfix(code: str, said: str) -> bytes:
    return report(
        """Return-Path: <>
From: MAILER-DAEMON@mx.example.net (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied""",
        f"This server could not deliver the message below.\n\n<{READER}>: host mx said: {said}",
        f"""Reporting-MTA: dns; mx.example.net
X-Postfix-Queue-ID: 4Z9k0Q1
Arrival-Date: Mon, 23 Nov 2026 09:00:02 +0000 (UTC)

Final-Recipient: rfc822; {READER}
Original-Recipient: rfc822;{READER}
Action: failed
Status: {code}
Remote-MTA: dns; mx.reader.example.net
Diagnostic-Code: smtp; {said}""",
    )


def exim(code: str, said: str) -> bytes:
    return report(
        f"""Return-path: <>
From: Mail Delivery System <Mailer-Daemon@exim.example.net>
Subject: Mail delivery failed: returning message to sender
X-Failed-Recipients: {READER}
Auto-Submitted: auto-replied""",
        f"A message of yours found no way.\n\n  {READER}\n    SMTP error after RCPT TO: {said}",
        f"""Reporting-MTA: dns; exim.example.net

Action: failed
Final-Recipient: rfc822;{READER}
Status: 5.0.0
Remote-MTA: dns; mx.reader.example.net
Diagnostic-Code: smtp; {said}""",
    )


def sendmail(code: str, said: str) -> bytes:
    return report(
        """From: Mail Delivery Subsystem <MAILER-DAEMON@sm.example.net>
Subject: Returned mail: see transcript for details
Auto-Submitted: auto-generated (failure)""",
        f"   ----- The following addresses had permanent fatal errors -----\n<{READER}>\n    (reason: {said})",
        f"""Reporting-MTA: dns; sm.example.net
Received-From-MTA: DNS; news.example.org

Final-Recipient: RFC822; {READER}
Action: failed
Status: {code}
Diagnostic-Code: SMTP; {said}
Last-Attempt-Date: Mon, 23 Nov 2026 09:01:00 GMT""",
        quoted=f"Content-Type: message/rfc822\n\n{LETTER_HEAD}\nThe ferries run.",
    )


def exchange(code: str, said: str) -> bytes:
    return report(
        """From: <postmaster@contoso.example.com>
Subject: Undeliverable: Ferries run again
X-MS-Exchange-Message-Is-Ndr:
Auto-Submitted: auto-replied""",
        f"Delivery has failed to these recipients:\n\n{READER}\nThe server said: {said}",
        f"""Reporting-MTA: dns;EX01.contoso.example.com

Final-recipient: RFC822;{READER}
Action: failed
Status: {code}
Diagnostic-code: smtp;{said}
X-Display-Name: Ada""",
        quoted=f"Content-Type: message/rfc822\n\n{LETTER_HEAD}\nThe ferries run.",
    )


def gmail(code: str, said: str) -> bytes:
    return report(
        f"""From: Mail Delivery Subsystem <mailer-daemon@mail.example.com>
To: bounces@news.example.org
Subject: Delivery Status Notification (Failure)
X-Failed-Recipients: {READER}
Auto-Submitted: auto-replied""",
        f"** Address not found **\n\nYour message was not delivered to {READER}.\n\n{said}",
        f"""Reporting-MTA: dns; mail.example.com
Arrival-Date: Mon, 23 Nov 2026 01:00:01 -0800 (PST)

Final-Recipient: rfc822; {READER}
Action: failed
Status: {code}
Diagnostic-Code: smtp; {said}
Last-Attempt-Date: Mon, 23 Nov 2026 01:00:02 -0800 (PST)""",
        quoted=f"Content-Type: message/rfc822\n\n{LETTER_HEAD}\nThe ferries run.",
    )


def courier(code: str, said: str) -> bytes:
    return report(
        """From: "Courier mail server at courier.example.net" <@>
Return-Path: <>
Subject: NOTICE: mail delivery status.""",
        f"UNDELIVERABLE MAIL\n\n<{READER}>:\n   >>> RCPT TO:<{READER}>\n   <<< {said}",
        f"""Reporting-MTA: dns; courier.example.net

Final-Recipient: rfc822; {READER}
Action: failed
Status: {code}
Diagnostic-Code: smtp; {said}""",
    )


def domino(code: str, said: str) -> bytes:
    return report(
        """From: Postmaster@domino.example.com
Subject: DELIVERY FAILURE: User not listed in Directory""",
        "Your document could not be delivered.",
        f"""Reporting-MTA: dns;domino.example.com

Final-Recipient: rfc822;{READER}
Action: failed
Status: {code}
Diagnostic-Code: X-Notes; {said}""",
    )


def zimbra(code: str, said: str) -> bytes:
    """Its words are in Spanish, its fields folded."""
    return report(
        """From: MAILER-DAEMON@zimbra.example.org (Sistema de correo)
Subject: =?utf-8?q?Correo_no_entregado_devuelto_al_remitente?=
Auto-Submitted: auto-replied""",
        f"No se ha podido entregar el mensaje a {READER}.",
        f"""Reporting-MTA: dns; zimbra.example.org

Final-Recipient: rfc822; {READER}
Action: failed
Status: {code}
Diagnostic-Code: smtp;
    {said}""",
    )


def without_action(code: str, said: str) -> bytes:
    """An old gateway that leaves Action out and writes addresses in angle brackets."""
    return report(
        "From: postmaster@gate.example.com\nSubject: Undeliverable mail",
        "Not delivered.",
        f"""Reporting-MTA: dns; gate.example.com

Final-Recipient: rfc822; <{READER}>
Status: {code}
Diagnostic-Code: {said}""",
    )


FORMS: tuple[Form, ...] = (
    postfix,
    exim,
    sendmail,
    exchange,
    gmail,
    courier,
    domino,
    zimbra,
)


def samples() -> Iterator[Sample]:
    for form in FORMS:
        for code, said in REASONS:
            yield Sample(form.__name__, form(code, said.format(READER)), "bounce", code)
    for code, said in REASONS[:6]:
        octets = without_action(code, said.format(READER))
        yield Sample("without action", octets, "bounce", code)
    for form in FORMS:
        told = form("4.4.1", "451 4.4.1 no answer yet").replace(
            b"Action: failed", b"Action: delayed"
        )
        yield Sample("delayed", told.replace(b"Status: 5.0.0", b"Status: 4.4.1"), "delay")
        done = form("2.0.0", "250 2.0.0 ok").replace(b"Action: failed", b"Action: delivered")
        yield Sample("delivered", done.replace(b"Status: 5.0.0", b"Status: 2.0.0"), "nothing")
