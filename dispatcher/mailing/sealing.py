"""What a relay is handed for one reader: the stamped letter, signed where a key is set.

Reads the keys that DKIM_KEYS names; what a signature covers is for `letters.signing`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from dispatcher.letters.compiled import Compiled
from dispatcher.letters.keys import BadKey, Key, check_name
from dispatcher.letters.signing import Signer
from dispatcher.letters.slots import SlotValues
from dispatcher.letters.stamping import Stamper
from dispatcher.letters.variants import Variants


def stamper(compiled: Compiled) -> Callable[[SlotValues], bytes]:
    """Writes the letter of one reader after another. Raises ImproperlyConfigured like `signer`."""
    return _stamper(compiled, signer())


class Writers(dict[str, tuple[Callable[[SlotValues], bytes], str]]):
    """What writes the letter for readers of a language tag, and in which of its languages; each once."""

    def __init__(self, variants: Variants) -> None:
        self._variants = variants

    def __missing__(self, tag: str) -> tuple[Callable[[SlotValues], bytes], str]:
        language = self._variants.language(tag)
        self[tag] = stamper(self._variants.compiled[language]), language
        return self[tag]


def signer() -> Signer | None:
    """The keys of this installation, read once a process; None when it signs nothing.

    Raises ImproperlyConfigured with one line that names the variable, and never repeats a key. Call
    it where a process starts, or the first letter finds out.
    """
    return _signer(settings.DKIM_DOMAIN, settings.DKIM_KEYS) if settings.DKIM_KEYS else None


def alignment_trouble() -> str:
    """Why DMARC would not count the signatures for the domain of MAIL_FROM; empty if nothing shows.

    Relaxed alignment (RFC 9989) wants one organisational domain: here, that one is the other or lies
    above it. Two branches of one organisation are told too, since only the DNS knows.
    """
    ours, shown = settings.DKIM_DOMAIN.lower(), settings.MAIL_FROM.rpartition("@")[2].lower()
    is_one_line = f".{ours}".endswith(f".{shown}") or f".{shown}".endswith(f".{ours}")
    if not settings.DKIM_KEYS or is_one_line:
        return ""
    return (
        f"letters are signed by {ours} but come from {shown}, so DMARC may not count the signature; "
        "set DKIM_DOMAIN to the domain of MAIL_FROM or to one above it"
    )


@lru_cache(maxsize=32)
def _stamper(compiled: Compiled, signer: Signer | None) -> Callable[[SlotValues], bytes]:
    if signer is None:
        return Stamper(compiled)
    prepared = signer.prepare(compiled)
    return lambda values: prepared.sign(values, at=int(time.time()))


@lru_cache(maxsize=4)
def _signer(domain: str, keys: tuple[str, ...]) -> Signer:
    try:
        check_name("domain", domain)
    except BadKey as refusal:
        raise ImproperlyConfigured(f"DKIM_DOMAIN: {refusal}") from None
    try:
        return Signer(domain, list(_keys(keys)))
    except BadKey as refusal:
        raise ImproperlyConfigured(f"DKIM_KEYS: {refusal}") from None


def _keys(named: tuple[str, ...]) -> Iterator[Key]:
    for name in named:
        selector, colon, path = name.partition(":")
        # Only selectors are repeated: somebody may have put a key itself here.
        if not colon or not path:
            raise BadKey("each key is written selector:/path/to/key.pem, parted by spaces.")
        check_name("selector", selector)
        try:
            pem = Path(path).read_bytes()
        except OSError as fault:
            raise BadKey(f"the file of {selector!r} cannot be read: {fault.strerror}.") from None
        yield Key.of(selector, pem)
