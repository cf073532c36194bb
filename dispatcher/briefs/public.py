"""What anyone may read: released briefs as their readers see them, and topics by their web names.

Feeds and pages both look here, so that neither shows what the other hides. How it looks is theirs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from dispatcher.briefs.document import Document
from dispatcher.briefs.models import Brief, Topic
from dispatcher.briefs.topics import Vocabulary
from dispatcher.errors import NoSuchBrief, Refusal, UnknownTopic
from dispatcher.translating import later


class TopicMoved(Refusal):
    """The topic was merged into another one, which `to` names."""

    def __init__(self, topic: Topic, to: Topic) -> None:
        super().__init__(f"The topic {topic.name} has become part of {to.name}.")
        self.to = to


class TopicRetired(Refusal):
    """The topic is no longer used; its name is never given to another one."""


@dataclass(frozen=True, slots=True)
class PublicBrief:
    """A released brief. `topics` are its own, merged ones by what they became, retired ones left out."""

    public_id: str
    document: Document
    topics: tuple[Topic, ...]
    published_at: datetime
    released_at: datetime


def newest(
    limit: int, *, about: Topic | None = None, words: Vocabulary | None = None
) -> list[PublicBrief]:
    """The released briefs that were released last, newest first.

    With `about`, those whose reach includes that topic: its own and those of the topics beneath it.
    """
    vocabulary = words or Vocabulary()
    briefs = released().select_related("released").order_by("-released_at", "-pk")
    if about is not None:
        briefs = briefs.filter(topics__overlap=_beneath(about, vocabulary))
    return [_public(brief, vocabulary) for brief in briefs[:limit]]


def released() -> QuerySet[Brief]:
    """The rows of all briefs that have been released."""
    return Brief.objects.filter(released_at__isnull=False, released__isnull=False)


def find(public_id: str) -> PublicBrief:
    """Raises NoSuchBrief, for a brief not released just as for one that never was."""
    briefs = released().select_related("released").filter(public_id=_searchable(public_id))
    brief = briefs.first()
    if brief is None:
        raise NoSuchBrief(later("There is no brief at this address."))
    return _public(brief, Vocabulary())


def topic(slug: str) -> Topic:
    """The topic in use under that slug. Raises UnknownTopic, TopicMoved or TopicRetired."""
    found = Topic.objects.filter(slug=_searchable(slug)).first()
    if found is None:
        raise UnknownTopic(later("There is no topic at this address."))
    last = _final(found, Vocabulary().by_id)
    if last.retired_at is not None:
        raise TopicRetired(later("The topic %(topic)s is no longer used.", topic=found.name))
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


def _public(brief: Brief, vocabulary: Vocabulary) -> PublicBrief:
    if brief.released is None or brief.released_at is None:
        raise NoSuchBrief(f"The brief {brief.public_id} has not been released.")
    return PublicBrief(
        public_id=brief.public_id,
        document=brief.released.document,
        topics=tuple(_shown(brief.topics, vocabulary)),
        published_at=brief.published_at or brief.released_at,
        released_at=brief.released_at,
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
