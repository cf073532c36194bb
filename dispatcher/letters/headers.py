"""The headers of a letter, in order: who it is from, what it is, and how to leave.

Decides what bulk mail must say of itself (RFC 2369, 2919, 3834, 8058) and encodes what is the same
for every reader; `PerReader` headers are filled in when the letter is stamped.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from dispatcher.letters.encoding import mailbox, unstructured
from dispatcher.letters.slots import UnsafeValue, check_address, check_url, one_line

_LIST_ID = re.compile(r"[A-Za-z0-9\-_]+(?:\.[A-Za-z0-9\-_]+)+")
_FEEDBACK_PART = re.compile(r"[A-Za-z0-9.\-_]{1,60}")
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")


@dataclass(frozen=True, slots=True)
class PerReader:
    """A header's value with `{slot}` where each reader's own value goes."""

    template: str


Headers = Mapping[str, str | PerReader]


@dataclass(frozen=True, slots=True)
class HeaderFacts:
    """What the headers of one dispatch are made of.

    `list_id` is `name.host` without angle brackets; `feedback_id` has up to four parts, the sender
    last; addresses have ASCII domains. Empty optional parts leave their header out.
    """

    subject: str
    from_name: str
    from_address: str
    list_id: str
    list_help: str
    list_archive: str = ""
    reply_to: str = ""
    feedback_id: tuple[str, ...] = ()
    language: str = ""


def headers(facts: HeaderFacts) -> Headers:
    """The headers of every letter of a dispatch, in order, as they stand on the wire.

    Raises UnsafeValue, naming the fact, for one that no header may hold.
    """
    subject = one_line("subject", facts.subject)
    if not subject:
        raise UnsafeValue("The value of “subject” is empty.")
    _check_facts(facts)
    from_name = one_line("from_name", facts.from_name)
    built: dict[str, str | PerReader] = {
        "From": mailbox("From", from_name, facts.from_address),
        "To": PerReader("{to}"),
        "Subject": unstructured("Subject", subject),
        "Date": PerReader("{date}"),
        "Message-ID": PerReader("{message_id}"),
        "Reply-To": facts.reply_to,
        "Content-Language": facts.language,
        "List-Id": f"<{facts.list_id}>",
        "List-Unsubscribe": PerReader("<{unsubscribe_url}>,\r\n <{unsubscribe_mailto}>"),
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "List-Help": f"<{facts.list_help}>",
        "List-Archive": f"<{facts.list_archive}>" if facts.list_archive else "",
        "Feedback-ID": ":".join(facts.feedback_id),
        "Auto-Submitted": "auto-generated",
        "Precedence": "bulk",
        "X-Auto-Response-Suppress": "OOF, AutoReply",
    }
    return {name: value for name, value in built.items() if value}


def _check_facts(facts: HeaderFacts) -> None:
    _check_ascii_address("from_address", facts.from_address)
    if facts.reply_to:
        _check_ascii_address("reply_to", facts.reply_to)
    check_url("list_help", facts.list_help)
    if facts.list_archive:
        check_url("list_archive", facts.list_archive)
    if not _LIST_ID.fullmatch(facts.list_id) or len(facts.list_id) > 255:
        raise UnsafeValue("The value of “list_id” is not of the form name.host (RFC 2919 §2).")
    if len(facts.feedback_id) > 4 or not all(map(_FEEDBACK_PART.fullmatch, facts.feedback_id)):
        raise UnsafeValue("The value of “feedback_id” is not up to four plain words.")
    if facts.language and not _LANGUAGE.fullmatch(facts.language):
        raise UnsafeValue("The value of “language” is no BCP 47 tag.")


def _check_ascii_address(fact: str, address: str) -> None:
    check_address(fact, address)
    if not address.isascii():
        raise UnsafeValue(f"The value of “{fact}” must be ASCII, or relays without SMTPUTF8 fail.")
