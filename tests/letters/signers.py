"""Keys of each kind, and what dkimpy says of the letters that they signed."""

from __future__ import annotations

from functools import cache

import dkim
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)

from dispatcher.letters.keys import Key
from dispatcher.letters.signing import Signer

DOMAIN = "briefs.example.org"
KINDS = ("rsa", "ed25519", "both")
AT = 1_700_000_000


def pem(key: PrivateKeyTypes, lock: KeySerializationEncryption | None = None) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock or NoEncryption())


def rsa_pem(bits: int = 2048) -> bytes:
    return pem(generate_private_key(public_exponent=65537, key_size=bits))


def ed25519_pem() -> bytes:
    return pem(Ed25519PrivateKey.generate())


@cache
def signer(kind: str) -> Signer:
    """A signer with an RSA key, an Ed25519 key or both, the same all through a run."""
    if kind == "both":
        return Signer(DOMAIN, [*signer("rsa").keys, *signer("ed25519").keys])
    made = rsa_pem() if kind == "rsa" else ed25519_pem()
    return Signer(DOMAIN, [Key.of(f"{kind}.2026", made)])


def verdicts(raw: bytes, signer: Signer) -> list[bool]:
    """Whether each signature is good, in order, by the records that the signer would publish."""
    records = {f"{name}.": text for name, text in signer.records().items()}

    def lookup(name: bytes, timeout: int = 5) -> bytes:
        return records.get(name.decode(), "").encode()

    return [_is_good(dkim.DKIM(raw), number, lookup) for number in range(len(signer.keys))]


def _is_good(letter: dkim.DKIM, number: int, lookup: object) -> bool:
    try:
        return bool(letter.verify(number, dnsfunc=lookup))
    except dkim.ValidationError:
        return False
