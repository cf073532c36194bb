"""Sealed ids for links and return paths: short, signed, and good for one purpose only.

A token is hexadecimal, so that it survives mail systems that fold the case of a local part.
It holds ids, never an address. What a purpose permits is decided by who opens the token.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from enum import StrEnum
from functools import lru_cache

from django.conf import settings

from dispatcher.errors import BadToken
from dispatcher.translating import later

_MAC_OCTETS = 12  # 96 bits: RFC 2104 §5 asks for at least 80
_IPAD = bytes(octet ^ 0x36 for octet in range(256))
_OPAD = bytes(octet ^ 0x5C for octet in range(256))
_LONGEST = 100  # characters; three of the largest ids make 84


class Purpose(StrEnum):
    LEAVE = "leave"
    MANAGE = "manage"
    RETURN_PATH = "return path"
    MESSAGE_ID = "message id"
    NOTICE_PATH = "notice return path"
    NOTICE_ID = "notice message id"
    JOIN = "join"
    MOVE = "move"
    FEED = "feed"


def seal(purpose: Purpose, *ids: int) -> str:
    """A token of letters and digits for up to a few non-negative ids; the same ids give the same token."""
    return sealer(purpose)(*ids)


def sealer(purpose: Purpose) -> Callable[..., str]:
    """`seal` for many tokens of one purpose: what they share is looked up once."""
    begun, ended = _keyed(purpose, settings.SECRET_KEY)

    def seal_(*ids: int) -> str:
        payload = b"".join(map(_varint, ids))
        return (payload + _mac(begun, ended, payload)).hex()

    return seal_


def unseal(purpose: Purpose, token: str, *, count: int, more: int = 0) -> tuple[int, ...]:
    """The ids sealed for this purpose, `count` of them and up to so many `more`.

    Raises BadToken for anything else, whatever it is.
    """
    raw = _decoded(token)
    payload, mac = raw[:-_MAC_OCTETS], raw[-_MAC_OCTETS:]
    if not hmac.compare_digest(mac, _mac(*_keyed(purpose, settings.SECRET_KEY), payload)):
        raise BadToken(
            later("This link is not complete or was not made here. Open it again from the letter.")
        )
    ids = _ids(payload)
    if not count <= len(ids) <= count + more:
        raise BadToken(
            later("This link was made for something else. Open it again from the letter.")
        )
    return ids


def _decoded(token: str) -> bytes:
    """The octets, none for what is not hexadecimal. A token has one spelling, apart from its case."""
    if len(token) > _LONGEST or not token.isalnum():  # fromhex would pass over white space
        return b""
    try:
        return bytes.fromhex(token)
    except ValueError:
        return b""


def _mac(begun: hashlib._Hash, ended: hashlib._Hash, payload: bytes) -> bytes:
    """HMAC-SHA-256 from its two begun hashes, cut to 96 bits (RFC 2104 §5).

    Written out, since a letter has four of them: this is half of what `hmac` costs.
    """
    inner, outer = begun.copy(), ended.copy()
    inner.update(payload)
    outer.update(inner.digest())
    return outer.digest()[:_MAC_OCTETS]


@lru_cache(maxsize=16)
def _keyed(purpose: Purpose, secret: str) -> tuple[hashlib._Hash, hashlib._Hash]:
    """The two hashes of RFC 2104 §2, begun with the key of that purpose."""
    key = hmac.digest(secret.encode(), b"dispatcher token: " + purpose.encode(), hashlib.sha256)
    key = key.ljust(64, b"\0")
    return hashlib.sha256(key.translate(_IPAD)), hashlib.sha256(key.translate(_OPAD))


@lru_cache(maxsize=1024)  # a dispatch's id stands in every token of it, a reader's in three
def _varint(number: int) -> bytes:
    octets = bytearray()
    while number > 0x7F:
        octets.append(number & 0x7F | 0x80)
        number >>= 7
    octets.append(number)
    return bytes(octets)


def _ids(payload: bytes) -> tuple[int, ...]:
    ids, number, shift = [], 0, 0
    for octet in payload:
        number |= (octet & 0x7F) << shift
        shift += 7
        if octet < 0x80:
            ids.append(number)
            number = shift = 0
    return tuple(ids)
