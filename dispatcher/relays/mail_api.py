"""A session with a mail API through django-anymail: the same shape as one with an SMTP relay.

An API that takes a whole message (Amazon SES) gets the stamped octets untouched; to the others the letter
is told in its parts, with all its headers, and they write and sign it anew. Which of their answers is
about one reader and which about us is decided here.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from anymail.backends.base import AnymailBaseBackend
from anymail.exceptions import (
    AnymailError,
    AnymailInvalidAddress,
    AnymailRecipientsRefused,
    AnymailSerializationError,
)
from django.utils.module_loading import import_string
from requests import ConnectionError as NotConnected
from requests import ConnectTimeout, RequestException
from requests.exceptions import SSLError
from urllib3.exceptions import MaxRetryError, NewConnectionError

from dispatcher.relays.gate import MayGo, always, stopped
from dispatcher.relays.outcomes import Outcome, Parcel, Result
from dispatcher.relays.relay import MailApi
from dispatcher.relays.replies import one_line
from dispatcher.relays.retelling import Stamped
from dispatcher.relays.within import within

_SECRET = re.compile("key|secret|token|password")  # in an option's name
_ABOUT_US = frozenset((401, 402, 403, 404))  # key, account, domain: it holds for all letters
# A gateway's words: what stands behind it may have had the letter.
_MAY_BE_TAKEN = frozenset((502, 504))
_BOTOCORE_MAY_BE_TAKEN = frozenset(("ReadTimeoutError", "ConnectionClosedError"))
_RESULTS = {"sent": Result.ACCEPTED, "queued": Result.ACCEPTED, "failed": Result.DEFERRED}


class Session:
    """What stands for a connection. Raises OSError from `connect` only, which asks nobody yet."""

    def __init__(self, relay: MailApi, backend: AnymailBaseBackend) -> None:
        self.relay = relay
        self.is_broken = False
        self._backend = backend
        self._given = 0
        self._is_begun = False  # something of the letter in hand may have gone
        self._post, backend.post_to_esp = backend.post_to_esp, self._begin

    @classmethod
    def connect(cls, relay: MailApi) -> Session:
        """Make the backend with its options. What is wrong with them is said without their values."""
        try:
            backend = import_string(relay.backend)(**relay.options)
            backend.timeout = relay.timeout
            backend.open()
            return cls(relay, backend)
        except Exception as fault:  # noqa: BLE001  any backend, and a library of any provider's
            raise ConnectionError(_without(relay.options, str(fault) or repr(fault))) from None

    @property
    def is_spent(self) -> bool:
        return self._given >= self.relay.messages

    def is_open(self) -> bool:
        return not self.is_broken

    def close(self) -> None:
        with suppress(Exception):  # of a connection that nobody needs
            self._backend.close()

    def hand_over(self, parcels: Iterable[Parcel], may_go: MayGo = always) -> Iterator[Outcome]:
        """Hand each parcel over and yield its outcome, in order; see `smtp.Session.hand_over`."""
        for parcel in parcels:
            self._given += 1
            outcome = self._hand_over(parcel, may_go)
            if outcome is None:
                yield stopped(parcel, self.relay.name)
                return
            yield outcome
            if self.is_broken:
                self.close()
                return
            if self.is_spent:
                return

    def _hand_over(self, parcel: Parcel, may_go: MayGo) -> Outcome | None:
        """None if it may not go."""
        try:
            message = Stamped(parcel)
        except Exception as fault:  # noqa: BLE001  one letter that cannot be told again is one letter
            return self._untold(parcel, fault)
        return self._send(parcel, message) if may_go(parcel) else None

    def _send(self, parcel: Parcel, message: Stamped) -> Outcome:
        self._is_begun = False
        try:
            within(2 * self.relay.timeout, lambda: self._backend.send_messages([message]))
            if not self._is_begun:
                return self._untold(parcel, RuntimeError("its backend sent nothing"))
            return self._answered(parcel, message.anymail_status)
        except AnymailRecipientsRefused as refusal:
            return self._outcome(parcel, Result.FAILED, _said(refusal))
        except AnymailInvalidAddress as refusal:
            return self._outcome(parcel, Result.FAILED, f"the API takes no such address: {refusal}")
        except Exception as fault:  # noqa: BLE001  what is not foreseen must not count as not sent
            # What did not end in time goes on somewhere, and may yet send it.
            is_ended = not isinstance(fault, TimeoutError)
            if (is_ended and not self._is_begun) or isinstance(fault, AnymailSerializationError):
                return self._untold(parcel, fault)
            return self._fault(parcel, fault, getattr(message.anymail_status, "esp_response", None))

    def _begin(self, payload: Any, message: Any) -> Any:
        """In the place of the backend's own: from here on the letter may have gone."""
        self._is_begun = True
        return self._post(payload, message)

    def _answered(self, parcel: Parcel, status: Any) -> Outcome:
        each = next(iter(status.status or ()), "unknown")
        if getattr(status.esp_response, "status_code", 200) >= 400:  # that Anymail could not read
            return self._outcome(parcel, Result.DEFERRED, status.esp_response.text)
        result = _RESULTS.get(each, Result.UNKNOWN)
        return self._outcome(parcel, result, f"{each} as {status.message_id}")

    def _untold(self, parcel: Parcel, fault: Exception) -> Outcome:
        words = f"the letter could not be told to the API: {str(fault) or repr(fault)}"
        return self._outcome(parcel, Result.DEFERRED, _without(self.relay.options, words))

    def _fault(self, parcel: Parcel, fault: Exception, answer: object) -> Outcome:
        code = _status(fault)
        if code is not None and code >= 300:
            self.is_broken = code in _ABOUT_US
            # A 400 may be about this reader or about all letters, so it fails none for good at once.
            result = Result.UNKNOWN if code in _MAY_BE_TAKEN else Result.DEFERRED
            return self._outcome(parcel, result, f"{code} {_said(fault)}")
        self.is_broken = True
        if code is not None or answer is not None:
            words = f"its answer is not understood: {_said(fault)}"
            return self._outcome(parcel, Result.UNKNOWN, words)
        result, words = Result.DEFERRED, "not sent"
        if _may_be_taken(fault):
            result, words = Result.UNKNOWN, "no answer"
        words = f"{words}: {fault.__cause__ or fault or repr(fault)}"
        return self._outcome(parcel, result, _without(self.relay.options, words))

    def _outcome(self, parcel: Parcel, result: Result, words: str) -> Outcome:
        return Outcome(parcel.key, result, self.relay.name, text=one_line(words), at=time.time())


def _may_be_taken(fault: Exception) -> bool:
    """Whether the letter may have got there, though no answer came."""
    cause = fault.__cause__
    if isinstance(fault, RequestException):
        if isinstance(fault, ConnectTimeout | SSLError):
            return False
        reason = cause.args[0] if isinstance(cause, NotConnected) and cause.args else None
        is_unconnected = isinstance(reason, MaxRetryError) and isinstance(
            reason.reason, NewConnectionError
        )
        return not is_unconnected
    if isinstance(fault, AnymailError) and type(cause).__module__.startswith("botocore."):
        return type(cause).__name__ in _BOTOCORE_MAY_BE_TAKEN
    return True


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


def _without(options: Mapping[str, object], words: str) -> str:
    """Words of others, which may quote an option, without those that are secret."""
    for name, value in options.items():
        if isinstance(value, Mapping):
            words = _without(value, words)
        elif value and _SECRET.search(name):
            words = words.replace(str(value), "…")
    return words
