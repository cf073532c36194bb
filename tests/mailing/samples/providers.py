"""Bounces of large providers and gateways, and of servers that write to people, each in its own manner."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator

from tests.mailing.samples.reports import REASONS
from tests.mailing.samples.sample import LETTER_HEAD, READER, Sample, letter, report

QUOTED = f"Content-Type: message/rfc822\n\n{LETTER_HEAD}\nThe ferries run."
FREE = REASONS[:6]  # what a server that knows no report would say at once


def microsoft_365(code: str, said: str) -> bytes:
    """Its words stand in two forms within one another, its fields after theirs."""
    return letter(
        """From: Microsoft Outlook <MicrosoftExchange329e71ec@contoso.example.com>
Subject: Undeliverable: Ferries run again
X-MS-Exchange-Message-Is-Ndr:
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
	boundary="outer_7"
Content-Language: en-GB""",
        f"""--outer_7
Content-Type: multipart/alternative; differences=Content-Type; boundary="inner_7"

--inner_7
Content-Type: text/plain; charset="us-ascii"
Content-Transfer-Encoding: quoted-printable

[Office logo]

Your message to {READER} could not be delivered=2E
--inner_7
Content-Type: text/html; charset="us-ascii"

<html><body><p>Your message to {READER} could not be delivered.</p></body></html>
--inner_7--

--outer_7
Content-Type: message/delivery-status

Reporting-MTA: dns;AM0PR01MB4711.prod.contoso.example.com
Received-From-MTA: dns;news.example.org
Arrival-Date: Mon, 23 Nov 2026 09:00:02 +0000

Final-Recipient: rfc822;{READER}
Action: failed
Status: {code}
Diagnostic-Code: smtp;{said}
Remote-MTA: dns;mx.reader.example.net
X-Display-Name: Ada

--outer_7
{QUOTED}
--outer_7--
""",
    )


def amazon_ses(code: str, said: str) -> bytes:
    return report(
        """From: MAILER-DAEMON@eu-west-1.ses.example.com
Subject: Delivery Status Notification (Failure)
X-SES-Outgoing: 2026.11.23-192.0.2.30""",
        f"An error occurred while trying to deliver the mail to:\n{READER}",
        f"""Reporting-MTA: dsn; b224-14.smtp-out.eu-west-1.ses.example.com

Action: failed
Final-Recipient: rfc822; {READER}
Diagnostic-Code: smtp; {said}
Status: {code}""",
        quoted=QUOTED,
    )


def mimecast(code: str, said: str) -> bytes:
    return report(
        """From: Mail Delivery System <MAILER-DAEMON@eu.gateway.example.com>
Subject: [Postmaster] Email Delivery Failure
Auto-Submitted: auto-generated""",
        f"The e-mail you sent to the following recipient was rejected.\n\n{READER}\n\n{said}",
        f"""Reporting-MTA: dns; eu-smtp-delivery-1.gateway.example.com
Arrival-Date: Mon, 23 Nov 2026 09:00:02 +0000 (UTC)

Original-Recipient: rfc822;{READER}
Final-Recipient: rfc822;{READER}
Action: Failed
Status: {code} (permanent failure)
Remote-MTA: dns; mx.reader.example.net (192.0.2.7)
Diagnostic-Code: smtp; {said}""",
    )


def proofpoint(code: str, said: str) -> bytes:
    return report(
        """Return-Path: <>
From: Mail Delivery Subsystem <MAILER-DAEMON@mx07.pphosted.example.com>
Subject: Returned mail: see transcript for details
Auto-Submitted: auto-generated (failure)
X-Proofpoint-Spam-Details: rule=notspam policy=default score=0""",
        f"   ----- Transcript of session follows -----\n... while talking to mx:\n<<< {said}",
        f"""Reporting-MTA: dns; mx07.pphosted.example.com
Received-From-MTA: DNS; news.example.org
Arrival-Date: Mon, 23 Nov 2026 09:00:02 GMT

Final-Recipient: RFC822; {READER}
X-Actual-Recipient: RFC822; ada@inner.reader.example.net
Action: failed
Status: {code}
Remote-MTA: DNS; mx.reader.example.net
Diagnostic-Code: SMTP; {said}
Last-Attempt-Date: Mon, 23 Nov 2026 09:01:00 GMT""",
        quoted=QUOTED,
    )


def mailgun(code: str, said: str) -> bytes:
    return report(
        """From: Mail Delivery System <postmaster@mg.example.com>
Subject: Delivery Status Notification (Failure)
X-Mailgun-Sid: WyI0NzExIl0=""",
        f"Delivery to {READER} failed for good: {said}",
        f"""Reporting-MTA: dns; mg.example.com

