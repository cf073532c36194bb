"""The private keys that letters are signed with, and the DNS records that verify them.

Decides which keys are good enough (RFC 8301 §3.2, RFC 8463) and what a signature of each kind is.
Where their text comes from is for whoever makes a `Signer`.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

SMALLEST = 2048  # bits of an RSA key; RFC 8301 §3.2 asks signers for no less
LARGEST = 4096  # what every verifier can take (the same section)

_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_\-]{0,61}[A-Za-z0-9])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_PADDING, _DIGEST = PKCS1v15(), Prehashed(SHA256())


class BadKey(ValueError):  # noqa: N818  a refusal reads as a sentence
    """A key, selector or domain that cannot sign; the text never repeats a key."""


@dataclass(frozen=True, slots=True)
class Key:
    """A private key under its selector. `sign` takes a SHA-256 digest, `public` is base64.

    An Ed25519 key signs that digest as its message (RFC 8463 §3).
    """

    selector: str
    algorithm: str
    public: str
    sign: Callable[[bytes], bytes] = field(repr=False)

    @classmethod
    def of(cls, selector: str, pem: bytes) -> Key:
        """A key from PEM without a passphrase: RSA of 2048 to 4096 bits, or Ed25519.

        Raises BadKey.
        """
        check_name("selector", selector)
        try:
            private = load_pem_private_key(pem, password=None)
        except TypeError:
            raise BadKey(f"The key of {selector!r} is locked with a passphrase.") from None
        except (ValueError, UnsupportedAlgorithm):
            raise BadKey(f"The key of {selector!r} is no private key in PEM.") from None
        if isinstance(private, Ed25519PrivateKey):
            return cls(selector, "ed25519-sha256", _public(private.public_key()), private.sign)
        if not isinstance(private, RSAPrivateKey):
            raise BadKey(f"The key of {selector!r} is neither RSA nor Ed25519.")
        if not SMALLEST <= private.key_size <= LARGEST:
            raise BadKey(
                f"The key of {selector!r} has {private.key_size} bits; RSA keys of {SMALLEST} to "
                f"{LARGEST} bits are trusted and can be verified."
            )
        return cls(selector, "rsa-sha256", _public(private.public_key()), _rsa(private))

    @property
    def record(self) -> str:
        """The text of the TXT record at `selector._domainkey.domain` (RFC 6376 §3.6.1)."""
        return f"v=DKIM1; k={self.algorithm.partition('-')[0]}; p={self.public}"


def check_name(what: str, name: str) -> None:
    """Refuse all but DNS labels in ASCII, parted by dots (RFC 6376 §3.1)."""
    if not _NAME.fullmatch(name) or len(name) > 253:
        raise BadKey(f"{name!r} is no {what}: letters, digits, hyphens and dots only.")


def _rsa(private: RSAPrivateKey) -> Callable[[bytes], bytes]:
    return lambda digest: private.sign(digest, _PADDING, _DIGEST)


def _public(key: RSAPublicKey | Ed25519PublicKey) -> str:
    if isinstance(key, Ed25519PublicKey):
        raw = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    else:
        raw = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(raw).decode("ascii")
