"""Whether a callback wants what was asked in its name: it is asked itself, and must repeat a challenge.

Claim, commit, ask, record (WebSub §5.3). Nothing begins, changes or ends before the callback has agreed.
Which one is asked next is `turns`'.
"""

from __future__ import annotations

import hmac
import logging
import secrets
from datetime import timedelta
from urllib.parse import urlencode

from django.db import transaction
from django.db.models.functions import Now

from dispatcher import metrics, queue
from dispatcher.feeds import keeping
from dispatcher.feeds.documents import served
from dispatcher.feeds.hub import asking, errands, turns
from dispatcher.feeds.models_hub import HubRequest, HubSubscription
from dispatcher.outbound import calling
from dispatcher.outbound.calling import NoAnswer, Unfit

log = logging.getLogger(__name__)

Mode, Reason = HubRequest.Mode, HubSubscription.Reason
ATTEMPTS = 3
NO_FEED = "There is no such feed here any more."


class _NotNow(Exception):  # noqa: N818
    """No answer that says yes or no; for so long the callback `asked` to be left alone."""

    def __init__(self, said: str, asked: timedelta = queue.AT_ONCE) -> None:
        super().__init__(said)
        self.asked = asked


def verify() -> None:
    """Ask or tell the callback whose turn it is, do what was agreed, and have the next one asked.

    Does nothing when none is due or enough are being asked: whoever asks them goes on.
    """
    request = turns.claim()
    if request is None:
        return
    try:
        _see_to(request)
    finally:
        turns.leave(request)


def _see_to(request: HubRequest) -> None:
    reason = _no_push(request.topic.url) if request.mode == Mode.SUBSCRIBE else ""
    if reason:
        errands.settle(request, mode=Mode.DENIED, reason=reason, attempts=0)
        return
    try:
        has_agreed = _asked(request)
    except _NotNow as fault:
        _put_off(request, str(fault), fault.asked)
        return
    _conclude(request, has_agreed=has_agreed)


def _no_push(url: str) -> str:
    """Why this feed cannot be pushed any more, though it could when that was asked; empty if it can."""
    if served(url) is None:
        return NO_FEED
    return "" if keeping.is_kept(url) else asking.NO_ROOM


def _asked(request: HubRequest) -> bool:
    """Whether it repeated the challenge, octet for octet. Raises _NotNow."""
    challenge = secrets.token_urlsafe(32)
    told = {"hub.mode": request.mode, "hub.topic": request.topic.url}
    if request.mode == Mode.DENIED:
        told["hub.reason"] = request.reason
    else:
        told["hub.challenge"] = challenge
    if request.mode == Mode.SUBSCRIBE:
        told["hub.lease_seconds"] = str(request.lease_seconds)
    joint = "&" if "?" in request.callback else "?"
    try:
        answer = calling.fetch(
            f"{request.callback}{joint}{urlencode(told)}",
            seconds=errands.CALL_SECONDS,
        )
    except Unfit as refusal:
        log.info("%s: the callback is not called: %s", request, refusal)
        return False
    except NoAnswer as fault:
        raise _NotNow(str(fault)) from None
    if answer.status >= 500 or answer.status == 429:
        raise _NotNow(f"it answered {answer.status}", answer.retry_after)
    return (
        answer.is_good and answer.is_whole and hmac.compare_digest(answer.body, challenge.encode())
    )


def _put_off(request: HubRequest, said: str, asked: timedelta) -> None:
    if request.attempts >= ATTEMPTS:
        log.info("%s: given up, %s", request, said)
        _conclude(request, has_agreed=False)
        return
    pause = errands.pause_after(request, asked)
    if errands.settle(request, said=said[:300], due_at=Now() + pause) and pause < errands.SOON:
        queue.verify(after=pause)


@transaction.atomic
def _conclude(request: HubRequest, *, has_agreed: bool) -> None:
    """It is answered, so its row goes; unless another request has taken its place meanwhile."""
    gone, _ = HubRequest.objects.filter(pk=request.pk, holder=request.holder).delete()
    if not gone:
        return
    result = "agreed" if has_agreed else "not agreed"
    metrics.count_push(request.mode, "told" if request.mode == Mode.DENIED else result)
    if has_agreed and request.mode == Mode.SUBSCRIBE:
        _begin(request)
    elif has_agreed and request.mode == Mode.UNSUBSCRIBE:
        HubSubscription.objects.filter(
            topic=request.topic, callback=request.callback, ended_at=None
        ).update(ended_at=Now(), ended_reason=Reason.UNSUBSCRIBED)


def _begin(request: HubRequest) -> None:
    """A subscription, or a new lease and secret for the one that is there (WebSub §5.1, renewal)."""
    lasting = {
        "host": request.host,
        "secret": request.secret,
        "expires_at": Now() + timedelta(seconds=request.lease_seconds),
        "ended_at": None,
        "ended_reason": "",
    }
    known = HubSubscription.objects.filter(topic=request.topic, callback=request.callback)
    if known.filter(ended_at=None).update(**lasting):
        return  # what it is behind with is pushed all the same
    fresh = {
        "told": request.topic.event,
        "attempts": 0,
        "said": "",
        "started_at": Now(),
        "due_at": Now(),
    }
    if not known.update(**lasting, **fresh):
        HubSubscription.objects.create(
            topic=request.topic, callback=request.callback, **lasting, **fresh
        )
