"""What anyone may read: released briefs as their readers see them, and topics by their web names.

Feeds and pages both look here, so that neither shows what the other hides. How it looks is theirs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import OuterRef, QuerySet, Subquery

from dispatcher.briefs.document import Document
from dispatcher.briefs.models import Brief, Revision, Topic, TopicAct
from dispatcher.briefs.topics import Vocabulary
from dispatcher.errors import NoSuchBrief, Refusal, UnknownTopic
from dispatcher.translating import later


class TopicMoved(Refusal):
    """The topic was merged into another one, which `to` names."""

    def __init__(self, topic: Topic, to: Topic) -> None:
        super().__init__(f"The topic {topic.name} has become part of {to.name}.")
        self.to = to


class TopicRetired(Refusal):
    """The topic is no longer used, since `when`, and why; its name is never given to another one."""

    def __init__(self, topic: Topic, *, when: datetime, note: str) -> None:
        super().__init__(later("The topic %(topic)s is no longer used.", topic=topic.name))
        self.when = when
        self.note = note


class BriefWithdrawn(Refusal):
    """The brief was public and is no longer: what remains is its headline, when that was, and why."""

    def __init__(self, *, headline: str, when: datetime, note: str) -> None:
        super().__init__(f"“{headline}” was withdrawn.")
        self.headline = headline
        self.when = when
        self.note = note


@dataclass(frozen=True, slots=True)
class PublicBrief:
    """A released brief. `topics` are its own, merged ones by what they became, retired ones left out.

    `updated_at` moves with every correction and retagging, `published_at` never. `correction` is what
    the last correction said of itself, '' if it said nothing or there was none; then `corrected_at` is
    None.
    """

    brief_id: int
    public_id: str
    document: Document
    topics: tuple[Topic, ...]
    published_at: datetime
    released_at: datetime
    kind: str
    urgent: bool
    updated_at: datetime
    correction: str
    corrected_at: datetime | None


class Withdrawn(NamedTuple):
    """A brief that was public: since when it is not, and why."""

    public_id: str
    when: datetime
    note: str


def newest(
    limit: int, *, about: Topic | None = None, words: Vocabulary | None = None
) -> list[PublicBrief]:
    """The released briefs that were released last, newest first, without those withdrawn.

    With `about`, those whose reach includes that topic: its own and those of the topics beneath it.
    """
    vocabulary = words or Vocabulary()
    briefs = _with_words(released()).order_by("-released_at", "-pk")
    if about is not None:
        briefs = briefs.filter(topics__overlap=_beneath(about, vocabulary))
    return [_public(brief, vocabulary) for brief in briefs[:limit]]


def of(brief_ids: Collection[int], *, words: Vocabulary | None = None) -> list[PublicBrief]:
    """Those of these briefs that are public, newest first, in one query."""
    vocabulary = words or Vocabulary()
    briefs = _with_words(released()).filter(pk__in=brief_ids).order_by("-released_at", "-pk")
    return [_public(brief, vocabulary) for brief in briefs]


def withdrawn(brief_ids: Collection[int]) -> list[Withdrawn]:
    """Those of these briefs that were public and are withdrawn, the last withdrawn first."""
    briefs = _with_words(Brief.objects.filter(pk__in=brief_ids, withdrawn_at__isnull=False))
    rows = briefs.order_by("-withdrawn_at", "-pk")
    return [Withdrawn(*row) for row in rows.values_list("public_id", "withdrawn_at", "why")]


def released() -> QuerySet[Brief]:
    """The rows of all briefs that have been released and are not withdrawn."""
    return _ever_released().filter(withdrawn_at=None)


def find(public_id: str) -> PublicBrief:
    """Raises NoSuchBrief, for a brief not released just as for one that never was, or BriefWithdrawn."""
    briefs = _with_words(_ever_released()).filter(public_id=_searchable(public_id))
    brief = briefs.first()
    if brief is None:
        raise NoSuchBrief(later("There is no brief at this address."))
    if brief.withdrawn_at is not None:
        raise BriefWithdrawn(headline=brief.headline, when=brief.withdrawn_at, note=brief.why or "")
    return _public(brief, Vocabulary())


def topic(slug: str, *, words: Vocabulary | None = None) -> Topic:
    """The topic in use under that slug. Raises UnknownTopic, TopicMoved or TopicRetired."""
    vocabulary = words or Vocabulary()
    found = next((one for one in vocabulary.by_id.values() if one.slug == slug), None)
    if found is None:
        raise UnknownTopic(later("There is no topic at this address."))
    last = _final(found, vocabulary.by_id)
    if last.retired_at is not None:
        acts = last.acts.filter(what=TopicAct.What.RETIRED).order_by("-at", "-pk")
        note = acts.values_list("note", flat=True).first() or ""
        raise TopicRetired(found, when=last.retired_at, note=note)
    if last.pk != found.pk:
        raise TopicMoved(found, last)
    return found


def topics_in_use() -> list[Topic]:
    """By name."""
    return list(Topic.objects.filter(retired_at=None, merged_into=None).order_by("name"))


def topics_beneath(above: Topic) -> list[Topic]:
    """Those in use that stand directly beneath it, by name."""
    return list(above.children.filter(retired_at=None, merged_into=None).order_by("name"))


def topics_reached(topic_ids: Iterable[int], words: Vocabulary) -> list[Topic]:
    """The topics in use that briefs of these topics belong to: their own and what stands above them."""
    finals = [_final(words.by_id[pk], words.by_id).pk for pk in topic_ids]
    reached = (words.by_id[pk] for pk in words.reach(finals))
    return [one for one in reached if one.retired_at is None and one.merged_into_id is None]


def _ever_released() -> QuerySet[Brief]:
    return Brief.objects.filter(released_at__isnull=False, released__isnull=False)


def _with_words(briefs: QuerySet[Brief]) -> QuerySet[Any]:
    """With what they say, what their last correction said of itself and when, and why they went."""
    corrections = _revisions(Revision.Change.CORRECTION)
    return briefs.select_related("released").annotate(
        correction=Subquery(corrections.values("note")[:1]),
        corrected_at=Subquery(corrections.values("at")[:1]),
        why=Subquery(_revisions(Revision.Change.RETRACTION).values("note")[:1]),
    )


def _revisions(change: Revision.Change) -> QuerySet[Revision]:
    return Revision.objects.filter(brief=OuterRef("pk"), change=change).order_by("-number")


def _public(brief: Any, vocabulary: Vocabulary) -> PublicBrief:
    """From a row of `_with_words`."""
    return PublicBrief(
        brief_id=brief.pk,
        public_id=brief.public_id,
        document=brief.released.document,
        topics=tuple(_shown(brief.topics, vocabulary)),
        published_at=brief.published_at or brief.released_at,
        released_at=brief.released_at,
        kind=brief.kind,
        urgent=brief.urgent,
        updated_at=brief.amended_at or brief.released_at,
        correction=brief.correction or "",
        corrected_at=brief.corrected_at,
    )


def _shown(topic_ids: Iterable[int], vocabulary: Vocabulary) -> list[Topic]:
    finals = (_final(vocabulary.by_id[pk], vocabulary.by_id) for pk in topic_ids)
    return list({one.pk: one for one in finals if one.retired_at is None}.values())


def _final(one: Topic, by_id: dict[int, Topic]) -> Topic:
    """What a topic became, through any number of merges; a circle of merges ends where it closes."""
    passed = {one.pk}
    while one.merged_into_id is not None and one.merged_into_id not in passed:
        one = by_id[one.merged_into_id]
        passed.add(one.pk)
    return one


def _beneath(about: Topic, vocabulary: Vocabulary) -> list[int]:
    finals = {pk: _final(one, vocabulary.by_id).pk for pk, one in vocabulary.by_id.items()}
    return [pk for pk, final in finals.items() if about.pk in vocabulary.reach([final])]


def _searchable(text: str) -> str:
    """What PostgreSQL can look for: no text of its holds a NUL, which addresses may carry as %00."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")
