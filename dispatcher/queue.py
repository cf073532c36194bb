"""One function per job: each posts a name and ids once the surrounding transaction has committed.

A post only nudges; rows are the truth. When Valkey is away a post is lost with a warning, and the
sweep posts again whatever stands still. Tasks in `workers.tasks` carry the same names.
"""

from __future__ import annotations

import logging
import time
from datetime import timedelta

from celery import Celery
from django.conf import settings
from django.db import transaction
from kombu.exceptions import OperationalError
from redis import Redis
from redis.exceptions import RedisError

from dispatcher.errors import QueueUnreachable

log = logging.getLogger(__name__)

URGENT = "urgent"
ROUTINE = "routine"
UPKEEP = "upkeep"  # sweeps, news for feeds; the urgent worker's, so no routine backlog delays them
OUTBOUND = "outbound"  # calls to strangers' servers, which may hang; nothing else waits there
QUEUES = (URGENT, ROUTINE, UPKEEP, OUTBOUND)
AT_ONCE = timedelta()
_BELIEVED = 2.0  # seconds in which a Valkey that was away just now is not asked again

app = Celery("dispatcher")
app.config_from_object("django.conf:settings", namespace="CELERY")
_away_until = 0.0


def match(dispatch_id: int, *, lane: str, after: timedelta = AT_ONCE) -> None:
    """Nudge: find the audience of a released dispatch, after so long."""
    _post("match", dispatch_id, to=lane, after=after)


def carry(batch_id: int, *, lane: str, after: timedelta = AT_ONCE) -> None:
    """Nudge: hand a batch's letters over, after so long; a worker keeps it until then."""
    _post("carry", batch_id, to=lane, after=after)


def publish(brief_id: int) -> None:
    """Nudge: tell the feeds of a released, corrected or withdrawn brief; behind no routine backlog."""
    _post("publish", brief_id, to=UPKEEP)


def republish() -> None:
    """Nudge: render the feeds of all that is about topics which were moved, merged, retired or renamed."""
    _post("republish", to=ROUTINE)


def render() -> None:
    """Nudge: render the feeds of combinations that have changed."""
    _post("render", to=ROUTINE)


def notify(notice_id: int, *, after: timedelta = AT_ONCE) -> None:
    """Nudge: send a letter about a reader's own affairs, for which somebody waits, after so long."""
    _post("notify", notice_id, to=URGENT, after=after)


def gather(run_id: int) -> None:
    """Nudge: make the deliveries of the digests of a run."""
    _post("gather", run_id, to=ROUTINE)


def tidy(*, after: timedelta = AT_ONCE) -> None:
    """Nudge: take what is not kept any longer, after so long."""
    _post("tidy", to=UPKEEP, after=after)


def verify(*, after: timedelta = AT_ONCE) -> None:
    """Nudge: ask the callback whose turn it is whether a request to the hub was meant, after so long."""
    _post("verify", to=OUTBOUND, after=after)


def push(subscription_id: int, *, after: timedelta = AT_ONCE) -> None:
    """Nudge: push the newest of its feed to a callback, and to others of its host, after so long."""
    _post("push", subscription_id, to=OUTBOUND, after=after)


def ping(ping_id: int, *, after: timedelta = AT_ONCE) -> None:
    """Nudge: tell a foreign hub that a feed has changed, after so long."""
    _post("ping", ping_id, to=OUTBOUND, after=after)


def check_reachable() -> None:
    """Raise QueueUnreachable unless Valkey answers within three seconds."""
    global _away_until  # noqa: PLW0603  of this process
    try:
        with _valkey() as valkey:
            valkey.ping()
        _away_until = 0.0
    except (RedisError, OSError) as fault:
        raise QueueUnreachable(
            f"The queue does not answer ({fault}). Start Valkey or mend REDIS_URL, then try again."
        ) from None


def is_empty(lane: str) -> bool:
    """Whether no message waits in a lane's queue."""
    with _valkey() as valkey:
        return not valkey.llen(lane)


def is_first(name: str, number: int, *, within: timedelta) -> bool:
    """Whether this is asked for the first time within that time; so a nudge is not repeated too often."""
    with _valkey() as valkey:
        return bool(valkey.set(f"dispatcher:nudged:{name}:{number}", 1, nx=True, ex=within))


def consumed() -> set[str]:
    """The queues that some worker answers for within a second. Raises RedisError or OSError."""
    try:
        answers = app.control.inspect(timeout=1.0).active_queues() or {}
    except OperationalError as fault:
        raise ConnectionError(str(fault)) from None
    return {each["name"] for queues in answers.values() for each in queues}


def _valkey() -> Redis:
    return Redis.from_url(settings.REDIS_URL, socket_connect_timeout=3, socket_timeout=3)


def _post(name: str, *ids: int, to: str, after: timedelta = AT_ONCE) -> None:
    def send() -> None:
        global _away_until  # noqa: PLW0603  of this process
        if time.monotonic() < _away_until:  # hundreds of posts must not wait three seconds each
            return
        try:
            app.send_task(name, args=ids, queue=to, countdown=after.total_seconds() or None)
        except (OperationalError, RedisError, OSError) as fault:
            _away_until = time.monotonic() + _BELIEVED
            log.warning("The queue is away, the sweep will post %s%s: %s", name, ids, fault)

    transaction.on_commit(send)
