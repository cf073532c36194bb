"""One session with an SMTP relay: it takes parcels and yields an outcome for each, in order.

`smtplib` connects, does STARTTLS and AUTH. A refusal of one parcel never harms the next (RSET), and
a lost connection never loses a parcel: those without an answer come back deferred, or unknown when
the final dot was out. Which relay to use, and when to try again, is decided elsewhere.
"""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from urllib.parse import unquote, urlsplit

from dispatcher.relays.outcomes import Outcome, Parcel, Result

_OWN_MACHINE = frozenset({"127.0.0.1", "::1", "localhost"})
_LEADING_DOT = re.compile(rb"^\.", re.MULTILINE)  # RFC 5321 §4.5.2
_ENHANCED = re.compile(r"^([245]\.\d{1,3}\.\d{1,3})\b\s*")


@dataclass(frozen=True, slots=True)
class Relay:
    """Where a relay is and how to sign in: `smtp://[user:password@]host[:port]` or `smtps://…`."""

    host: str
    port: int
    implicit_tls: bool = False
    user: str = ""
    password: str = field(default="", repr=False)
    timeout: float = 30.0

    @property
    def name(self) -> str:
        return f"{self.host}:{self.port}"

    @classmethod
    def of(cls, url: str, *, timeout: float = 30.0) -> Relay:
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


class Session:
    """An open connection to a relay. Raises OSError or SMTPException from `connect` only."""

    def __init__(self, relay: Relay, smtp: smtplib.SMTP) -> None:
        self.relay = relay
        self.is_broken = False
        self._smtp = smtp
        self._options = ["BODY=8BITMIME"] if smtp.has_extn("8bitmime") else []
        self._takes_utf8 = smtp.has_extn("smtputf8")

    @classmethod
    def connect(cls, relay: Relay) -> Session:
        """Connect, start TLS where it is offered, sign in. Every read and write has a deadline."""
        context = ssl.create_default_context()
        smtp: smtplib.SMTP
        if relay.implicit_tls:
            smtp = smtplib.SMTP_SSL(relay.host, relay.port, timeout=relay.timeout, context=context)
        else:
            smtp = smtplib.SMTP(relay.host, relay.port, timeout=relay.timeout)
        try:
            smtp.ehlo_or_helo_if_needed()
            is_private = relay.implicit_tls or relay.host in _OWN_MACHINE
            if not relay.implicit_tls and smtp.has_extn("starttls"):
                smtp.starttls(context=context)
                smtp.ehlo()
                is_private = True
            if relay.user:
                _sign_in(smtp, relay, is_private=is_private)
        except BaseException:
            smtp.close()
            raise
        return cls(relay, smtp)

    def is_open(self) -> bool:
        """Whether the relay still answers; a NOOP (RFC 5321 §4.1.1.9)."""
        try:
            return not self.is_broken and self._smtp.noop()[0] == 250
        except (OSError, smtplib.SMTPException):
            return False

    def close(self) -> None:
        try:
            self._smtp.quit()
        except (OSError, smtplib.SMTPException):
            self._smtp.close()

    def hand_over(self, parcels: Iterable[Parcel]) -> Iterator[Outcome]:
        """Send each parcel and yield its outcome, in order. Ends early when the connection breaks.

        Every parcel taken from `parcels` has an outcome; those not taken were not begun.
        """
        for parcel in parcels:
            self.is_broken = True  # whatever stops this conversation, no other may go on from there
            try:
                outcome, is_open = self._hand_over(parcel)
                self.is_broken = not is_open
            finally:
                if self.is_broken:
                    self._smtp.close()
            yield outcome
            if self.is_broken:
                return

    def _hand_over(self, parcel: Parcel) -> tuple[Outcome, bool]:
        options = list(self._options)
        if not parcel.address.isascii():
            if not self._takes_utf8:
                return self._outcome(
                    parcel, 553, "5.6.7 the relay does not take SMTPUTF8 addresses"
                ), True
            options.append("SMTPUTF8")
        dot_is_out = False
        try:
            code, text = self._smtp.mail(parcel.return_path, options)
            if (
                code // 100 == 5
            ):  # that is about us, not about this reader, and holds for all letters
                refused = self._outcome(parcel, code, text.decode("utf-8", "replace"))
                return replace(refused, result=Result.DEFERRED), False
            if code // 100 == 2:
                code, text = self._smtp.docmd("RCPT", f"TO:<{parcel.address}>")
            if code // 100 == 2:
                code, text = self._smtp.docmd("DATA")
                if code == 354:
                    self._smtp.send(_LEADING_DOT.sub(b"..", parcel.data) + b".\r\n")
                    dot_is_out = True  # until the last octet is written the relay cannot have it
                    code, text = self._smtp.getreply()
                elif code // 100 == 2:
                    raise smtplib.SMTPServerDisconnected(f"{code} is no answer to DATA")
            if not 200 <= code < 600:
                raise smtplib.SMTPServerDisconnected("the answer is not SMTP")
        except (OSError, smtplib.SMTPException) as fault:
            result = Result.UNKNOWN if dot_is_out else Result.DEFERRED
            words = "the connection broke " + ("before the answer" if dot_is_out else "on the way")
            return Outcome(
                parcel.key, result, self.relay.name, "", one_line(f"{words}: {fault}")
            ), False
        outcome = self._outcome(parcel, code, text.decode("utf-8", "replace"))
        return outcome, code // 100 == 2 or (code != 421 and self._is_reset())

    def _is_reset(self) -> bool:
        try:
            return self._smtp.rset()[0] == 250
        except (OSError, smtplib.SMTPException):
            return False

    def _outcome(self, parcel: Parcel, code: int, text: str) -> Outcome:
        result = {2: Result.ACCEPTED, 5: Result.FAILED}.get(code // 100, Result.DEFERRED)
        enhanced = _ENHANCED.match(text)
        return Outcome(
            parcel.key,
            result,
            self.relay.name,
            enhanced[1] if enhanced else "",
            one_line(f"{code} {text}"),
        )


def one_line(text: str) -> str:
    """What a relay said, fit for a row: a NUL in it would fail the whole batch."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:300]


def _sign_in(smtp: smtplib.SMTP, relay: Relay, *, is_private: bool) -> None:
    if not is_private:
        raise smtplib.SMTPException("it offers no TLS, so no password was sent to it")
    smtp.login(relay.user, relay.password)
