"""What mail that comes back means: a bounce, a complaint, a vacation note, a wish to leave, or nothing.

Octets in, values out; whom a report is about, and whether it is believed, is `receipts`' to say. Nothing
is raised, whatever comes, and no more is read of a message than what a report of ours would have.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import Message
from enum import StrEnum
from itertools import islice

from flufl.bounce import all_failures

from dispatcher.mailing.autoreplies import is_auto_reply, is_from_a_mail_server

LARGEST = 512 * 1024  # octets; a report quotes one letter of ours, and those are smaller
MOST_BOUNDARIES = 20  # a report has three parts, and what it quotes a few; more is a bomb
MOST_DELIMITERS = (
    500  # lines that begin as one between parts does, rules between paragraphs included
)
MOST_LINES = 4_000  # of free form are looked at line by line
MOST_RECIPIENTS = 20

_BOUNDARY = re.compile(rb"boundary\s*=", re.IGNORECASE)
_DELIMITER = re.compile(rb"^--", re.MULTILINE)
_ENHANCED = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")  # RFC 3463 §2
_REPLY = re.compile(r"(?<![\d.])([45])\d\d(?=[ -])")  # RFC 5321 §4.2
_ADDRESS = re.compile(r"[^\s<>;,\"]{1,255}@[^\s<>;,\"]{1,255}")
_RETURN_PATH = re.compile(rb"bounces\+([0-9a-fA-F]{20,100})@", re.IGNORECASE)
_WAY_OUT = re.compile(r"unsubscribe(?:\+|\s+)([0-9a-fA-F]{20,100})(?![0-9a-zA-Z])", re.IGNORECASE)
_MESSAGE_ID = re.compile(rb"^[> \t]*message-id:\s*<([^<>\s]{3,250})>", re.IGNORECASE | re.MULTILINE)
# A field of the head of a letter of ours, in all of its lines, and the tokens in its two addresses.
_LEAVING = re.compile(
    rb"^[> \t]*list-unsubscribe:[^\n]{0,1000}(?:\n[> \t]*[ \t][^\n]{0,1000}){0,4}",
    re.IGNORECASE | re.MULTILINE,
)
_LINK = re.compile(
    rb"(?:/leave/|unsubscribe(?:\+|%20))([0-9a-f]{20,100})(?![0-9a-z])", re.IGNORECASE
)
_DELIVERY_STATUS = {"message/delivery-status", "message/global-delivery-status"}  # RFC 3464, 6533
_NOBODY = re.compile(
    r"user unknown|unknown user|no such (?:user|mailbox|address)|does not exist|doesn't have an? "
    r"|mailbox not found|address unknown|unknown recipient|no mailbox here|not listed in|user not found",
    re.IGNORECASE,
)


class Kind(StrEnum):
    BOUNCE = "bounce"
    DELAY = "delay"  # a server still tries
    COMPLAINT = "complaint"  # feedback type abuse
    OPT_OUT = "opt-out"
    FEEDBACK = "feedback"  # of any other type
    UNSUBSCRIBE = "unsubscribe"
    AUTO_REPLY = "auto-reply"
    NOTHING = "nothing"


FEEDBACK = frozenset((Kind.COMPLAINT, Kind.OPT_OUT, Kind.FEEDBACK))  # RFC 5965


@dataclass(frozen=True, slots=True)
class Recipient:
    """Whom a server could not serve. `status` is an enhanced code (RFC 3463), empty if none is said."""

    address: str
    status: str = ""
    diagnostic: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """`tokens` are of return paths named anywhere, `ways_out` of letters to leave by. What came back has the
    `message_ids`, and `links` to leave by in its head. All of it is what the message says, and may be forged.
    """

    kind: Kind
    recipients: tuple[Recipient, ...] = ()
    tokens: tuple[str, ...] = ()
    message_ids: tuple[str, ...] = ()
    ways_out: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    feedback: str = ""


Judged = tuple[Kind, tuple[Recipient, ...], str]  # and the type of feedback


def read(octets: bytes, *, to: str = "") -> Report:
    """What a message means that came for `to`, its envelope recipient if that is known. Never raises."""
    octets = _bounded(octets)
    try:
        message = message_from_bytes(octets, policy=policy.compat32)
        kind, recipients, feedback = _judged(message)
        ways_out = _ways_out(message, to)
    except Exception:  # noqa: BLE001  the standard library's parser raises many a thing on garbage
        return Report(Kind.NOTHING)
    if ways_out and kind in {Kind.NOTHING, Kind.AUTO_REPLY}:
        kind = Kind.UNSUBSCRIBE
    returned = octets.partition(b"\n\n")[2]
    return Report(
        kind=kind,
        recipients=recipients[:MOST_RECIPIENTS],
        tokens=_found(_RETURN_PATH, to.encode("utf-8", "replace") + b"\n" + octets),
        message_ids=_found(_MESSAGE_ID, returned),
        ways_out=ways_out,
        links=_found(_LINK, b"\n".join(_LEAVING.findall(returned))),
        feedback=feedback,
    )


def _bounded(octets: bytes) -> bytes:
    octets = octets[:LARGEST].replace(b"\r\n", b"\n")
    for pattern, most in ((_BOUNDARY, MOST_BOUNDARIES), (_DELIMITER, MOST_DELIMITERS)):
        one_too_many = next(islice(pattern.finditer(octets), most, None), None)
        if one_too_many:
            octets = octets[: one_too_many.start()]
    return octets


def _judged(message: Message) -> Judged:
    """The first form that fits, from the most exact to the least."""
    if found := _by_its_fields(message):
        return found
    if is_auto_reply(message):
        return Kind.AUTO_REPLY, (), ""
    if is_from_a_mail_server(message) or message.get_content_type() == "multipart/report":
        return (*_free_form(message), "")
    return Kind.NOTHING, (), ""


def _by_its_fields(message: Message) -> Judged | None:
    """What was written for programs, in a form of its own or in a field among others."""
    for part in _parts(message):
        if part.get_content_type() in _DELIVERY_STATUS:
            return (*_delivery_status(part), "")
        if part.get_content_type() == "message/feedback-report":
            return _feedback(part)
    if address := _reported(message):
        return Kind.COMPLAINT, (Recipient(address),), "abuse"
    if message.get_all("X-Failed-Recipients"):
        return Kind.BOUNCE, _failed_recipients(message), ""
    return None


def _parts(message: Message) -> Iterator[Message]:
    """The parts of the report itself, not those of the letter that it quotes."""
    yield message
    for part in _within(message):
        yield part
        if part.get_content_type().startswith("multipart/"):
            yield from _within(part)


def _within(message: Message) -> list[Message]:
    payload = message.get_payload()
    parts = payload if isinstance(payload, list) else []
    return [part for part in parts[:MOST_BOUNDARIES] if isinstance(part, Message)]


def _delivery_status(part: Message) -> tuple[Kind, tuple[Recipient, ...]]:
    """RFC 3464 §2.3: a group of fields for each recipient."""
    failed, is_delayed = [], False
    for group in _groups(part):
        address = _address(group.get("Final-Recipient")) or _address(
            group.get("Original-Recipient")
        )
        if not address:
            continue
        diagnostic = _said(group.get("Diagnostic-Code"))
        status = _status(_said(group.get("Status")), diagnostic)
        action = _said(group.get("Action")).lower().split(" ")[0]
        if action == "failed" or (not action and status[:1] == "5"):
            failed.append(Recipient(address, status, diagnostic))
            if original := _address(group.get("Original-Recipient")):
                failed.append(Recipient(original, status, diagnostic))
        is_delayed = is_delayed or action == "delayed"
    if failed:
        return Kind.BOUNCE, tuple(dict.fromkeys(failed))
    return (Kind.DELAY if is_delayed else Kind.NOTHING), ()


def _groups(part: Message) -> Iterator[Message]:
    """The groups of fields, also where a server made no message of them or encoded them.

    Of fields in UTF-8 (RFC 6533) the standard library makes one message, whose text is all groups but one.
    """
    payload = part.get_payload()
    blocks = (
        [each for each in payload if isinstance(each, Message)] if isinstance(payload, list) else []
    )
    is_global = part.get_content_type() == "message/global-delivery-status"
    if any(each.keys() for each in blocks) and not is_global:
        yield from blocks
        return
    raw = (
        b"\n".join(each.as_bytes() for each in blocks) if blocks else part.get_payload(decode=True)
    )
    if not isinstance(raw, bytes):
        raw = str(part.get_payload()).encode("utf-8", "replace")
    if blocks and part.get("Content-Transfer-Encoding"):
        raw = _decoded_as(str(part["Content-Transfer-Encoding"]), raw)
    for group in re.split(rb"\n[ \t]*\n", raw.strip())[: MOST_RECIPIENTS * 2]:
        yield message_from_bytes(group.lstrip(), policy=policy.compat32)


def _decoded_as(encoding: str, raw: bytes) -> bytes:
    whole = Message()
    whole["Content-Transfer-Encoding"] = encoding
    whole.set_payload(raw.decode("ascii", "surrogateescape"))
    decoded = whole.get_payload(decode=True)
    return decoded if isinstance(decoded, bytes) else raw


def _reported(message: Message) -> str:
    """Who complained by Outlook's programme, which sends the letter itself and no report."""
    if "staff@hotmail.com" not in _said(message.get("From")).lower():
        return ""
    for part in _parts(message):
        if part.get_content_type() == "message/rfc822":
            for letter in _within(part):
                return _address(letter.get("X-HmXmrOriginalRecipient"))
    return ""


