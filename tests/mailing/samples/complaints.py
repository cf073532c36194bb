"""Abuse reports (RFC 5965) of the providers that send them."""

from __future__ import annotations

from collections.abc import Iterator

from tests.mailing.samples.sample import LETTER_HEAD, READER, TOKEN, Sample, letter, report

SENDERS = (
    "staff@hotmail.example",
    "feedback@arf.mail.example",
    "fbl@provider.example",
    "abuse@isp.example",
)
KINDS = {
    "abuse": "complaint",
    "opt-out": "opt-out",
    "fraud": "feedback",
    "virus": "feedback",
    "not-spam": "feedback",
    "auth-failure": "feedback",
    "other": "feedback",
}


def arf(sender: str, feedback: str, *, is_redacted: bool) -> bytes:
    named = "" if is_redacted else f"Original-Rcpt-To: {READER}\n"
    return report(
        f"From: {sender}\nSubject: complaint about message from 192.0.2.1",
        "This is an email abuse report.",
        f"""Feedback-Type: {feedback}
User-Agent: Loop/1.0
Version: 1
Original-Mail-From: <bounces+{TOKEN}@news.example.org>
{named}Source-IP: 192.0.2.1""",
        kind="feedback-report",
        quoted=f"Content-Type: message/rfc822\n\n{LETTER_HEAD}\nThe ferries run.",
    )


def yahoo() -> bytes:
    return report(
        "From: MAILER-DAEMON@feedback.example.com\nSubject: Yahoo! Mail Feedback Loop",
        "This is an email abuse report.",
        f"""Feedback-Type: abuse
User-Agent: Yahoo!-Mail-Feedback/2.0
Version: 0.1
Original-Mail-From: <bounces+{TOKEN}@news.example.org>
Original-Rcpt-To: {READER}
Received-Date: Mon, 23 Nov 2026 09:00:02 UTC
Reported-Domain: news.example.org
Authentication-Results: mta4711.example.com; dkim=pass header.i=@news.example.org""",
        kind="feedback-report",
        quoted=f"Content-Type: message/rfc822\nContent-Disposition: inline\n\n{LETTER_HEAD}\nThe ferries run.",
    )


def comcast() -> bytes:
    """The recipient made unreadable, the fields after what a vendor adds."""
    return report(
        "From: feedback@fbl.example.net\nSubject: [FBL] 192.0.2.1",
        "A customer has reported this message as spam.",
        f"""Version: 1
User-Agent: ReturnPathFBL/1.0
Abuse-Type: complaint
Feedback-Type: abuse
Arrival-Date: Mon, 23 Nov 2026 09:00:02 +0000
Source-IP: 192.0.2.1
Original-Rcpt-To: 4a5d7f6e@redacted.example.net
Original-Mail-From: bounces+{TOKEN}@news.example.org""",
        kind="feedback-report",
        quoted=f"Content-Type: text/rfc822-headers\n\n{LETTER_HEAD}",
    )


def outlook(*, names_reader: bool = True) -> bytes:
    """No report: the letter itself, with a field of the provider's among those of its head."""
    named = f"X-HmXmrOriginalRecipient: {READER}\n" if names_reader else ""
    return letter(
        """From: staff@hotmail.com
Subject: complaint about message from 192.0.2.1
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="jmrp_7\"""",
        f"""--jmrp_7
Content-Type: message/rfc822
Content-Disposition: inline

{named}X-HmXmrOriginalSender: bounces+{TOKEN}@news.example.org
{LETTER_HEAD}
The ferries run.
--jmrp_7--
""",
    )


def samples() -> Iterator[Sample]:
    yield Sample("ARF of Yahoo", yahoo(), "complaint")
    yield Sample("ARF of Comcast", comcast(), "complaint", address="4a5d7f6e@redacted.example.net")
    yield Sample("JMRP of Outlook", outlook(), "complaint")
    yield Sample("JMRP, forwarded", outlook(names_reader=False), "nothing", address="")
    for sender in SENDERS:
        for feedback, kind in KINDS.items():
            for is_redacted in (False, True):
                octets = arf(sender, feedback, is_redacted=is_redacted)
                yield Sample(f"ARF {feedback}", octets, kind, address="" if is_redacted else READER)
