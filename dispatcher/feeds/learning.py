"""What the feeds know of briefs and topics: a row each, brought up to date in one transaction with the
versions of every feed that it belongs to, or belonged to before.

Rendering is `documents`'. What no row knows as it is now was missed; `missed` and `missed_topics` find it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import F, Q

from dispatcher.audience.rules import sql_matches
from dispatcher.briefs.models import Brief, Topic
from dispatcher.briefs.topics import Vocabulary
from dispatcher.feeds.channels import kind_slug
from dispatcher.feeds.models import FeedChannel, FeedGeneration, Publication, ToldTopic

ADVISORY_LOCK = 0x6665_6564  # "feed"
AT_ONCE = 500
_SECOND = timedelta(seconds=1)

# Briefs that were released, corrected, withdrawn or given other topics since the feeds were told.
# 17 ms for 10,000 briefs, of which none is missed.
SQL_MISSED = """
SELECT b.id FROM dispatcher_brief b
LEFT JOIN dispatcher_publication p ON p.brief_id = b.id
WHERE b.released_at IS NOT NULL AND b.released_id IS NOT NULL
  AND (p.id IS NULL OR p.revision_id <> b.released_id OR p.topics <> b.topics
       OR p.urgent <> b.urgent OR (p.withdrawn_at IS NULL) <> (b.withdrawn_at IS NULL))
ORDER BY b.id LIMIT %(at_once)s
"""

# Topics that were made, renamed, merged, retired, reinstated or moved in the tree since.
SQL_MISSED_TOPICS = """
SELECT t.id FROM dispatcher_topic t
LEFT JOIN dispatcher_toldtopic k ON k.topic_id = t.id
WHERE (k.name, k.parent, k.merged_into, k.is_retired)
      IS DISTINCT FROM (t.name, t.parent_id, t.merged_into_id, t.retired_at IS NOT NULL)
"""


def sql_holds(reach: str, kind: str, urgent: str) -> str:
    """True for a channel that holds a brief of this reach, kind and urgency: the rules of mail, backwards."""
    return f"({sql_matches(reach)} AND (s.kind = '' OR s.kind = {kind}) AND (NOT s.urgent OR {urgent}))"


# All places in one statement, since an update for each would take minutes where a topic is merged: 35 ms
# for one place and 5,000 channels. A topic's name is also in titles of feeds that hold none of its briefs.
SQL_TOUCH = f"""
WITH places AS MATERIALIZED (
    SELECT reach::bigint[] AS reach, kind, urgent
    FROM unnest(%(reaches)s::text[], %(kinds)s::text[], %(urgents)s::boolean[]) AS p (reach, kind, urgent)
)
UPDATE dispatcher_feedchannel s SET version = version + 1
WHERE s.topics && %(topics)s::bigint[] OR s.except_topics && %(topics)s::bigint[]
   OR EXISTS (SELECT FROM places p WHERE {sql_holds("p.reach", "p.kind", "p.urgent")})
RETURNING s.id
"""  # noqa: S608  expressions of ours


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a brief belongs; two equal ones are in the same feeds."""

    reach: tuple[int, ...]
    kind: str
    urgent: bool


def wait_for_turn() -> None:
    """Until the transaction ends. What the one before has committed is seen by the next statement."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ADVISORY_LOCK])


def is_nobodys_turn() -> bool:
    """Whether no publisher is at work; then none is until the transaction ends. Any number may ask at once."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock_shared(%s)", [ADVISORY_LOCK])
        return bool(cursor.fetchone()[0])


