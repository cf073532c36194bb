"""A relay as a value: where it is, how to sign in, what one connection may do, and how much it takes.

An SMTP server and a mail API are two kinds of the same. How they are written down is for
`configuring`, how their limits are kept for `pacing`.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from urllib.parse import unquote, urlsplit

OWN_MACHINE = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True)
class WarmUp:
    """The most letters a day, from that day (UTC) on, one number a day; nothing before, no end after."""

    start: date
    daily: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a relay takes, in letters a second: in all, and for a group of recipient domains."""

    rate: float | None = None
    groups: Mapping[str, float] = field(default_factory=dict, hash=False)
    warm_up: WarmUp | None = None


NO_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class MailApi:
    """A mail API that django-anymail knows: its backend's full name and what that is made with.

    `timeout`, in seconds, is for the connection and for any part of an answer; no letter takes more than
    twice that.
    """

    name: str
    backend: str
    options: Mapping[str, object] = field(default_factory=dict, repr=False, hash=False)
    timeout: float = 30.0
    messages: int = 1_000
    in_flight: int = 1
    order: int = 0
    weight: int = 1
    limits: Limits = NO_LIMITS


@dataclass(frozen=True, slots=True)
class Relay:
    """Where a relay is and how to sign in: `smtp://[user:password@]host[:port]` or `smtps://…`.

    Times are in seconds.
    """

    host: str
    port: int
    implicit_tls: bool = False
    user: str = ""
    password: str = field(default="", repr=False)
    timeout: float = 30.0
    final_timeout: float = 600.0  # for the answer to a whole letter: RFC 5321 §4.5.3.2.6
    messages: int = 1_000  # of one connection; then a new one is opened
    # Letters without an answer where a distant relay offers CHUNKING. More are faster, and each may go
    # out twice when the worker is killed or the connection breaks; one at most does otherwise.
    in_flight: int = 1
    label: str = ""
    needs_tls: bool = False  # else TLS is used where it is offered
    order: int = 0  # the lower goes first; equals share the letters by weight
    weight: int = 1
    limits: Limits = NO_LIMITS

    @property
    def name(self) -> str:
        return self.label or f"{self.host}:{self.port}"

    @classmethod
    def of(cls, url: str, *, timeout: float = 30.0, final_timeout: float = 600.0) -> Relay:
        """Raises ValueError for a URL that is none of ours; the message leaves out the password."""
        with suppress(ValueError):  # its words may quote the URL
            parts = urlsplit(url)
            implicit_tls = parts.scheme == "smtps"
            relay = cls(
                host=(parts.hostname or "").encode("idna").decode(),
                port=parts.port or (465 if implicit_tls else 25),
                implicit_tls=implicit_tls,
                user=unquote(parts.username or ""),
                password=unquote(parts.password or ""),
                timeout=timeout,
                final_timeout=final_timeout,
            )
            is_bare = parts.path in {"", "/"} and not parts.query and not parts.fragment
            # RFC 4616 §2 would take UTF-8 in a name or password, smtplib does not.
            is_ascii = (relay.user + relay.password).isascii()
            if parts.scheme in {"smtp", "smtps"} and relay.host and is_bare and is_ascii:
                return relay
        raise ValueError(
            "RELAY_URL must look like smtp://user:password@relay.example.org:587; in the user and "
            "the password write / ? # @ : as %2F %3F %23 %40 %3A."
        )


AnyRelay = Relay | MailApi
