"""How often the hub may be asked: by one visitor, and for callbacks of one host.

Each request has us call the host that it names, so nobody may have us call one without end. Counted in
Valkey, like sign-ups; without Valkey none is taken.
"""

from __future__ import annotations

import logging

from django.conf import settings
from redis.exceptions import RedisError

from dispatcher.audience import limiting
from dispatcher.audience.limiting import HOUR
from dispatcher.errors import HubIsFull, QueueUnreachable
from dispatcher.visitors import network_of

log = logging.getLogger(__name__)

REQUESTS_PER_HOST = 2_000  # an hour; a service that reads for many people has one host
PENDING_PER_VISITOR = 200  # whose callbacks have not answered yet
SUBSCRIPTIONS_PER_HOST = 20_000
SUBSCRIPTIONS_PER_FEED = 20_000

_SCRIPT = """
for number, key in ipairs(KEYS) do
  local count = redis.call('INCR', key)
  if count == 1 then redis.call('EXPIRE', key, ARGV[1]) end
  if count > tonumber(ARGV[number + 1]) then return number end
end
return 0
"""


def hashed(visitor: str) -> str:
    """Who asks, as it is counted: no address lies in Valkey or in a row."""
    return limiting.hashed(network_of(visitor))


def count_request(*, visitor: str, host: str) -> None:
    """Count it, for a hashed visitor. Raises HubIsFull for the visitor or the host, and QueueUnreachable."""
    keys = [
        f"dispatcher:hub:visitor:{visitor}",
        f"dispatcher:hub:host:{limiting.hashed(host)}",
    ]
    most = [settings.HUB_PER_VISITOR, REQUESTS_PER_HOST]
    try:
        full = limiting.valkey().eval(_SCRIPT, len(keys), *keys, HOUR, *most)
    except (RedisError, OSError) as fault:
        log.warning("requests to the hub cannot be counted, so none is taken: %s", fault)
        raise QueueUnreachable(
            "The hub takes no requests at this moment. Try again soon."
        ) from None
    if full:
        whom = "from here" if full == 1 else "for this callback's host"
        raise HubIsFull(f"That was often enough {whom}. Try again in an hour.")
