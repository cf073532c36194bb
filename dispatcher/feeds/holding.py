"""What a channel holds: the same rules as for mail, asked of publications instead of readers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import Max, Q, QuerySet

from dispatcher.audience import access
from dispatcher.audience.models import Subscription
from dispatcher.audience.rules import Match, Rule
from dispatcher.feeds.channels import Channel
from dispatcher.feeds.models import Publication

NEWEST = 50

# A brief counts for every topic of its reach.
SQL_COUNTS = """
SELECT topic, count(*), max(coalesce(b.published_at, b.released_at))
FROM dispatcher_publication p
JOIN dispatcher_brief b ON b.id = p.brief_id
CROSS JOIN unnest(p.reach) AS topic
WHERE p.withdrawn_at IS NULL
GROUP BY topic
"""


@dataclass(frozen=True, slots=True)
class Held:
    """Newest first. `before` and `after` are the neighbouring months that hold anything, or empty."""

    entries: tuple[Publication, ...]
    withdrawn: tuple[Publication, ...]
    before: str = ""
    after: str = ""


def live(channel: Channel) -> Held:
    """The newest entries, and what was withdrawn while they were. Archives hold all there is.

    `before` is the newest archive, where there is more than the feed itself shows.
    """
    rows = publications(channel)
    shown = rows.filter(withdrawn_at=None)
    entries = tuple(shown.order_by("-updated_at")[: NEWEST + 1])
    has_more = len(entries) > NEWEST
    entries = entries[:NEWEST]
    gone = rows.exclude(withdrawn_at=None).select_related("brief").order_by("-updated_at")
    if has_more:
        gone = gone.filter(updated_at__gte=entries[-1].updated_at)
    newest = shown.aggregate(Max("month"))["month__max"] if has_more else ""
    return Held(entries, tuple(gone[:NEWEST]), before=newest)


def archive(channel: Channel, month: str) -> Held:
    """All that was first released in a month (`2026-03`, in UTC), as it stands today."""
    rows = publications(channel)
    months = list(rows.order_by("month").values_list("month", flat=True).distinct())
    own = list(rows.filter(month=month).select_related("brief").order_by("-updated_at"))
    return Held(
        tuple(one for one in own if one.withdrawn_at is None),
        tuple(one for one in own if one.withdrawn_at is not None),
        before=max((one for one in months if one < month), default=""),
        after=min((one for one in months if one > month), default=""),
    )


def publications(channel: Channel) -> QuerySet[Publication]:
    """Every publication of the channel, withdrawn ones too. Raises BadToken for a reader's own."""
    rows = Publication.objects.all()
    if channel.token:
        return rows.filter(_fits_any(rules_of(access.opened_feed(channel.token))))
    rows = rows.filter(_fits(channel.rule))
    if channel.kind:
        rows = rows.filter(kind=channel.kind)
    return rows.filter(urgent=True) if channel.is_urgent else rows


@dataclass(frozen=True, slots=True)
class Count:
    """How many briefs a topic's feed and its archives hold, and the day of the latest."""

    briefs: int
    latest: datetime


def counts() -> dict[int, Count]:
    """By topic, for those that have any; what was withdrawn does not count."""
    with connection.cursor() as cursor:
        cursor.execute(SQL_COUNTS)
        return {topic: Count(briefs, latest) for topic, briefs, latest in cursor.fetchall()}


def rules_of(reader_id: int) -> list[Rule]:
    """The live rules of a reader, whatever their cadence."""
    live_ = Subscription.objects.filter(subscriber=reader_id, ended_at=None)
    return [Rule.of(subscription) for subscription in live_]


def _fits_any(rules: Iterable[Rule]) -> Q:
    fits = Q(pk__in=())
    for rule in rules:
        fits |= _fits(rule)
    return fits


def _fits(rule: Rule) -> Q:
    """As `Rule.lets_through`: an empty `all` holds for every reach, an empty `any` for none."""
    topics, unwanted = sorted(rule.topics), sorted(rule.except_topics)
    wanted = Q(reach__overlap=topics) if rule.match == Match.ANY else Q(reach__contains=topics)
    return wanted & ~Q(reach__overlap=unwanted)
