"""The newest of a feed to a callback that asked for it: the very octets that are served, signed.

Claim, commit, push, record (WebSub §7). A job goes on with whatever is due to the same host, so that a
few hundred callbacks cost a few jobs. A retry carries what is newest then, not what was missed.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import time
from collections.abc import Callable
from datetime import timedelta
from functools import cache

from django.db.models.functions import Now

from dispatcher import metrics, queue
from dispatcher.feeds import websub
from dispatcher.feeds.documents import served
from dispatcher.feeds.hub import asking, errands, turns
from dispatcher.feeds.models_hub import HubRequest, HubSubscription
from dispatcher.feeds.served import Served
from dispatcher.outbound import calling
from dispatcher.outbound.calling import NoAnswer, Unfit

log = logging.getLogger(__name__)

Reason = HubSubscription.Reason
FEED_ENDED = "The feed has ended."


def push(subscription_id: int) -> None:
    """Push to this subscription's host what is due to it, until nothing is or others shall have a turn.

    Does nothing where others have enough of that host in hand: they go on with it.
    """
    rows = HubSubscription.objects.filter(pk=subscription_id)
    host = rows.values_list("host", flat=True).first()
    if not host or not websub.has_own_hub():
        return
    is_left = _see_to(host)
    turns.nudge(errands.asked().filter(host=host))  # they may have waited for this very host
    if is_left:
        queue.push(subscription_id)


def _see_to(host: str) -> bool:
    """Push what is due to a host; whether more is, for which others shall not wait."""
    until = time.monotonic() + errands.BUDGET
    while True:
        claimed = errands.claim(errands.behind(), host=host, most=errands.AT_A_TIME)
        if not claimed:
            return False
        read = cache(served)  # one feed after the other, each read once
        for number, subscription in enumerate(claimed, start=1):
            answers = _pushed(subscription, read)
            if answers and time.monotonic() < until:
                continue
            errands.give_back(claimed[number:])
            if not answers:
                errands.leave_alone(host)
            return answers


def _pushed(subscription: HubSubscription, read: Callable[[str], Served | None]) -> bool:
    """One attempt, recorded; whether the host answered at all. Raises nothing of the attempt's own."""
    try:
        document = read(subscription.topic.url)
        if document is None:
            _end(subscription, Reason.FEED_ENDED)
            return True
        answer = calling.post(
            subscription.callback,
            document.body,
            headers=headers(subscription, document),
            seconds=errands.CALL_SECONDS,
        )
    except (Unfit, NoAnswer) as fault:
        _put_off(subscription, str(fault), "no answer")
        return False
    except Exception:
        log.exception("%s could not be pushed to", subscription)
        _put_off(subscription, "it could not be pushed; the worker's log says why", "broke")
        return True
    if answer.is_good:
        errands.told(subscription)
        metrics.count_push("push", "taken")
    elif answer.status == 410:
        _end(subscription, Reason.GONE)
    else:
        _put_off(subscription, f"it answered {answer.status}", "refused", answer.retry_after)
    return True


def headers(subscription: HubSubscription, document: Served) -> dict[str, str]:
    """What goes with the octets: what they are, where they are from, and a signature over them."""
    found = {
        "Content-Type": document.content_type,
        "Link": websub.link_header(subscription.topic.url),
    }
    if subscription.secret:  # WebSub §7.1
        signature = hmac.new(subscription.secret.encode(), document.body, hashlib.sha256)
        found["X-Hub-Signature"] = f"sha256={signature.hexdigest()}"
    return found


def _put_off(
    subscription: HubSubscription, said: str, result: str, asked: timedelta = queue.AT_ONCE
) -> None:
    pause: timedelta | None = errands.put_off(subscription, said, asked=asked)
    metrics.count_push("push", result if pause else "given up")
    if pause and pause < errands.SOON:
        queue.push(subscription.pk, after=pause)


def _end(subscription: HubSubscription, reason: str) -> None:
    """The callback wants no more, or there is no more; who did not say so itself is told (WebSub §5.2)."""
    errands.settle(subscription, ended_at=Now(), ended_reason=reason, said="")
    metrics.count_push("push", reason)
    if reason == Reason.FEED_ENDED:
        asking.post(
            HubRequest.Mode.DENIED,
            topic=subscription.topic.url,
            callback=subscription.callback,
            host=subscription.host,
            reason=FEED_ENDED,
        )
