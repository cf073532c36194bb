"""Who may open a reader's page: whoever holds a link that the reader has not made invalid since.

A link carries the version that the reader's links had when it was made. To leave, any version will do:
a letter's way out never closes (RFC 8058 §3.1), it only no longer leads to the page.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from django.db.models import F

from dispatcher.audience import hashing
from dispatcher.audience.models import Subscriber
from dispatcher.audience.tokens import Purpose, sealer, unseal
from dispatcher.errors import BadToken
from dispatcher.translating import later


class WayOut(NamedTuple):
    """What a link for leaving holds, `version` being that of the reader's links when it was made."""

    reader_id: int
    dispatch_id: int
    version: int


def for_managing() -> Callable[[int, int], str]:
    """Tokens of the reader's page by the reader's number and version; for a great many of them."""
    seal = sealer(Purpose.MANAGE)
    return lambda reader_id, version: seal(reader_id, *_said(version))


def for_leaving() -> Callable[[int, int, int], str]:
    """Tokens for leaving by reader, dispatch and version; for a great many of them."""
    seal = sealer(Purpose.LEAVE)
    return lambda reader_id, dispatch_id, version: seal(reader_id, dispatch_id, *_said(version))


def manage_token(reader_id: int) -> str:
    """A token of the page of this reader that holds now."""
    return for_managing()(reader_id, _version(reader_id))


def leave_token(reader_id: int, dispatch_id: int) -> str:
    return for_leaving()(reader_id, dispatch_id, _version(reader_id))


def opened(token: str) -> int:
    """The number of the reader whose page a link opens. Raises BadToken.

    A reader who is gone keeps the link: it opens a page that says so.
    """
    reader_id, *version = unseal(Purpose.MANAGE, token, count=1, more=1)
    if tuple(version) != _said(_version(reader_id)):
        if Subscriber.objects.filter(pk=reader_id, address__endswith=f"@{hashing.DOMAIN}").exists():
            raise BadToken(
                later("You were erased here. Nothing of ours is mailed to you any more.")
            )
        raise BadToken(
            later("This link was replaced by a newer one. Open your page from a newer letter.")
        )
    return reader_id


def way_out(token: str) -> WayOut:
    """Whom a link for leaving is for, and the dispatch whose letter had it. Raises BadToken."""
    reader_id, dispatch_id, *version = unseal(Purpose.LEAVE, token, count=2, more=1)
    return WayOut(reader_id, dispatch_id, *(version or [0]))


def leads_on(way_out: WayOut) -> bool:
    """Whether a link for leaving may lead to the reader's page as well."""
    return way_out.version == _version(way_out.reader_id)


def language_of(reader_id: int) -> str:
    """In which language a reader is spoken to; empty for one who is gone."""
    rows = Subscriber.objects.filter(pk=reader_id)
    return rows.values_list("language", flat=True).first() or ""


def renew(reader_id: int) -> str:
    """Make all links to the reader's page invalid, address changes not yet confirmed included.

    Returns the token of the new one. Every call makes another.
    """
    Subscriber.objects.filter(pk=reader_id).update(link_version=F("link_version") + 1)
    return manage_token(reader_id)


def feed_token(reader_id: int) -> str:
    """The token of the address of this reader's own feed, as it is now. Raises BadToken for nobody."""
    return sealer(Purpose.FEED)(reader_id, _feed_version(reader_id))


def opened_feed(token: str) -> int:
    """The number of the reader whose own feed a token opens. Raises BadToken."""
    reader_id, version = unseal(Purpose.FEED, token, count=2)
    if version != _feed_version(reader_id):
        raise BadToken(later("This feed was replaced by a newer one. Its address is on your page."))
    return reader_id


def renew_feed(reader_id: int) -> str:
    """Close the address of a reader's own feed for good; returns the token of the new one."""
    Subscriber.objects.filter(pk=reader_id).update(feed_version=F("feed_version") + 1)
    return feed_token(reader_id)


def _feed_version(reader_id: int) -> int:
    """Raises BadToken for a reader who is not there, or was erased."""
    rows = Subscriber.objects.filter(pk=reader_id).exclude(address__endswith=f"@{hashing.DOMAIN}")
    version = rows.values_list("feed_version", flat=True).first()
    if version is None:
        raise BadToken(later("There is no such feed."))
    return version


def _said(version: int) -> tuple[int, ...]:
    """Links are short: the first version goes without saying."""
    return (version,) if version else ()


def _version(reader_id: int) -> int:
    rows = Subscriber.objects.filter(pk=reader_id)
    return rows.values_list("link_version", flat=True).first() or 0
