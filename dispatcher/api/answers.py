"""What every refusal of the API looks like: `{"detail": one line, "code": a word}`, and its status.

Which refusal has which status stands here; the line is the refusal's own, the code its class's name.
"""

from __future__ import annotations

import json
import re

from django.http import HttpResponse

from dispatcher import errors
from dispatcher.errors import Refusal

RETRY_AFTER = "10"  # seconds: what is away is being started again, or somebody is at it


class MalformedRequest(Refusal):
    """The body is not what the API reads: no JSON, or no object."""


OTHERWISE = 422
STATUS: dict[type[Refusal], int] = {
    MalformedRequest: 400,
    errors.BadHubRequest: 400,
    errors.BadToken: 400,
    errors.NoSuchBrief: 404,
    errors.NoSuchDispatch: 404,
    errors.NoSuchFuse: 404,
    errors.NoSuchReader: 404,
    errors.AlreadyReleased: 409,
    errors.BriefGone: 409,
    errors.NotReleased: 409,
    errors.NobodyFollows: 409,
    errors.NotWelcome: 409,
    errors.WrongState: 409,
    errors.BadAddress: 422,
    errors.BadFile: 422,
    errors.BadTopics: 422,
    errors.UnknownTopic: 422,
    errors.UnreadableBrief: 422,
    errors.UnreadyBrief: 422,
    errors.NotSolved: 422,
    errors.BadChoice: 422,
    errors.HubIsBusy: 429,
    errors.HubIsFull: 429,
    errors.TooManySignUps: 429,
    errors.QueueUnreachable: 503,
    errors.RelayRefused: 503,
    errors.RelayUnreachable: 503,
}


def refusal(status: int, code: str, detail: str) -> HttpResponse:
    """An error in the one shape; `detail` is put on one line."""
    text = json.dumps({"detail": " ".join(detail.split()), "code": code}, ensure_ascii=False)
    response = HttpResponse(
        text.encode("utf-8", "replace"), status=status, content_type="application/json"
    )
    response["Cache-Control"] = "no-store"
    if status == 503:
        response["Retry-After"] = RETRY_AFTER
    return response


def code_of(kind: type[Refusal]) -> str:
    """`UnknownTopic` → `unknown_topic`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower()


def status_of(kind: type[Refusal]) -> int:
    return next((STATUS[each] for each in kind.__mro__ if each in STATUS), OTHERWISE)
