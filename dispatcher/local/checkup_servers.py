"""How PostgreSQL and Valkey are set up, as far as letters depend on it; and work that is left over."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from redis import Redis
from redis.exceptions import ResponseError

from dispatcher.watching import asking

DEADLINE = 3
CLOCKS_APART = 2.0  # seconds; leases and retries go by one clock, what people read by another
OLD = "2 days"  # a letter is tried for one day

# Open for longer than any letter is tried. Scheduled ones count from their time; paused ones were
# forgotten, as likely as not.
SQL_OLD = """
SELECT id, state, to_char(coalesce(scheduled_for, released_at), 'YYYY-MM-DD') FROM dispatcher_dispatch
WHERE state NOT IN ('done', 'cancelled') AND coalesce(scheduled_for, released_at) < now() - %s::interval
ORDER BY 1 LIMIT 5
"""

Finding = tuple[str, bool, str]  # what, whether it is well, in words


def postgresql() -> Iterator[Finding]:
    """Raises django.db.Error, within seconds."""
    with asking.own_cursor() as cursor:
        asked_at = time.time()
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())::float8")
        apart = cursor.fetchone()[0] - (asked_at + time.time()) / 2
        cursor.execute(
            "SELECT name FROM pg_settings WHERE name IN ('fsync', 'synchronous_commit') AND setting = 'off'"
        )
        off = sorted(name for (name,) in cursor.fetchall())
    words = " and ".join(off)
    yield (
        "PostgreSQL disk",
        not off,
        f"{words} {'is' if len(off) == 1 else 'are'} off: after a crash letters may go out twice. Turn"
        f" {words} on."
        if off
        else "what it has committed is on disk",
    )
    yield _clock("PostgreSQL clock", apart)


def valkey() -> Iterator[Finding]:
    """Raises RedisError or OSError, within seconds."""
    with Redis.from_url(
        settings.REDIS_URL, socket_connect_timeout=DEADLINE, socket_timeout=DEADLINE
    ) as client:
        asked_at = time.time()
        seconds, micro = client.time()
        apart = seconds + micro / 1e6 - (asked_at + time.time()) / 2
        facts: dict[str, Any] = client.info()
        saves = _setting(client, "save")
    yield "Valkey", True, "answers"
    failed = [
        name
        for name in ("rdb_last_bgsave_status", "aof_last_write_status", "aof_last_bgrewrite_status")
        if facts.get(name, "ok") != "ok"
    ]
    if failed:
        words = f"It could not write to disk ({', '.join(failed)}). Look at its disk and its log."
    elif not facts.get("aof_enabled") and saves == "":
        words = "It keeps nothing: if it crashes together with a worker, letters may go out twice. Set appendonly yes."
    else:
        words = ""
    yield "Valkey disk", not words, words or "what it knows is on disk within seconds"
    policy = str(facts.get("maxmemory_policy", ""))
    evicts = bool(facts.get("maxmemory")) and policy != "noeviction"
    yield (
        "Valkey memory",
        not evicts,
        f"It may evict journals of letters in flight ({policy}). Set maxmemory-policy noeviction."
        if evicts
        else "nothing is evicted",
    )
    yield _clock("Valkey clock", apart)


def old_dispatches() -> list[tuple[int, str, str]]:
    """Number, state and day of dispatches that should have ended. Raises django.db.Error."""
    with asking.own_cursor() as cursor:
        cursor.execute(SQL_OLD, [OLD])
        return list(cursor.fetchall())


def _clock(what: str, apart: float) -> Finding:
    is_well = abs(apart) < CLOCKS_APART
    words = f"{abs(apart):.1f} s {'ahead of' if apart > 0 else 'behind'} this machine's"
    return what, is_well, "agrees with this machine's" if is_well else f"{words}. Keep both by NTP."


def _setting(client: Redis, name: str) -> str | None:
    """None where the server does not tell, as hosted ones do not."""
    try:
        found: dict[str, str] = client.config_get(name)  # type: ignore[assignment]
    except ResponseError:
        return None
    return found.get(name)
