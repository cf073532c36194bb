"""What stays of an address after its erasure: a keyed hash, in the form of an address that cannot exist.

The same address gives the same hash, so that it can be recognised when somebody brings it back; without
the key nobody can try all addresses (RFC 2606 §2 keeps `.invalid` from ever being real). With another
SECRET_KEY none is recognised.
"""

from __future__ import annotations

import hashlib
import hmac
from functools import lru_cache

from django.conf import settings

DOMAIN = "erased.invalid"
_DIGITS = 32


def hashed(address: str, *, time: int = 1) -> str:
    """`<32 digits>@erased.invalid` of an address in any spelling of its case; a hash stays itself.

    Who signs up again is another reader, erased another `time`: `<32 digits>.2@erased.invalid`.
    """
    if is_hash(address):
        return address.lower()
    # Lower case and no more: what `casefold` makes alike, straße and strasse, are two mailboxes.
    mac = hmac.digest(_key(settings.SECRET_KEY), address.lower().encode(), hashlib.sha256)
    return f"{mac.hex()[:_DIGITS]}{f'.{time}' if time > 1 else ''}@{DOMAIN}"


def is_hash(address: str) -> bool:
    return address.lower().endswith(f"@{DOMAIN}")


def is_hash_of(stays: str, address: str) -> bool:
    """Whether this stays of that address, whichever time it was erased."""
    return is_hash(stays) and stays[:_DIGITS] == hashed(address)[:_DIGITS]


@lru_cache(maxsize=2)
def _key(secret: str) -> bytes:
    return hmac.digest(secret.encode(), b"dispatcher address hash", hashlib.sha256)
