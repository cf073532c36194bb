"""Readers as the desk looks at them: searching, leafing, counting who follows a topic.

It only reads. Who is mailed is decided where a dispatch is matched.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from dispatcher.audience.models import Subscriber
from dispatcher.audience.rules import Rule, in_words
from dispatcher.briefs.models import Topic
from dispatcher.errors import NoSuchReader

LEAF = 50

# Active readers with a live rule that asks for the topic, at whatever cadence; who has several such
# rules counts once. The array condition is what the GIN index serves. Among a million readers, on an
# embedded PostgreSQL here: 0.3 s for one topic, 3 s for sixty.
SQL_FOLLOWERS = """
SELECT topic, count(DISTINCT subscriber_id) FROM (
    SELECT s.subscriber_id, unnest(s.topics) AS topic
    FROM dispatcher_subscription s
    JOIN dispatcher_subscriber r ON r.id = s.subscriber_id AND r.state = 'active'
    WHERE s.ended_at IS NULL AND s.topics && %(topics)s::bigint[]
) AS followed
WHERE topic = ANY(%(topics)s) GROUP BY 1
"""

# Each language that some reader has, going from one to the next in its index: as many steps as there are
# languages, however many readers there are.
SQL_LANGUAGES = """
WITH RECURSIVE spoken AS (
    SELECT min(language) AS language FROM dispatcher_subscriber
    UNION ALL
    SELECT (SELECT min(r.language) FROM dispatcher_subscriber r WHERE r.language > spoken.language)
    FROM spoken WHERE spoken.language IS NOT NULL
)
SELECT language FROM spoken WHERE language IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class Leaf:
    """Readers, newest first; `older_than` is where the next leaf begins, None after the last."""

    readers: Sequence[Subscriber]
    older_than: int | None


@dataclass(frozen=True, slots=True)
class SaidRule:
    """A rule in words, and from when to when it counts."""

    words: str
    source: str
    started_at: datetime
    ended_at: datetime | None
    ended_reason: str


def leaf(*, search: str = "", older_than: int | None = None) -> Leaf:
    """Up to fifty readers whose address contains `search`. Leafing by id costs the same at any depth."""
    rows = Subscriber.objects.order_by("-pk")
    if search:
        rows = rows.filter(address__icontains=search)
    if older_than is not None:
        rows = rows.filter(pk__lt=older_than)
    found = list(rows[: LEAF + 1])
    return Leaf(found[:LEAF], found[LEAF - 1].pk if len(found) > LEAF else None)


def total() -> int:
    """How many readers there are, whatever their state."""
    return Subscriber.objects.count()


def languages() -> list[str]:
    """The languages that readers have, as they stand in their rows."""
    with connection.cursor() as cursor:
        cursor.execute(SQL_LANGUAGES)
        return [language for (language,) in cursor]


def reader(number: int) -> Subscriber:
    """The reader of that number, which pages name instead of the address. Raises NoSuchReader."""
    found = Subscriber.objects.filter(pk=number).first()
    if found is None:
        raise NoSuchReader(f"There is no reader {number}.")
    return found


def said_rules(of: Subscriber) -> list[SaidRule]:
    """The reader's rules in words, those that count first, then the ended ones, latest first."""
    rows = list(of.subscriptions.order_by("pk"))
    topics = {topic for row in rows for topic in (*row.topics, *row.except_topics)}
    names = dict(Topic.objects.filter(pk__in=topics).values_list("pk", "name"))
    said = [
        SaidRule(
            words=in_words(Rule.of(row), names),
            source=row.source,
            started_at=row.started_at,
            ended_at=row.ended_at,
            ended_reason=row.ended_reason,
        )
        for row in rows
    ]
    ended = [rule for rule in said if rule.ended_at]
    ended.sort(key=lambda rule: rule.ended_at or rule.started_at, reverse=True)
    return [rule for rule in said if not rule.ended_at] + ended


def followers(topic_ids: Collection[int]) -> dict[int, int]:
    """How many active readers ask for each of these topics by name; every id is in the answer."""
    with connection.cursor() as cursor:
        cursor.execute(SQL_FOLLOWERS, {"topics": list(topic_ids)})
        counted = dict(cursor.fetchall())
    return {topic: counted.get(topic, 0) for topic in topic_ids}
