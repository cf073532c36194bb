"""How often somebody may ask for a letter to an address: per address, per visitor and for the whole site.

Counted in Valkey, so that all web processes count together. Without Valkey nobody may: a sign-up that
waits is a small harm, a stranger's mailbox filled by us is not.
"""

from __future__ import annotations

import hashlib
import hmac
import logging

from django.conf import settings
from redis import Redis
from redis.exceptions import RedisError

from dispatcher.errors import QueueUnreachable, TooManySignUps
from dispatcher.translating import later
from dispatcher.valkey import connected
from dispatcher.visitors import network_of

log = logging.getLogger(__name__)

DAY, HOUR = 86_400, 3_600
WITHOUT_DOTS = frozenset(("gmail.com", "googlemail.com"))  # two names of one server
UNCOUNTED = later("Sign-ups cannot be taken at this moment. Try again soon.")

# Count and decide in one step. The site is looked at before the address and counted after it: when it is
# full, that is told to everybody alike, and a flood of one address fills nothing.
_SCRIPT = """
local function count(key, seconds)
  local number = redis.call('INCR', key)
  if number == 1 then redis.call('EXPIRE', key, seconds) end
  return number
end
if count(KEYS[1], ARGV[4]) > tonumber(ARGV[1]) then return 'visitor' end
if tonumber(redis.call('GET', KEYS[2]) or '0') >= tonumber(ARGV[2]) then return 'site' end
if count(KEYS[3], ARGV[5]) > tonumber(ARGV[3]) then return 'address' end
count(KEYS[2], ARGV[4])
return 'free'
"""


def may_have_a_letter(address: str, *, visitor: str) -> bool:
    """Count a sign-up; whether its letter may go, or the address has had its letters of the day.

    The answer to the visitor must not tell which. Raises TooManySignUps for the visitor or the whole
    site, and QueueUnreachable.
    """
    keys = [
        f"dispatcher:join:visitor:{hashed(network_of(visitor))}",
        "dispatcher:join:site",
        f"dispatcher:join:address:{hashed(_mailbox(address))}",
    ]
    limits = [settings.JOIN_PER_VISITOR, settings.JOIN_PER_SITE, settings.JOIN_PER_ADDRESS]
    try:
        said = valkey().eval(_SCRIPT, len(keys), *keys, *limits, HOUR, DAY)
    except (RedisError, OSError) as fault:
        log.warning("sign-ups cannot be counted, so none is taken: %s", fault)
        raise QueueUnreachable(UNCOUNTED) from None
    match said:
        case b"visitor":
            raise TooManySignUps(later("That was often enough from here. Try again in an hour."))
        case b"site":
            raise TooManySignUps(
                later("Very many people are signing up now. Try again in an hour.")
            )
    return bool(said == b"free")


def _mailbox(address: str) -> str:
    """What an address has in common with all others that lead to the same mailbox, for the count alone.

    Most servers pass over the case and what follows a plus (RFC 5233 §4), Gmail also over dots. Where a
    server does not, its mailboxes share what one may have.
    """
    local, _, domain = address.lower().rpartition("@")
    local = local.partition("+")[0] or local
    if domain in WITHOUT_DOTS:
        return f"{local.replace('.', '')}@gmail.com"
    return f"{local}@{domain}"


def valkey() -> Redis:
    return connected(settings.REDIS_URL)


def hashed(text: str) -> str:
    """No address lies in Valkey for a day."""
    return hmac.new(settings.SECRET_KEY.encode(), text.encode(), hashlib.sha256).hexdigest()[:24]
