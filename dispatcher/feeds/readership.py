"""How many people read a feed in their feed readers: an estimate, without cookies and without addresses.

A feed reader of one's own polls from one network under one name: a day's different ones are counted by
HyperLogLogs in Valkey, of hashes under a key that is drawn anew each day and forgotten. Aggregators say
in their User-Agent for how many they poll. Closed days are summed into rows; what is lost is lost.
"""

from __future__ import annotations

import hmac
import secrets
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import cast

from django.conf import settings
from django.db import connection
from django.utils import timezone
from redis import Redis

from dispatcher.feeds import agents
from dispatcher.valkey import connected
from dispatcher.visitors import nearest, network_of

# A channel's key, the path, REMOTE_ADDR, X-Forwarded-For, User-Agent.
Poll = tuple[str, str, str, str, str]

_OPEN_DAYS = 3  # a day may still be summed for so long
_KEPT = (_OPEN_DAYS + 1) * 86_400
_KEY_KEPT = 2 * 86_400  # seconds; no hash is made with it after its day
_DEADLINE = 3.0
_MOST_PRODUCTS = 30  # of one channel and day
# Anybody can claim to be an aggregator of millions. What all of them say together is believed up to this,
# or up to ten times the most of the two weeks before: what is false is bounded, what is true gets through.
BELIEVED = 1_000
GROWTH = 10

SQL_SETTLE = """
INSERT INTO dispatcher_feedreadership (channel, day, aggregated, pollers)
VALUES (%(channel)s, %(day)s, LEAST(%(claimed)s, GREATEST(%(believed)s, %(growth)s * COALESCE((
    SELECT max(aggregated) FROM dispatcher_feedreadership
    WHERE channel = %(channel)s AND day >= %(day)s - 14 AND day < %(day)s), 0))), %(pollers)s)
ON CONFLICT (day, channel) DO UPDATE SET
    aggregated = GREATEST(dispatcher_feedreadership.aggregated, EXCLUDED.aggregated),
    pollers = GREATEST(dispatcher_feedreadership.pollers, EXCLUDED.pollers)
"""
# Means over the days that were counted at all, for a young installation has no thirty.
SQL_REPORT = """
WITH counted AS (
    SELECT count(DISTINCT day) FILTER (WHERE day >= %(today)s - 7) AS week, count(DISTINCT day) AS month
    FROM dispatcher_feedreadership WHERE day >= %(today)s - 30 AND day < %(today)s
)
SELECT channel,
    COALESCE(round(sum(aggregated + pollers) FILTER (WHERE day >= %(today)s - 7) / max(week)::numeric), 0),
    round(sum(aggregated + pollers) / max(month)::numeric),
    COALESCE(round(sum(aggregated) FILTER (WHERE day >= %(today)s - 7) / max(week)::numeric), 0)
FROM dispatcher_feedreadership, counted WHERE day >= %(today)s - 30 AND day < %(today)s
GROUP BY channel ORDER BY 2 DESC, 3 DESC, channel
"""


@dataclass(frozen=True, slots=True)
class Readership:
    """Readers of a channel a day, on the mean of the last 7 and 30 closed days.

    `aggregated` is the part of the 7 days' mean that aggregators spoke for.
    """

    channel: str
    week: int
    month: int
    aggregated: int


def count(polls: Collection[Poll]) -> None:
    """Note who polled; repeats of a day change nothing. Raises RedisError or OSError."""
    day = timezone.now().date()
    key = _key_of(day)
    pollers: defaultdict[str, set[bytes]] = defaultdict(set)
    claims: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for channel, path, remote, forwarded_for, user_agent in polls:
        agent = agents.read(user_agent)
        if agent.subscribers is not None:
            # Readers of one channel's two formats are two kinds of people; of one format, the same.
            member = f"{agent.product} {path.rpartition('.')[2][:8]}"
            known = claims[channel].get(member, 0)
            claims[channel][member] = max(known, agent.subscribers)
        elif not agent.is_robot:
            who = f"{network_of(nearest(forwarded_for, remote))}\n{user_agent}"
            pollers[channel].add(hmac.digest(key, who.encode("utf-8", "replace"), "sha256")[:12])
    pipe = _valkey().pipeline(transaction=False)
    for channel, hashes in pollers.items():
        pipe.pfadd(_pollers(day, channel), *hashes)
        pipe.expire(_pollers(day, channel), _KEPT)
    for channel, numbers in claims.items():
        name = _claims(day, channel)
        pipe.zadd(name, numbers, gt=True)
        pipe.zremrangebyrank(name, 0, -_MOST_PRODUCTS - 1)
        pipe.expire(name, _KEPT)
    if pollers or claims:
        pipe.sadd(_channels(day), *pollers, *claims)
        pipe.expire(_channels(day), _KEPT)
    pipe.execute()


def settle() -> int:
    """Write the sums of closed days; how many. Repeats change nothing. Raises RedisError or OSError."""
    today = timezone.now().date()
    sums = [each for ago in range(_OPEN_DAYS, 0, -1) for each in _sums(today - timedelta(days=ago))]
    with connection.cursor() as cursor:
        for channel, day, claimed, pollers in sums:
            cursor.execute(
                SQL_SETTLE,
                {
                    "channel": channel,
                    "day": day,
                    "claimed": claimed,
                    "pollers": pollers,
                    "believed": BELIEVED,
                    "growth": GROWTH,
                },
            )
    return len(sums)


def report() -> list[Readership]:
    """Every channel that had readers in thirty days, most read first."""
    with connection.cursor() as cursor:
        cursor.execute(SQL_REPORT, {"today": timezone.now().date()})
        return [
            Readership(row[0], int(row[1]), int(row[2]), int(row[3])) for row in cursor.fetchall()
        ]


def _sums(day: date) -> Iterator[tuple[str, date, int, int]]:
    valkey = _valkey()
    names = cast("set[bytes]", valkey.smembers(_channels(day)))
    for channel in sorted(name.decode() for name in names):
        pipe = valkey.pipeline(transaction=False)
        pipe.pfcount(_pollers(day, channel))
        pipe.zrange(_claims(day, channel), 0, -1, withscores=True)
        pollers, claims = pipe.execute()
        yield channel, day, min(sum(int(score) for _, score in claims), 2**31 - 1), pollers


def _key_of(day: date) -> bytes:
    """The key of a day's hashes, drawn by whoever is first; it is in no row, and gone the day after."""
    name = f"dispatcher:readership:{day:%Y-%m-%d}:key"
    pipe = _valkey().pipeline()
    pipe.set(name, secrets.token_bytes(32), nx=True, ex=_KEY_KEPT)
    pipe.get(name)
    key: bytes = pipe.execute()[1]
    return key


def _pollers(day: date, channel: str) -> str:
    return f"dispatcher:readership:{day:%Y-%m-%d}:pollers:{channel}"


def _claims(day: date, channel: str) -> str:
    return f"dispatcher:readership:{day:%Y-%m-%d}:claims:{channel}"


def _channels(day: date) -> str:
    return f"dispatcher:readership:{day:%Y-%m-%d}:channels"


def _valkey() -> Redis:
    return connected(settings.REDIS_URL, seconds=_DEADLINE)
