"""What is asked of our hub: read, judged as far as the request itself says, written down to be verified.

Nothing is called here: whoever asks is answered at once, and the callback is asked by a job (`verifying`),
since anybody can name a callback (WebSub §5.1, §5.3).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from django.db import transaction
from django.utils import timezone

from dispatcher import queue
from dispatcher.errors import BadHubRequest, HubIsBusy, HubIsFull
from dispatcher.feeds import keeping
from dispatcher.feeds.documents import served
from dispatcher.feeds.hub import errands, limits, turns
from dispatcher.feeds.models_hub import HubRequest, HubTopic
from dispatcher.outbound import addresses
from dispatcher.outbound.addresses import Unfit

SHORTEST, USUAL, LONGEST = 3_600, 10 * 86_400, 30 * 86_400  # seconds of a lease
LONGEST_SECRET = 199  # octets (WebSub §5.1: less than 200)
Mode = HubRequest.Mode
NO_ROOM = "This hub pushes as many combinations of topics as it can."


def ask(fields: Mapping[str, str], *, visitor: str) -> None:
    """Take a request to subscribe or unsubscribe; the callback is asked once this is committed.

    A repeat replaces the one before it. Raises BadHubRequest, HubIsFull, HubIsBusy and QueueUnreachable.
    """
    mode = fields.get("hub.mode", "")
    if mode not in {Mode.SUBSCRIBE, Mode.UNSUBSCRIBE}:
        raise BadHubRequest("hub.mode must be subscribe or unsubscribe.")
    callback, topic = _given(fields, "hub.callback"), _given(fields, "hub.topic")
    host = _host_of(callback)
    lease, secret = _lease(fields.get("hub.lease_seconds", "")), _secret(fields)
    visitor = limits.hashed(visitor)
    limits.count_request(visitor=visitor, host=host)
    _check_pending(visitor, topic, callback)
    if mode == Mode.SUBSCRIBE:
        if served(topic) is None:
            raise BadHubRequest("hub.topic is not the address of a feed that is published here.")
        if not keeping.is_kept(topic):
            raise HubIsFull(NO_ROOM)
        _check_room(topic, host)
    elif not HubTopic.objects.filter(url=topic).exists():
        raise BadHubRequest("hub.topic is not the address of a feed that anybody subscribes to.")
    post(
        mode,
        topic=topic,
        callback=callback,
        host=host,
        lease_seconds=lease,
        secret=secret,
        visitor=visitor,
    )


@transaction.atomic
def post(
    mode: str,
    *,
    topic: str,
    callback: str,
    host: str,
    lease_seconds: int = 0,
    secret: str = "",
    reason: str = "",
    visitor: str = turns.OURS,
) -> None:
    """Write down what a callback is to be asked or told, in place of what was there.

    Who is asking it for the one before finds that gone, and keeps its place until then (`turns`).
    """
    of, _ = HubTopic.objects.get_or_create(url=topic)
    moment = timezone.now()
    HubRequest.objects.update_or_create(
        topic=of,
        callback=callback,
        defaults={
            "mode": mode,
            "host": host,
            "lease_seconds": lease_seconds,
            "secret": secret,
            "reason": reason,
            "visitor": visitor,
            "attempts": 0,
            "holder": "",
            "said": "",
            "asked_at": moment,
            "due_at": moment,
            "posted_at": moment,
        },
    )
    queue.verify()


def _given(fields: Mapping[str, str], name: str) -> str:
    value = fields.get(name, "")
    if not value:
        raise BadHubRequest(f"{name} is missing.")
    if len(value) > addresses.LONGEST_URL or not re.fullmatch(r"[!-~]+", value):
        raise BadHubRequest(f"{name} must be an address of at most 2,000 characters of ASCII.")
    return value


def _host_of(callback: str) -> str:
    try:
        place = addresses.parse(callback)
        addresses.check_number(place)
    except Unfit as refusal:
        raise BadHubRequest(f"hub.callback cannot be called. {refusal}") from None
    return place.host[:255]


def _lease(value: str) -> int:
    if not value:
        return USUAL
    if not re.fullmatch(r"[0-9]{1,18}", value) or not int(value):
        raise BadHubRequest("hub.lease_seconds must be a whole number of seconds.")
    return min(max(int(value), SHORTEST), LONGEST)


def _secret(fields: Mapping[str, str]) -> str:
    secret = fields.get("hub.secret", "")
    if len(secret.encode()) > LONGEST_SECRET or "\0" in secret:
        raise BadHubRequest("hub.secret must be less than 200 octets of text.")
    return secret


def _check_pending(visitor: str, topic: str, callback: str) -> None:
    pending = HubRequest.objects.filter(visitor=visitor)
    others = pending.exclude(topic__url=topic, callback=callback)
    if others.count() >= limits.PENDING_PER_VISITOR:
        raise HubIsBusy("The callbacks that were named from here are asked first. Try again soon.")


def _check_room(topic: str, host: str) -> None:
    live = errands.live()
    if live.filter(topic__url=topic).count() >= limits.SUBSCRIPTIONS_PER_FEED:
        raise HubIsFull("This feed has as many subscriptions as this hub can serve.")
    if live.filter(host=host).count() >= limits.SUBSCRIPTIONS_PER_HOST:
        raise HubIsFull("This host has as many subscriptions as this hub can serve.")
