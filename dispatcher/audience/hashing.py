"""What stays of an address after its erasure: a keyed hash, in the form of an address that cannot exist.

The same address gives the same hash, so that it can be recognised when somebody brings it back; without
the key nobody can try all addresses (RFC 2606 §2 keeps `.invalid` from ever being real).
"""

from __future__ import annotations

import hashlib
import hmac

from django.conf import settings

DOMAIN = "erased.invalid"


def hashed(address: str) -> str:
    """`<32 digits>@erased.invalid` of an address in any spelling of its case; a hash stays itself."""
    if is_hash(address):
        return address.lower()
    key = hmac.digest(settings.SECRET_KEY.encode(), b"dispatcher address hash", hashlib.sha256)
    digits = hmac.new(key, address.casefold().encode(), hashlib.sha256).hexdigest()[:32]
    return f"{digits}@{DOMAIN}"


def is_hash(address: str) -> bool:
    return address.lower().endswith(f"@{DOMAIN}")
