"""A session with a mail API through django-anymail: the same shape as one with an SMTP relay.

An API that takes a whole message (Amazon SES) gets the stamped octets untouched; to the others the letter
is told in its parts, with all its headers, and they write and sign it anew. Which of their answers is
about one reader and which about us is decided here.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from email import message_from_bytes, policy
from email.message import Message as AnyMessage
from typing import Any

from anymail.backends.base import AnymailBaseBackend
from anymail.exceptions import AnymailError, AnymailInvalidAddress, AnymailRecipientsRefused
from django.core.exceptions import ImproperlyConfigured
from django.core.mail import EmailMultiAlternatives
from django.utils.module_loading import import_string
from requests import ConnectionError as NotConnected
from requests import ConnectTimeout, RequestException
from requests.exceptions import SSLError
from urllib3.exceptions import MaxRetryError, NewConnectionError

from dispatcher.relays.outcomes import Outcome, Parcel, Result
from dispatcher.relays.relay import MailApi
from dispatcher.relays.replies import one_line

# What an API writes itself or is told apart from the other headers, and a signature that the new
# octets would break.
_TOLD_APART = frozenset(
    ("from", "to", "subject", "mime-version", "content-type", "content-transfer-encoding")
) | {"dkim-signature"}
_ABOUT_US = frozenset((401, 402, 403, 404))  # key, account, domain: it holds for all letters
_MAY_BE_TAKEN = frozenset(
    (502, 504)
)  # a gateway's words: what stands behind it may have had the letter
_BOTOCORE_MAY_BE_TAKEN = frozenset(("ReadTimeoutError", "ConnectionClosedError"))
_RESULTS = {"sent": Result.ACCEPTED, "queued": Result.ACCEPTED, "failed": Result.DEFERRED}


class Session:
    """What stands for a connection. Raises OSError from `connect` only, which asks nobody yet."""

    def __init__(self, relay: MailApi, backend: AnymailBaseBackend) -> None:
        self.relay = relay
        self.is_broken = False
        self._backend = backend
        self._given = 0

    @classmethod
    def connect(cls, relay: MailApi) -> Session:
        """Make the backend with its options. What is wrong with them is said without their values."""
        try:
            backend = import_string(relay.backend)(**relay.options)
            backend.timeout = relay.timeout
            backend.open()
        except (ImportError, ImproperlyConfigured, TypeError, ValueError) as fault:
            raise ConnectionError(str(fault)) from None
        return cls(relay, backend)

    @property
    def is_spent(self) -> bool:
        return self._given >= self.relay.messages

    def is_open(self) -> bool:
        return not self.is_broken

    def close(self) -> None:
        self._backend.close()

    def hand_over(self, parcels: Iterable[Parcel]) -> Iterator[Outcome]:
        """Hand each parcel over and yield its outcome, in order; see `smtp.Session.hand_over`."""
        for parcel in parcels:
            self._given += 1
            outcome = self._hand_over(parcel)
            yield outcome
            if self.is_broken:
                self.close()
                return
            if self.is_spent:
                return

    def _hand_over(self, parcel: Parcel) -> Outcome:
        message = Stamped(parcel)
        try:
            self._backend.send_messages([message])
        except AnymailRecipientsRefused as refusal:
            return self._outcome(parcel, Result.FAILED, _said(refusal))
        except AnymailInvalidAddress as refusal:
            return self._outcome(parcel, Result.FAILED, f"the API takes no such address: {refusal}")
        except (AnymailError, RequestException) as fault:
            return self._fault(parcel, fault)
        status = message.anymail_status
        (each,) = status.status or {"unknown"}
        result = _RESULTS.get(each, Result.UNKNOWN)
        if getattr(status.esp_response, "status_code", 200) >= 400:  # that Anymail could not read
            return self._outcome(parcel, Result.DEFERRED, status.esp_response.text)
        return self._outcome(parcel, result, f"{each} as {status.message_id}")

    def _fault(self, parcel: Parcel, fault: Exception) -> Outcome:
        code = _status(fault)
        if code is None:
            self.is_broken = True
            result, words = Result.DEFERRED, "not sent"
            if _may_be_taken(fault):
                result, words = Result.UNKNOWN, "no answer"
            return self._outcome(parcel, result, f"{words}: {fault.__cause__ or fault}")
        self.is_broken = code in _ABOUT_US
        # A 400 may be about this reader or about all letters, so it fails none for good at once.
        result = Result.UNKNOWN if code in _MAY_BE_TAKEN else Result.DEFERRED
        return self._outcome(parcel, result, f"{code} {_said(fault)}")

    def _outcome(self, parcel: Parcel, result: Result, words: str) -> Outcome:
        return Outcome(parcel.key, result, self.relay.name, text=one_line(words), at=time.time())


class Stamped(EmailMultiAlternatives):
    """A stamped letter as Django's mail backends expect one.

    Its text, HTML and headers are there in parts; `message()` is the stamped letter itself. The return
    path is metadata, for an API uses one of its own and tells of bounces by webhook.
    """

    anymail_status: Any

    def __init__(self, parcel: Parcel) -> None:
        self._data = parcel.data
        letter = message_from_bytes(parcel.data, policy=policy.default)
        text, html = letter.get_body(("plain",)), letter.get_body(("html",))
        headers = {k: str(v) for k, v in letter.items() if k.lower() not in _TOLD_APART}
        super().__init__(
            subject=str(letter["Subject"]),
            body=text.get_content() if text else "",
            from_email=str(letter["From"]),
            to=[parcel.address],
            headers=headers,
        )
        if html:
            self.attach_alternative(html.get_content(), "text/html")
        self.metadata = {"return_path": parcel.return_path}

    def message(self, *_: object, **__: object) -> Any:
        return _Octets(self._data)


class _Octets(AnyMessage):
    """A message that is written out as it was stamped, whatever is asked of it on the way."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self._data = data

    def as_bytes(self, *_: object, **__: object) -> bytes:
        return self._data


def _may_be_taken(fault: Exception) -> bool:
    """Whether the letter may have got there, though no answer came."""
    cause = fault.__cause__
    if not isinstance(fault, RequestException):  # none of HTTP's own, or botocore's
        return type(cause).__name__ in _BOTOCORE_MAY_BE_TAKEN
    if isinstance(fault, ConnectTimeout | SSLError):
        return False
    reason = cause.args[0] if isinstance(cause, NotConnected) and cause.args else None
    return not (isinstance(reason, MaxRetryError) and isinstance(reason.reason, NewConnectionError))


def _status(fault: Exception) -> int | None:
    """The HTTP status of the answer, if there was one."""
    code = getattr(fault, "status_code", None)
    response = getattr(fault, "response", None)
    if isinstance(response, Mapping):  # botocore's
        code = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
    return code


def _said(fault: Exception) -> str:
    """What the API itself said, without the request: that has the whole letter in it, and the key."""
    response = getattr(fault, "response", None)
    if isinstance(response, Mapping):
        response = response.get("Error", {}).get("Message", "")
    return getattr(response, "text", "") or str(response or fault)
