"""Push by WebSub: which hubs our feeds name, and that a feed has changed.

Rows are written here, inside the transaction that changes the documents; the calls are made by `hub`, in
a queue of its own. Foreign hubs are told that a feed changed and fetch it; ours pushes it itself.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection, transaction
from django.db.models.functions import Now
from django.urls import reverse

from dispatcher import links
from dispatcher.feeds import freshness
from dispatcher.feeds.hub import errands
from dispatcher.feeds.models_hub import HubPing

OWN = "own"
# A foreign hub fetches at once. By then every web process has to have seen that something was published.
SEEN = timedelta(seconds=3 * freshness.EVERY)

# The feeds that somebody here waits for. A repeat is one more event, and one more push.
SQL_CHANGED = """
UPDATE dispatcher_hubtopic t SET event = event + 1, announced_at = now()
WHERE t.url = ANY(%s) AND EXISTS (
    SELECT FROM dispatcher_hubsubscription s
    WHERE s.topic_id = t.id AND s.ended_at IS NULL AND s.expires_at > now())
RETURNING t.id
"""

# A foreign hub alone knows who waits, so each feed counts.
SQL_CHANGED_FOR_ALL = """
INSERT INTO dispatcher_hubtopic (url, event, announced_at)
SELECT url, 1, now() FROM unnest(%s::text[]) AS url ORDER BY url
ON CONFLICT (url) DO UPDATE SET event = dispatcher_hubtopic.event + 1, announced_at = now()
RETURNING id
"""


def hubs() -> tuple[str, ...]:
    """The addresses of the hubs that our feeds name, in their order; none when push is off."""
    return tuple(own_hub() if each == OWN else each for each in settings.FEED_HUBS)


def hubs_of(url: str) -> tuple[str, ...]:
    """Those that this feed names: a reader's own feed none, for its address opens it."""
    return () if is_private(url) else hubs()


def is_private(url: str) -> bool:
    """Whether this is the address of one reader's own feed."""
    return urlsplit(url).path.startswith(links.feeds_folder() + "mine/")


def foreign_hubs() -> tuple[str, ...]:
    return tuple(each for each in settings.FEED_HUBS if each != OWN)


def has_own_hub() -> bool:
    return OWN in settings.FEED_HUBS


def own_hub() -> str:
    return settings.PUBLIC_URL + reverse("feeds:hub")


def link_header(self_url: str) -> str:
    """The value of a Link header, with which a feed is discovered and pushed (WebSub §4, §7)."""
    return ", ".join(
        [*(f'<{hub}>; rel="hub"' for hub in hubs_of(self_url)), f'<{self_url}>; rel="self"']
    )


@transaction.atomic(savepoint=False)
def announce(urls: Sequence[str]) -> None:
    """These feeds have changed: tell it, once this transaction commits. Every call is one more event."""
    told = {url for url in urls if foreign_hubs() and not is_private(url)}
    changed = _changed(SQL_CHANGED_FOR_ALL, told)
    if changed:
        _see_to_pings(changed)
    if has_own_hub():
        changed += _changed(SQL_CHANGED, set(urls) - told)
        errands.post_pushes(errands.behind().filter(topic__in=changed))


def _changed(sql: str, urls: Collection[str]) -> list[int]:
    """The topics that are one event further now."""
    if not urls:
        return []
    with connection.cursor() as cursor:
        cursor.execute(sql, [sorted(urls)])
        return [row[0] for row in cursor.fetchall()]


def _see_to_pings(topics: Sequence[int]) -> None:
    pings = [
        HubPing(topic_id=topic, hub=hub, host=urlsplit(hub).hostname or hub)
        for topic in topics
        for hub in foreign_hubs()
    ]
    HubPing.objects.bulk_create(pings, ignore_conflicts=True)
    told_of = HubPing.objects.filter(topic__in=topics, hub__in=foreign_hubs())
    told_of.filter(due_at__lt=Now() + SEEN).update(due_at=Now() + SEEN)
    errands.post_pings(told_of, after=SEEN)
