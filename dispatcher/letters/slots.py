"""The values that differ from reader to reader, and the marks that stand for them until stamping.

Decides what a value may hold, so that no value can break a header, a line or a page. Where the
values go is for templates and headers; how they are written there is for `stamping`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

LONGEST = 900  # octets of one value that may not be folded; a line has 998 (RFC 5322 §2.1.1)
_LONGEST_ADDRESS = 320  # octets: RFC 5321 §4.5.3.1.1 and §4.5.3.1.2 with the @

_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
# The characters of RFC 3986 §2 less those that libxml2 or angle brackets would trip over.
_URI = r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+"
_WEB = re.compile(rf"https?://{_URI}", re.ASCII)
_MAILTO = re.compile(rf"mailto:{_URI}", re.ASCII)
_MESSAGE_ID = re.compile(r"<[A-Za-z0-9!#$%&'*+/=?^_`{|}~.\-]+@[A-Za-z0-9.\-]+>", re.ASCII)
# RFC 5321 §4.1.2 with RFC 6531 §3.3: a dot-atom, whose atoms may hold any non-ASCII character.
_PLAIN = r"A-Za-z0-9!#$%&'*+/=?^_`{|}~\-"
_ATOM = rf"[{_PLAIN}\u0080-\U0010ffff]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9\-]{0,61}[A-Za-z0-9])?"
_LOCAL_PART = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_PLAIN_ADDRESS = re.compile(rf"[{_PLAIN}]+(?:\.[{_PLAIN}]+)*@{_LABEL}(?:\.{_LABEL})*")
_SPACE = re.compile(r"\s")


class UnsafeValue(ValueError):  # noqa: N818  a refusal reads as a sentence
    """A value that would break the letter; the text names the slot and never repeats the value."""


@dataclass(frozen=True, slots=True)
class SlotValues:
    """What one reader's letter holds that no other's does.

    `address` has its domain in A-labels; a non-ASCII local part stays as it is (RFC 6532).
    `reason` is one sentence, wrapped where it is plain text. `message_id` has its angle brackets,
    `unsubscribe_mailto` its `mailto:`. `date` is aware. Inner white space of `name` and `reason`
    counts as one space. Raises UnsafeValue.
    """

    address: str
    reason: str
    manage_url: str
    unsubscribe_url: str
    unsubscribe_mailto: str
    message_id: str
    date: datetime
    name: str = ""

    def __post_init__(self) -> None:
        check_address("address", self.address)
        _set = object.__setattr__
        _set(self, "name", one_line("name", self.name))
        _set(self, "reason", _sentence(self.reason))
        if not self.reason:
            raise UnsafeValue("The value of “reason” is empty.")
        check_url("manage_url", self.manage_url)
        check_url("unsubscribe_url", self.unsubscribe_url)
        _check("unsubscribe_mailto", self.unsubscribe_mailto, _MAILTO, "a mailto: URL")
        _check("message_id", self.message_id, _MESSAGE_ID, "a Message-ID in angle brackets")
        if self.date.tzinfo is None:
            raise UnsafeValue("The value of “date” has no time zone.")


BODY_SLOTS = ("address", "name", "reason", "manage_url", "unsubscribe_url", "unsubscribe_mailto")


@dataclass(frozen=True, slots=True)
class Markers:
    """Stands in a template for `SlotValues`: each body slot is a word that nothing mangles.

    The nonce is a digest of the letter that surrounds it, so no document can hold it.
    """

    address: str
    name: str
    reason: str
    manage_url: str
    unsubscribe_url: str
    unsubscribe_mailto: str

    @classmethod
    def of(cls, nonce: str) -> Markers:
        return cls(*(f"slot{nonce}n{number}" for number in range(len(BODY_SLOTS))))


def marker_pattern(nonce: str) -> re.Pattern[str]:
    """Finds the marks of a nonce; its group is the number of the slot in `BODY_SLOTS`."""
    return re.compile(rf"slot{re.escape(nonce)}n([0-{len(BODY_SLOTS) - 1}])")


def one_line(slot: str, text: str) -> str:
    """The text with single spaces, refused when it holds a control or a lone surrogate."""
    if _UNSAFE.search(text):
        raise UnsafeValue(f"The value of “{slot}” holds a control character or a line break.")
    return " ".join(text.split())


# Readers of the same topics share the sentence.
@lru_cache(maxsize=1024)
def _sentence(reason: str) -> str:
    return one_line("reason", reason.replace("\n", " "))


def check_url(slot: str, url: str) -> None:
    """Refuse all but an absolute http(s) URL in ASCII (RFC 3986), at most `LONGEST` long."""
    _check(slot, url, _WEB, "an absolute http(s) URL in ASCII")


def check_address(slot: str, address: str) -> None:
    """Refuse all but `local@domain`: a dot-atom, perhaps with UTF-8 (RFC 6532), and A-labels."""
    if len(address) <= _LONGEST_ADDRESS and _PLAIN_ADDRESS.fullmatch(address):
        return
    local, _, domain = address.rpartition("@")
    if (
        not _LOCAL_PART.fullmatch(local)
        or not _DOMAIN.fullmatch(domain)
        or _UNSAFE.search(local)
        or _SPACE.search(local)
        or len(address.encode()) > _LONGEST_ADDRESS
    ):
        raise UnsafeValue(f"The value of “{slot}” is no e-mail address with an ASCII domain.")


def _check(slot: str, value: str, pattern: re.Pattern[str], wanted: str) -> None:
    if len(value) > LONGEST or not pattern.fullmatch(value):
        raise UnsafeValue(f"The value of “{slot}” is not {wanted} of at most {LONGEST} characters.")
