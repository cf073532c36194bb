"""Readers as the desk looks at them: searching, leafing, counting who follows a topic.

It only reads. Who is mailed is decided where a dispatch is matched.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import Exists, OuterRef, Q, Subquery
from django.db.models.functions import Lower
from django.db.models.lookups import Exact
from django.utils import timezone

from dispatcher.audience import consent, editing, hashing
from dispatcher.audience.models import Subscriber, Subscription, Suppression
from dispatcher.audience.rules import Rule, in_words
from dispatcher.briefs.topics import Vocabulary
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
class Suppressions:
    """Suppressed addresses, the last first, each with the number of its `reader` if there is one.

    `older_than` is as in a Leaf, `total` counts all that were asked for.
    """

    rows: Sequence[Suppression]
    older_than: int | None
    total: int


@dataclass(frozen=True, slots=True)
class SaidRule:
    """A rule in words, and from when to when it counts; one that staff ended they may take up again."""

    id: int
    words: str
    source: str
    started_at: datetime
    ended_at: datetime | None
    ended_reason: str
    may_be_taken_up: bool


def leaf(
    *,
    search: str = "",
    state: str = "",
    topic: int | None = None,
    older_than: int | None = None,
    limit: int = LEAF,
) -> Leaf:
    """Up to fifty readers whose address contains `search`, in one of STATES, with a live rule that asks for
    the topic by name. Leafing by id costs the same at any depth.
    """
    rows = Subscriber.objects.order_by("-pk")
    if search:
        rows = rows.filter(address__icontains=search)
    if state:
        rows = rows.filter(_states()[state])
    if topic is not None:
        held = Subscription.objects.filter(
            subscriber=OuterRef("pk"), ended_at=None, topics__contains=[topic]
        )
        rows = rows.filter(Exists(held))
    if older_than is not None:
        rows = rows.filter(pk__lt=older_than)
    found = list(rows[: limit + 1])
    return Leaf(found[:limit], found[limit - 1].pk if len(found) > limit else None)


SUPPRESSED, PAUSED = "suppressed", "paused"
STATES = (*Subscriber.State.values, PAUSED, SUPPRESSED)


def _states() -> dict[str, Q]:
    """As lists show a reader: who is suppressed is nothing else, who has paused is active all the same."""
    plain = {state: Q(state=state, is_suppressed=False) for state in Subscriber.State.values}
    return {
        **plain,
        PAUSED: Q(state="active", is_suppressed=False, paused_until__gt=timezone.now()),
        SUPPRESSED: Q(is_suppressed=True),
    }


# Why an address is suppressed, as staff ask for it. What is none of the others is somebody's own words.
_WHY: Mapping[str, Q] = {
    "bounced": Q(reason__startswith="it bounced"),
    "complaint": Q(reason="complaint"),
    "opt-out": Q(reason="opt-out"),
    "erased": Q(reason=consent.ERASED),
}
BY_HAND = "by hand"
WHYS = (*_WHY, BY_HAND)


def suppressions(*, search: str = "", why: str = "", older_than: int | None = None) -> Suppressions:
    """Up to fifty suppressions whose address or reason contains `search`; `why` is one of WHYS."""
    rows = Suppression.objects.order_by("-pk")
    if search:
        rows = rows.filter(Q(address__icontains=search) | Q(reason__icontains=search))
    if why == BY_HAND:
        for other in _WHY.values():
            rows = rows.exclude(other)
    elif why:
        rows = rows.filter(_WHY[why])
    total = rows.count()
    if older_than is not None:
        rows = rows.filter(pk__lt=older_than)
    of_it = Exact(Lower("address"), Lower(OuterRef("address")))
    reader = Subscriber.objects.filter(of_it).values("pk")[:1]
    found = list(rows.annotate(reader=Subquery(reader))[: LEAF + 1])
    return Suppressions(found[:LEAF], found[LEAF - 1].pk if len(found) > LEAF else None, total)


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


def stands(reader: Subscriber) -> str:
    """In a word how a reader stands in lists: what keeps letters away comes before the state."""
    if hashing.is_hash(reader.address):
        return "erased"
    return SUPPRESSED if reader.is_suppressed else reader.state


def live_rules(of: Collection[Subscriber]) -> dict[int, list[str]]:
    """The live rules of these readers in words, by the reader's number."""
    rows = list(Subscription.objects.filter(subscriber__in=of, ended_at=None).order_by("pk"))
    names = Vocabulary().names_by_id()
    said: dict[int, list[str]] = {}
    for row in rows:
        said.setdefault(row.subscriber_id, []).append(in_words(Rule.of(row), names))
    return said


def suppression(number: int) -> Suppression:
    """The suppression of that number. Raises NoSuchReader."""
    found = Suppression.objects.filter(pk=number).first()
    if found is None:
        raise NoSuchReader("This address is not suppressed any more.")
    return found


def said_rules(of: Subscriber) -> list[SaidRule]:
    """The reader's rules in words, those that count first, then the ended ones, latest first."""
    rows = list(of.subscriptions.order_by("pk"))
    names = Vocabulary().names_by_id()
    said = [
        SaidRule(
            id=row.pk,
            words=in_words(Rule.of(row), names),
            source=row.source,
            started_at=row.started_at,
            ended_at=row.ended_at,
            ended_reason=row.ended_reason,
            may_be_taken_up=editing.may_be_taken_up(row),
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
