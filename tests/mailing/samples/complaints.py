"""Abuse reports (RFC 5965) of the providers that send them."""

from __future__ import annotations

from collections.abc import Iterator

from tests.mailing.samples.sample import LETTER_HEAD, READER, TOKEN, Sample, report

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


def samples() -> Iterator[Sample]:
    for sender in SENDERS:
        for feedback, kind in KINDS.items():
            for is_redacted in (False, True):
                octets = arf(sender, feedback, is_redacted=is_redacted)
                yield Sample(f"ARF {feedback}", octets, kind, address="" if is_redacted else READER)
