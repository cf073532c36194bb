"""A stamped letter told again as Django's mail backends expect one: in its parts, or as it is."""

from __future__ import annotations

from email import message_from_bytes, policy
from email.message import Message as AnyMessage
from typing import Any

from django.core.mail import EmailMultiAlternatives

from dispatcher.relays.outcomes import Parcel

# What an API writes itself or is told apart from the other headers, and a signature that the new
# octets would break.
_TOLD_APART = frozenset(
    ("from", "to", "subject", "mime-version", "content-type", "content-transfer-encoding")
) | {"dkim-signature"}


class Stamped(EmailMultiAlternatives):
    """A stamped letter as Django's mail backends expect one.

    Its text, HTML and headers are there in parts; `message()` is the stamped letter itself. The return
    path is metadata, for an API uses one of its own and tells of bounces by webhook.
    """

    anymail_status: Any = None

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
