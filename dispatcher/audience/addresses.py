"""Mail addresses: what is one, and its one spelling here. Pure."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

import idna

from dispatcher.errors import BadAddress
from dispatcher.translating import later

# RFC 5322 §3.2.3 dot-atom, with RFC 6531 §3.3 letting in what is not ASCII; no quoted local parts.
_LOCAL = re.compile(
    r"[^\s\x00-\x20\x7f-\x9f()<>\[\]:;@\\,.\"]+(\.[^\s\x00-\x20\x7f-\x9f()<>\[\]:;@\\,.\"]+)*"
)
_DOMAIN = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]*[a-z][a-z0-9-]*")
# What every step of IDNA leaves as it is: letters, digits and single hyphens within labels of up to 63.
_PLAIN_DOMAIN = re.compile(
    r"(?!.{254})(?!.*--)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+(?![0-9-]*$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
)


def normalise(text: str) -> str:
    """The address with its domain in lower-case A-labels (RFC 5891), its local part as given, in NFC
    (RFC 6532 §3.1).

    Raises BadAddress, in one line. At most 254 octets (RFC 5321 §4.5.3.1.3), 64 before the @.
    """
    address = text.strip()
    if not address.isascii():
        address = unicodedata.normalize("NFC", address)
    local, at, domain = address.rpartition("@")
    if not at or not local or not domain:
        raise BadAddress(
            later(
                "%(address)s is not a mail address; it must look like name@example.org.",
                address=_shown(address),
            )
        )
    if (
        not _LOCAL.fullmatch(local)
        or not local.isprintable()
        or len(local.encode(errors="replace")) > 64
    ):
        raise BadAddress(
            later(
                "%(address)s is not a mail address: the part before the @ is malformed.",
                address=_shown(address),
            )
        )
    ascii_domain = _ascii_domain(domain)
    if not ascii_domain:
        raise BadAddress(
            later(
                "%(address)s is not a mail address: the part after the @ is no domain.",
                address=_shown(address),
            )
        )
    if len(local.encode()) + 1 + len(ascii_domain) > 254:
        raise BadAddress(
            later("%(address)s is too long for a mail address.", address=_shown(address))
        )
    return f"{local}@{ascii_domain}"


@lru_cache(maxsize=4096)
def _ascii_domain(domain: str) -> str:
    """The domain in lower-case A-labels; empty if it is none. Most readers share few domains."""
    lower = domain.lower()
    if domain.isascii() and _PLAIN_DOMAIN.fullmatch(lower):
        return lower
    try:
        lower = idna.encode(domain, uts46=True, std3_rules=True).decode().lower()
    except (idna.IDNAError, UnicodeError):
        return ""
    return lower if _DOMAIN.fullmatch(lower) else ""


def _shown(address: str) -> str:
    return ascii(address[:60] + ("…" if len(address) > 60 else "")) if address else "The empty text"
