"""The slow way to one reader's letter: every value in the templates, every header by the stdlib.

Shares nothing with compiling and stamping, so it can say whether they are right.
"""

from __future__ import annotations

from email import message_from_bytes, policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime

from dispatcher.letters.alert import AlertContext
from dispatcher.letters.headers import HeaderFacts
from dispatcher.letters.slots import SlotValues
from tests.letters.samples import RENDERER


def full_render(context: AlertContext, facts: HeaderFacts, values: SlotValues) -> bytes:
    """The alert of this reader as bytes, its headers unfolded (see `max_line_length`)."""
    letter = RENDERER.render("alert", {**context.mapping(), "slots": values})
    message = EmailMessage(policy=policy.SMTP)
    message["From"] = Address(facts.from_name, addr_spec=facts.from_address)
    local_part, _, domain = values.address.rpartition("@")
    message["To"] = Address(values.name, local_part, domain)
    message["Subject"] = facts.subject
    message["Date"] = format_datetime(values.date)
    message["Message-ID"] = values.message_id
    message["Reply-To"] = facts.reply_to
    message["List-Id"] = f"<{facts.list_id}>"
    message["List-Unsubscribe"] = f"<{values.unsubscribe_url}>, <{values.unsubscribe_mailto}>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message["List-Help"] = f"<{facts.list_help}>"
    message["List-Archive"] = f"<{facts.list_archive}>"
    message["Feedback-ID"] = ":".join(facts.feedback_id)
    message["Auto-Submitted"] = "auto-generated"
    message["Precedence"] = "bulk"
    message["X-Auto-Response-Suppress"] = "OOF, AutoReply"
    message.set_content(letter.text, cte="quoted-printable")
    message.add_alternative(letter.html, subtype="html", cte="quoted-printable")
    # Set any earlier, it would move into the first part.
    message["Content-Language"] = facts.language
    # At its usual 78, the stdlib makes an encoded word of a long URL in List-Unsubscribe.
    wide = policy.SMTP.clone(max_line_length=998, utf8=not values.address.isascii())
    return message.as_bytes(policy=wide)


def parsed(raw: bytes) -> EmailMessage:
    message = message_from_bytes(raw, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert isinstance(part, EmailMessage)
    content = part.get_content()
    assert isinstance(content, str)
    return content.replace("\r\n", "\n")