def missed() -> list[int]:
    """Briefs that the feeds do not know as they are now; at most 500, the oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(SQL_MISSED, {"at_once": AT_ONCE})
        return [row[0] for row in cursor.fetchall()]


def missed_topics() -> list[int]:
    """Topics that the feeds do not know as they are now."""
    with connection.cursor() as cursor:
        cursor.execute(SQL_MISSED_TOPICS)
        return [row[0] for row in cursor.fetchall()]


def concerned(topic_ids: Sequence[int], words: Vocabulary) -> list[int]:
    """The briefs that show one of these topics or are held against it, or were before."""
    beneath = {pk for pk in words.by_id if not set(topic_ids).isdisjoint(words.reach([pk]))}
    rows = Publication.objects.filter(
        Q(reach__overlap=topic_ids) | Q(topics__overlap=sorted(beneath))
    )
    return list(rows.values_list("brief_id", flat=True))


def know(topic_ids: Iterable[int], words: Vocabulary) -> None:
    """These topics are known as `words` have them, whatever has happened to them since."""
    ToldTopic.objects.bulk_create(
        [_known(words.by_id[pk]) for pk in topic_ids],
        update_conflicts=True,
        unique_fields=["topic"],
        update_fields=["name", "parent", "merged_into", "is_retired"],
    )


def learn(briefs: Sequence[Brief], words: Vocabulary) -> set[int]:
    """Bring the publications of released briefs up to date; the ids of the kept channels this touches.

    In the transaction of the caller, which has its turn. What is known already touches nothing.
    """
    known = {row.brief_id: row for row in Publication.objects.filter(brief__in=briefs)}
    in_order = sorted(briefs, key=lambda brief: (_moment(brief), brief.pk))
    places = {place for brief in in_order for place in _learned(brief, known.get(brief.pk), words)}
    if not places:
        return set()
    raise_generation()
    return _touched(places)


def raise_generation() -> None:
    """Tell every web process that something changed, once this transaction commits."""
    if not FeedGeneration.objects.filter(pk=1).update(number=F("number") + 1):
        FeedGeneration.objects.bulk_create([FeedGeneration(pk=1, number=1)], ignore_conflicts=True)


def are_made_as(what: str) -> bool:
    """Whether this is what feeds are made as since they were last touched."""
    return FeedGeneration.objects.filter(pk=1, made_as=what).exists()


def touch_all(made_as: str) -> None:
    """Have every channel rendered anew, as this."""
    raise_generation()
    FeedGeneration.objects.filter(pk=1).update(made_as=made_as)
    FeedChannel.objects.update(version=F("version") + 1)


def _learned(brief: Brief, row: Publication | None, words: Vocabulary) -> set[_Place]:
    """Where it belongs and where it belonged; nowhere when nothing is new."""
    place = _Place(tuple(words.reach(brief.topics)), kind_slug(brief.kind), brief.urgent)
    before = _Place(tuple(row.reach), row.kind, row.urgent) if row is not None else None
    told_at = _moment(brief)
    is_known = (
        row is not None
        and before == place
        and row.revision_id == brief.released_id
        and (row.withdrawn_at, row.told_at) == (brief.withdrawn_at, told_at)
    )
    if row is not None and is_known:
        if row.topics != brief.topics:
            Publication.objects.filter(pk=row.pk).update(topics=brief.topics)
        return set()
    _write(brief, row, place, told_at)
    return {place, before or place}


def _write(brief: Brief, row: Publication | None, place: _Place, told_at: datetime) -> None:
    released_at = brief.released_at or told_at
    if row is None:
        row = Publication(brief=brief, month=released_at.astimezone(UTC).strftime("%Y-%m"))
        row.told_at, row.updated_at = told_at, _free_second(told_at)
    elif row.told_at != told_at:  # many at once run ahead of the clock, and leave holes behind
        later = max(told_at, row.updated_at + _SECOND)
        row.told_at, row.updated_at = told_at, _free_second(later)
    row.revision_id = brief.released_id or 0
    row.topics, row.reach = brief.topics, list(place.reach)
    row.kind, row.urgent = place.kind, place.urgent
    row.withdrawn_at = brief.withdrawn_at
    row.stamp += 1
    row.save()


def _moment(brief: Brief) -> datetime:
    """When what readers see of the brief last changed in a way that they must notice."""
    moments = (brief.released_at, brief.amended_at, brief.withdrawn_at)
    return max(moment for moment in moments if moment is not None)


def _free_second(moment: datetime) -> datetime:
    """The first whole second from then on that no other publication has."""
    moment = moment.replace(microsecond=0)
    later = Publication.objects.filter(updated_at__gte=moment).order_by("updated_at")
    for taken in later.values_list("updated_at", flat=True).iterator(chunk_size=100):
        if taken > moment:
            break
        moment += _SECOND
    return moment


def _touched(places: Collection[_Place], topic_ids: Sequence[int] = ()) -> set[int]:
    """The channels that hold what belongs to these places or name these topics, raised to a new version."""
    told: dict[str, Any] = {
        "reaches": [f"{{{','.join(map(str, place.reach))}}}" for place in places],
        "kinds": [place.kind for place in places],
        "urgents": [place.urgent for place in places],
        "topics": list(topic_ids),
    }
    with connection.cursor() as cursor:
        cursor.execute(SQL_TOUCH, told)
        return {row[0] for row in cursor.fetchall()}


def touch(brief_ids: Sequence[int], topic_ids: Sequence[int]) -> set[int]:
    """Have channels rendered anew that hold these briefs or name these topics; their ids."""
    raise_generation()
    rows = Publication.objects.filter(brief__in=brief_ids)
    rows.update(stamp=F("stamp") + 1)
    places = rows.values_list("reach", "kind", "urgent").distinct()
    return _touched(
        [_Place(tuple(reach), kind, urgent) for reach, kind, urgent in places], topic_ids
    )


def _known(topic: Topic) -> ToldTopic:
    return ToldTopic(
        topic=topic,
        name=topic.name,
        parent=topic.parent_id,
        merged_into=topic.merged_into_id,
        is_retired=topic.retired_at is not None,
    )