Final-Recipient: rfc822; {READER}
Action: failed
Status: {code}
Diagnostic-Code: smtp; {said}""",
    )


def opensmtpd(code: str, said: str) -> bytes:
    return report(
        """From: Mailer Daemon <MAILER-DAEMON@puffy.example.net>
Subject: Delivery status notification: error""",
        f"Hi!\n\nThis is the MAILER-DAEMON; nobody reads what is sent here.\n\n{READER}: {said}",
        f"""Reporting-MTA: dns; puffy.example.net

Final-Recipient: rfc822; {READER}
Action: failed
Status: {code}
Diagnostic-Code: smtp; {said}""",
    )


def internationalised(code: str, said: str) -> bytes:
    """RFC 6533: the fields in UTF-8, under a type of their own."""
    return report(
        """Return-Path: <>
From: MAILER-DAEMON@mx.example.net (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender""",
        f"<{READER}>: host mx said: {said}",
        f"""Reporting-MTA: dns; mx.example.net
Arrival-Date: Mon, 23 Nov 2026 09:00:02 +0000 (UTC)

Final-Recipient: utf-8; {READER}
Original-Recipient: utf-8;{READER}
Action: failed
Status: {code}
Diagnostic-Code: smtp; {said}""",
        quoted=f"Content-Type: message/global-headers\n\n{LETTER_HEAD}",
    ).replace(b"message/delivery-status", b"message/global-delivery-status")


def in_base64(code: str, said: str) -> bytes:
    """A gateway that encodes what RFC 3464 wants in plain text."""
    fields = f"""Reporting-MTA: dns; gate.example.com

Final-Recipient: rfc822; {READER}
Action: failed
Status: {code}
Diagnostic-Code: smtp; {said}
"""
    return report(
        "From: postmaster@gate.example.com\nSubject: Undeliverable mail", "Not delivered.", "FIELDS"
    ).replace(
        b"message/delivery-status\r\n\r\nFIELDS",
        b"message/delivery-status\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + base64.encodebytes(fields.encode()),
    )


def gmx(code: str, said: str) -> bytes:
    return letter(
        """Return-Path: <>
From: "GMX Mailer Daemon" <mailer-daemon@gmx.example>
Subject: Mail delivery failed: returning message to sender
Auto-Submitted: auto-generated (auto-replied)""",
        f"""This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of
its recipients. This is a permanent error. The following address
failed:

{READER}:
SMTP error from remote server for RCPT TO command, host: mx.reader.example.net (192.0.2.7) reason: {said}

--- The header of the original message is following. ---

{LETTER_HEAD}
""",
    )


def qmail_by_name(code: str, said: str) -> bytes:
    """qmail's own words for somebody who is not there."""
    return letter(
        "Return-Path: <>\nFrom: MAILER-DAEMON@q.example.net\nSubject: failure notice",
        f"""Hi. This is the qmail-send program at q.example.net.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<{READER}>:
{said} (#{code})

--- Below this line is a copy of the message.

{LETTER_HEAD}
""",
    )


Form = Callable[[str, str], bytes]
REPORTS: tuple[Form, ...] = (
    microsoft_365,
    amazon_ses,
    mimecast,
    proofpoint,
    mailgun,
    opensmtpd,
    internationalised,
    in_base64,
)


def several() -> bytes:
    """One report for three recipients: one is not there, one has it, one still may."""
    return report(
        "Return-Path: <>\nFrom: MAILER-DAEMON@mx.example.net\nSubject: Delivery report",
        "Some of it could be delivered.",
        f"""Reporting-MTA: dns; mx.example.net

Final-Recipient: rfc822; bob@reader.example.net
Action: delivered
Status: 2.1.5

Final-Recipient: rfc822; {READER}
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 no such user

Final-Recipient: rfc822; eve@reader.example.net
Action: delayed
Status: 4.2.0""",
    )


def samples() -> Iterator[Sample]:
    for form in REPORTS:
        for code, said in REASONS:
            yield Sample(form.__name__, form(code, said.format(READER)), "bounce", code)
    for code, said in FREE:
        yield Sample("gmx", gmx(code, said.format(READER)), "bounce", code)
    for code, said in (
        ("5.1.1", "Sorry, no mailbox here by that name."),
        ("5.2.2", "The users mailfolder is over the allowed quota (size)."),
        ("5.1.2", "Sorry, I couldn't find any host named reader.example.net."),
    ):
        yield Sample("qmail by name", qmail_by_name(code, said), "bounce", code)
    yield Sample("several recipients", several(), "bounce", "5.1.1")