def _feedback(part: Message) -> tuple[Kind, tuple[Recipient, ...], str]:
    """RFC 5965 §3. A recipient may be left out, or made unreadable, for the sake of privacy."""
    (fields, *_) = [*_groups(part), Message()]
    feedback = _said(fields.get("Feedback-Type")).lower()[:40]
    named = fields.get_all("Original-Rcpt-To", []) + fields.get_all("Removal-Recipient", [])
    recipients = tuple(Recipient(address) for text in named if (address := _address(text)))
    kinds = {"abuse": Kind.COMPLAINT, "opt-out": Kind.OPT_OUT, "opt-out-list": Kind.OPT_OUT}
    return kinds.get(feedback, Kind.FEEDBACK), recipients, feedback


def _failed_recipients(message: Message) -> tuple[Recipient, ...]:
    """As Exim names them; why is said in the text."""
    named = " ".join(_said(value) for value in message.get_all("X-Failed-Recipients", []))
    return _with_reason(_ADDRESS.findall(named[:10_000]), _text(message))


def _free_form(message: Message) -> tuple[Kind, tuple[Recipient, ...]]:
    """What a mail server wrote for people; flufl.bounce knows many of their phrases."""
    text = _text(message)
    temporary, permanent = all_failures(message)
    if permanent:
        return Kind.BOUNCE, _with_reason(_decoded(permanent), text)
    return (Kind.DELAY, ()) if temporary else (Kind.NOTHING, ())


