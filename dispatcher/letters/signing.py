"""DKIM signatures over stamped letters: relaxed/relaxed, the whole body (RFC 6376).

Decides what a signature covers and how it is written. What is the same for every reader is worked
out once for a compiled letter. Keys and the time are given by whoever signs.
"""

from __future__ import annotations

import hashlib
import re
from binascii import b2a_base64
from collections.abc import Mapping, Sequence

from dispatcher.letters.compiled import Compiled, Part
from dispatcher.letters.keys import BadKey, Key, check_name
from dispatcher.letters.slots import SlotValues
from dispatcher.letters.stamping import Filler

# Listed once more than they stand there, so that none can be added (RFC 6376 §8.15): what RFC 5322
# §3.6, RFC 2045 and RFC 8058 allow once, Reply-To even where the letter has none.
_ONCE = (
    *("from", "to", "subject", "date", "message-id", "reply-to", "mime-version", "content-type"),
    *("list-unsubscribe", "list-unsubscribe-post"),
)
_COLUMNS = 72
_FIELD = re.compile(rb"([!-9;-~]+):((?:[^\r]|\r\n[ \t])*)\r\n")
_SPACES = re.compile(rb"[ \t]+")
_SLOT = b"\0"  # stands for a slot in a header; no constant holds it


class Signer:
    """The keys of one domain; every letter gets a signature by each of them, in order."""

    __slots__ = ("domain", "keys")

    def __init__(self, domain: str, keys: Sequence[Key]) -> None:
        """Raises BadKey for a domain that is none, no keys at all, or two under one selector."""
        check_name("domain", domain)
        if not keys:
            raise BadKey("There is no key to sign with.")
        if len({key.selector.lower() for key in keys}) < len(keys):
            raise BadKey("Two keys have the same selector.")
        self.domain = domain
        self.keys = tuple(keys)

    def records(self) -> Mapping[str, str]:
        """The name and the text of each TXT record that verifies the signatures."""
        return {f"{key.selector}._domainkey.{self.domain}": key.record for key in self.keys}

    def prepare(self, compiled: Compiled) -> Prepared:
        """Whatever can be done once for all readers of a letter."""
        return Prepared(compiled, self)


class Prepared:
    """Makes the whole signed message of any reader of one compiled letter."""

    __slots__ = ("_body", "_canonical_body", "_canonical_head", "_fields", "_head", "_known")

    def __init__(self, compiled: Compiled, signer: Signer) -> None:
        canonical = _relaxed_body(compiled.body)
        names, signed = _relaxed_head(compiled.head)
        self._head, self._body = Filler(compiled.head), Filler(compiled.body)
        self._canonical_head = Filler(signed)
        # A body that `compiling` makes is relaxed already; one that an older version stored may not be.
        self._canonical_body = None if canonical == compiled.body else Filler(canonical)
        self._known = hashlib.sha256(canonical.constants[0]), len(canonical.constants[0])
        self._fields = tuple(_SignatureField(key, signer.domain, names) for key in signer.keys)

    def sign(self, values: SlotValues, *, at: int) -> bytes:
        """The message as `Stamper` makes it, under its signatures; `at` is in seconds since 1970.

        The same values at the same time give the same bytes.
        """
        written, filled = self._head.pieces(values), self._body.pieces(values)
        body = self._body.whole(filled)
        relaxed = body if self._canonical_body is None else self._canonical_body.whole(filled)
        # A value holds no white space that is relaxed but its folds, since names have single spaces.
        unfolded = [piece.replace(b"\r\n", b"") for piece in written]
        signed = self._canonical_head.whole(unfolded)
        body_hash = self._hash(relaxed)
        time = b"%d" % at
        fields = [field.written(signed, body_hash, time) for field in self._fields]
        return b"".join([*fields, self._head.whole(written), body])

    def _hash(self, body: bytes) -> bytes:
        known, length = self._known
        whole = known.copy()
        whole.update(memoryview(body)[length:])
        return b2a_base64(whole.digest(), newline=False)


class _SignatureField:
    """The DKIM-Signature header of one key: all but the time and the hashes."""

    __slots__ = ("_canonical", "_key", "_wire")

    def __init__(self, key: Key, domain: str, names: Sequence[str]) -> None:
        wire = (
            f"DKIM-Signature: v=1; a={key.algorithm}; c=relaxed/relaxed;\r\n"
            f" d={domain}; s={key.selector};\r\n t=".encode("ascii"),
            f";\r\n h={_folded_names(names)};\r\n bh=".encode("ascii"),
            b";\r\n b=",
        )
        opening, middle, end = (text.replace(b"\r\n", b"") for text in wire)
        name, _, tags = opening.partition(b": ")
        self._key = key
        self._wire = wire
        self._canonical = (b"%b:%b" % (name.lower(), tags), middle, end)

    def written(self, signed: bytes, body_hash: bytes, time: bytes) -> bytes:
        """The field for these relaxed headers; its own value is signed with an empty b= (§3.7)."""
        opening, middle, end = self._canonical
        whole = b"".join((signed, opening, time, middle, body_hash, end))
        encoded = b2a_base64(self._key.sign(hashlib.sha256(whole).digest()), newline=False)
        opening, middle, end = self._wire
        return b"".join((opening, time, middle, body_hash, end, _folded(encoded), b"\r\n"))


def _folded(encoded: bytes) -> bytes:
    lines = [encoded[start : start + _COLUMNS] for start in range(0, len(encoded), _COLUMNS)]
    return b"\r\n ".join(lines)


def _folded_names(names: Sequence[str]) -> str:
    lines = [names[0]]
    for name in names[1:]:
        if len(lines[-1]) + len(name) < _COLUMNS:
            lines[-1] += f":{name}"
        else:
            lines[-1] += ":"
            lines.append(name)
    return "\r\n ".join(lines)


def _relaxed_head(head: Part) -> tuple[list[str], Part]:
    """The names for h=, and the headers with their empty line left off as RFC 6376 §3.4.2 says."""
    names: list[str] = []
    relaxed = b""
    for name, value in _FIELD.findall(_SLOT.join(head.constants)):
        names.append(name.decode("ascii").lower())
        one_line = _SPACES.sub(b" ", value.replace(b"\r\n", b"")).strip(b" ")
        relaxed += b"%b:%b\r\n" % (name.lower(), one_line)
    return [*names, *_ONCE], Part(tuple(relaxed.split(_SLOT)), head.fills)


def _relaxed_body(body: Part) -> Part:
    """The body as RFC 6376 §3.4.4 says. Each slot has lines of its own, which need no relaxing."""
    relaxed = [
        _SPACES.sub(b" ", constant).replace(b" \r\n", b"\r\n") for constant in body.constants
    ]
    return Part(tuple(relaxed), body.fills)
