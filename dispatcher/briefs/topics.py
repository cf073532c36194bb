"""The topic vocabulary: loading it, resolving names, and which topics stand above which.

A brief on a child topic reaches those who follow its parent, so matching works on a brief's reach.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from django.db import IntegrityError, transaction
from django.db.models import Value
from django.db.models.functions import Lower
from django.db.models.lookups import Exact
from django.utils.text import slugify

from dispatcher import queue
from dispatcher.briefs.models import Topic
from dispatcher.briefs.reading import KnownTopic
from dispatcher.errors import BadTopics, UnknownTopic


@dataclass(frozen=True, slots=True)
class TopicCount:
    """What an import did: topics made, and topics that were there already."""

    added: int
    kept: int


def add(
    name: str, *, aliases: Sequence[str] = (), parent: Topic | None = None
) -> tuple[Topic, bool]:
    """Make a topic or return the one of that name; aliases and parent of an existing one are updated.

    Returns the topic and whether it is new. Raises BadTopics for a name without letters or digits, one
    whose slug belongs to another topic, an alias that means another, or a parent that stands beneath.
    """
    name = checked_name(name)
    aliases = [checked_name(alias) for alias in aliases]
    existing = Topic.objects.filter(_named(name)).first()
    if aliases:
        check_free(aliases, of=existing)
    if existing is not None:
        return _update(existing, aliases, parent), False
    try:
        with transaction.atomic():
            return Topic.objects.create(
                slug=_slug(name), name=name, aliases=list(aliases), parent=parent
            ), True
    except IntegrityError:
        taken = Topic.objects.filter(slug=_slug(name)).first()
        if taken is None or taken.name.casefold() == name.casefold():  # made in this moment
            return Topic.objects.get(_named(name)), False
        raise BadTopics(
            f"{name!r} would share its web name {taken.slug!r} with {taken.name!r}; choose another name."
        ) from None


def checked_name(name: str) -> str:
    """The name in one line. Raises BadTopics for one without letters or digits, or too long."""
    name = " ".join(name.split())
    if not _slug(name) or len(name) > 120 or not name.isprintable():
        raise BadTopics(
            f"{name[:60]!r} is no topic name; use up to 120 letters, digits and spaces."
        )
    return name


def check_free(aliases: Sequence[str], *, of: Topic | None) -> None:
    """Raise BadTopics when one of these words means another topic already."""
    words = {alias.casefold() for alias in aliases}
    others = Topic.objects.exclude(pk=of.pk) if of else Topic.objects.all()
    for topic in others:
        if taken := words.intersection(_words(topic)):
            raise BadTopics(f"The alias {min(taken)!r} means {topic.name!r} already.")


def _slug(name: str) -> str:
    return (slugify(name) or slugify(name, allow_unicode=True))[:80]


def _named(name: str) -> Exact:
    return Exact(Lower("name"), Lower(Value(name)))


def _update(topic: Topic, aliases: Sequence[str], parent: Topic | None) -> Topic:
    above = parent
    while above is not None:
        if above == topic:
            raise BadTopics(f"{topic.name!r} cannot stand beneath itself.")
        above = above.parent
    if aliases or parent:
        topic.aliases = sorted({*topic.aliases, *aliases})
        topic.parent = parent or topic.parent
        topic.save(update_fields=["aliases", "parent"])
        queue.republish()
    return topic


def _words(topic: Topic) -> list[str]:
    return [word.casefold() for word in (topic.name, topic.slug, *topic.aliases)]


@transaction.atomic
def import_lines(lines: Iterable[str]) -> TopicCount:
    """Load a vocabulary, one name a line: `Name | alias, alias`; an indented line is a child.

    Blank lines and lines starting with # are passed over. All or nothing; repeats add nothing. Raises
    BadTopics with the number of the line.
    """
    added = kept = 0
    above: list[tuple[int, Topic]] = []
    for number, raw in enumerate(lines, 1):
        line = raw.expandtabs()
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        indent = len(line) - len(line.lstrip())
        name, _, aliases = line.partition("|")
        while above and above[-1][0] >= indent:
            above.pop()
        try:
            topic, is_new = add(
                name,
                aliases=[alias for alias in aliases.split(",") if alias.strip()],
                parent=above[-1][1] if above else None,
            )
        except BadTopics as refusal:
            raise BadTopics(f"Line {number}: {refusal}") from None
        above.append((indent, topic))
        added, kept = added + is_new, kept + (not is_new)
    if not added + kept:
        raise BadTopics("The file names no topics; write one name a line.")
    return TopicCount(added, kept)


def known() -> list[KnownTopic]:
    """The topics that a brief may carry, for `reading.read`."""
    vocabulary = Vocabulary()
    merged: dict[int, list[str]] = {}  # what became part of a topic still means it
    for topic in vocabulary.by_id.values():
        if topic.merged_into_id is not None:
            (final,) = vocabulary.finals([topic.pk])
            merged.setdefault(final, []).extend((topic.name, *topic.aliases))
    rows = Topic.objects.filter(retired_at=None, merged_into=None).order_by("name")
    return [
        KnownTopic(name=topic.name, aliases=(*topic.aliases, *merged.get(topic.pk, ())))
        for topic in rows
    ]


class Vocabulary:
    """Names, aliases and slugs to topic ids, read once; for imports and intake."""

    def __init__(self) -> None:
        self.by_id = {topic.pk: topic for topic in Topic.objects.order_by("-pk")}
        live = [t for t in self.by_id.values() if self.by_id[self._final(t.pk)].retired_at is None]
        self._live_names = {topic.name.casefold(): topic.name for topic in live}
        self._ids: dict[str, int] = {}
        for words in ("aliases", "slug", "name"):  # the later ones win, and so does the older topic
            for topic in live:
                value: str | list[str] = getattr(topic, words)
                for word in [value] if isinstance(value, str) else value:
                    self._ids[word.casefold()] = self._final(topic.pk)

    def resolve(self, names: Iterable[str]) -> list[int]:
        """Ids in the order given, each once. Raises UnknownTopic naming the nearest known ones."""
        found: dict[int, None] = {}
        for name in names:
            topic_id = self._ids.get(" ".join(name.split()).casefold())
            if topic_id is None:
                raise UnknownTopic(self._unknown(name))
            found[topic_id] = None
        return list(found)

    def recognise(self, names: Iterable[str]) -> list[int]:
        """Ids of those names that are known, each once: what is retired or forgotten is passed over."""
        found = (self._ids.get(" ".join(name.split()).casefold()) for name in names)
        return list(dict.fromkeys(pk for pk in found if pk is not None))

    def finals(self, topic_ids: Iterable[int]) -> list[int]:
        """What these topics have become by now, each once."""
        return list(dict.fromkeys(self._final(pk) for pk in topic_ids))

    def reach(self, topic_ids: Iterable[int]) -> list[int]:
        """The topics, everything above them, and what was merged into any of those; sorted.

        What is retired is left out: rules that name it wait until it is reinstated.
        """
        return [
            pk for pk in self._spread(topic_ids) if self.by_id[self._final(pk)].retired_at is None
        ]

    def _spread(self, topic_ids: Iterable[int]) -> list[int]:
        """The reach, and what of it is retired."""
        reached: set[int] = set()
        for topic_id in topic_ids:
            at: int | None = self._final(topic_id)
            while at is not None and at not in reached:
                reached.add(at)
                above = self.by_id[at].parent_id
                at = None if above is None else self._final(above)
        return sorted(pk for pk in self.by_id if self._final(pk) in reached)

    def related(self, topic_ids: Iterable[int]) -> frozenset[int]:
        """The reach of these topics, and every topic whose reach holds one of them; retired ones, too."""
        asked = set(topic_ids)
        beneath = {pk for pk, spread in self._spreads.items() if not asked.isdisjoint(spread)}
        return frozenset(beneath.union(self._spread(asked)))

    @cached_property
    def _spreads(self) -> dict[int, list[int]]:
        return {pk: self._spread([pk]) for pk in self.by_id}

    def _final(self, topic_id: int) -> int:
        """What a topic became, through any number of merges; a circle of merges ends somewhere."""
        for _ in range(len(self.by_id)):
            topic = self.by_id.get(topic_id)
            if topic is None or topic.merged_into_id is None:
                break
            topic_id = topic.merged_into_id
        return topic_id

    def names_by_id(self) -> dict[int, str]:
        """What each topic is called by now: one that was merged as what it became."""
        return {pk: self.by_id[self._final(pk)].name for pk in self.by_id}

    def names(self, topic_ids: Iterable[int]) -> list[str]:
        return [self.by_id[topic_id].name for topic_id in topic_ids]

    def _unknown(self, name: str) -> str:
        names = self._live_names
        near = difflib.get_close_matches(name[:120].casefold(), names, n=3, cutoff=0.5)
        shown = name if len(name) <= 60 else name[:59] + "…"
        if not near:
            return f"Unknown topic {shown!r}; see `dispatcher topic list` for the known ones."
        return (
            f"Unknown topic {shown!r}; the nearest known: {', '.join(names[key] for key in near)}."
        )
