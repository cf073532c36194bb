"""What a relay offered in its greeting, and a letter's envelope in those terms. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from dispatcher.relays.outcomes import Parcel
from dispatcher.relays.replies import Reply

_SIZE = re.compile(r"[0-9]{1,20}")  # RFC 1870 §3; more digits are no limit
# In a command they would be another command, or end this one.
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Offer:
    """The extensions that matter here. `largest`: octets of a letter, 0 where no limit is told."""

    pipelining: bool = False  # RFC 2920
    eight_bit: bool = False  # 8BITMIME, RFC 6152
    utf8: bool = False  # SMTPUTF8, RFC 6531
    size: bool = False  # RFC 1870
    largest: int = 0
    codes: bool = False  # ENHANCEDSTATUSCODES, RFC 2034
    chunking: bool = False  # RFC 3030

    @classmethod
    def of(cls, features: Mapping[str, str]) -> Offer:
        """By keyword in lower case, each with its parameters, as smtplib has them."""
        largest = features.get("size", "").strip()
        return cls(
            pipelining="pipelining" in features,
            eight_bit="8bitmime" in features,
            utf8="smtputf8" in features,
            size="size" in features,
            largest=int(largest) if _SIZE.fullmatch(largest) else 0,
            codes="enhancedstatuscodes" in features,
            chunking="chunking" in features,
        )

    def envelope(self, parcel: Parcel) -> bytes | Reply:
        """MAIL and RCPT for it; or, as the relay would say it, why it need not be asked."""
        size = len(parcel.data)
        addresses = parcel.return_path + parcel.address
        if 0 < self.largest < size:
            return Reply(552, b"5.3.4 the letter has more than %d octets" % self.largest)
        if not addresses.isprintable() and _CONTROL.search(addresses):
            return Reply(553, b"5.1.3 the address has a control character in it")
        options = f" SIZE={size}" if self.size else ""
        if self.eight_bit and not parcel.data.isascii():
            options += " BODY=8BITMIME"
        if not addresses.isascii():
            if not self.utf8:
                return Reply(553, b"5.6.7 the relay does not take SMTPUTF8 addresses")
            options += " SMTPUTF8"
        return (
            f"MAIL FROM:<{parcel.return_path}>{options}\r\nRCPT TO:<{parcel.address}>\r\n".encode()
        )