def _decoded(addresses: Iterable[bytes]) -> list[str]:
    texts = (address.decode("utf-8", "replace") for address in addresses)
    return sorted(found[0] for text in texts if (found := _ADDRESS.search(text)))


def status_in(text: str) -> str:
    """The enhanced code that a server's words come to, `5.0.0` where they say nothing more exact."""
    status = _status("", text)
    if status in {"", "5.0.0"} and _NOBODY.search(text):
        return "5.1.1"
    return status or "5.0.0"


def _with_reason(addresses: Iterable[str], text: str) -> tuple[Recipient, ...]:
    status = status_in(text)
    line = next((line for line in text.splitlines() if _REPLY.search(line)), "")
    return tuple(Recipient(address, status, _said(line)) for address in dict.fromkeys(addresses))


def _text(message: Message) -> str:
    """The words above what is quoted, of the first part that is text."""
    for part in _parts(message):
        if part.get_content_maintype() == "text":
            raw = part.get_payload(decode=True)
            text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else ""
            cut = re.split(
                r"\n-{2,}[^\n]*(?:copy|original|follows|headers)[^\n]*\n", text, maxsplit=1
            )
            return "\n".join(cut[0].splitlines()[:MOST_LINES])
    return ""


def _status(status: str, diagnostic: str) -> str:
    """The most exact code: a server's own 5.0.0 is worth less than what it was told."""
    said = _ENHANCED.search(status)
    told = _ENHANCED.search(diagnostic)
    if said and not (said[1].endswith(".0.0") and told):
        return said[1]
    if told and told[1][0] != "2":
        return told[1]
    reply = _REPLY.search(diagnostic)
    return f"{reply[1]}.0.0" if reply else ""


def _address(field: object) -> str:
    """Of `rfc822; ada@example.org`, without its type (RFC 3464 §2.3.2)."""
    found = _ADDRESS.search(_said(field).rpartition(";")[2])
    return found[0] if found else ""


def _said(field: object) -> str:
    text = "" if field is None else str(field)[:2_000]
    return " ".join(part for part in text.split() if part.isprintable())[:300]


def _ways_out(message: Message, to: str) -> tuple[str, ...]:
    """Tokens in the address that it came to, or in the subject that our mailto link writes."""
    named = [to, *(_said(message.get(name)) for name in ("To", "Delivered-To", "Subject"))]
    return tuple(dict.fromkeys(token.lower() for text in named for token in _WAY_OUT.findall(text)))


def _found(pattern: re.Pattern[bytes], octets: bytes) -> tuple[str, ...]:
    found = (each.decode("ascii", "replace") for each in pattern.findall(octets))
    return tuple(dict.fromkeys(found))[:MOST_RECIPIENTS]
