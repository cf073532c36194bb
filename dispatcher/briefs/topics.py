"""The topic vocabulary: loading it, resolving names, and which topics stand above which.

A brief on a child topic reaches those who follow its parent, so matching works on a brief's reach.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.utils.text import slugify

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

    Returns the topic and whether it is new. Raises BadTopics for a name without letters or digits, or
    one whose slug belongs to another topic.
    """
    name = " ".join(name.split())
    slug = slugify(name) or slugify(name, allow_unicode=True)
    if not slug or len(name) > 120 or not name.isprintable():
        raise BadTopics(
            f"{name[:60]!r} is no topic name; use up to 120 letters, digits and spaces."
        )
    existing = Topic.objects.filter(name__iexact=name).first()
    if existing is not None:
        if aliases or parent:
            existing.aliases = sorted({*existing.aliases, *aliases})
            existing.parent = parent or existing.parent
            existing.save(update_fields=["aliases", "parent"])
        return existing, False
    try:
        with transaction.atomic():
            return Topic.objects.create(
                slug=slug[:80], name=name, aliases=list(aliases), parent=parent
            ), True
    except IntegrityError:
        taken = Topic.objects.get(slug=slug[:80])
        raise BadTopics(
            f"{name!r} would share its web name {slug!r} with {taken.name!r}; choose another name."
        ) from None


@transaction.atomic
def import_lines(lines: Iterable[str]) -> TopicCount:
    """Load a vocabulary, one name a line: `Name | alias, alias`; an indented line is a child.

    Blank lines and lines starting with # are passed over. All or nothing; repeats add nothing.
    """
    added = kept = 0
    above: list[tuple[int, Topic]] = []
    for line in lines:
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        indent = len(line) - len(line.lstrip(" \t"))
        name, _, aliases = line.partition("|")
        while above and above[-1][0] >= indent:
            above.pop()
        topic, is_new = add(
            name,
            aliases=[" ".join(alias.split()) for alias in aliases.split(",") if alias.strip()],
            parent=above[-1][1] if above else None,
        )
        above.append((indent, topic))
        added, kept = added + is_new, kept + (not is_new)
    if not added + kept:
        raise BadTopics("The file names no topics; write one name a line.")
    return TopicCount(added, kept)


def known() -> list[KnownTopic]:
    """The topics that a brief may carry, for `reading.read`."""
    rows = Topic.objects.filter(retired_at=None, merged_into=None).order_by("name")
    return [KnownTopic(name=topic.name, aliases=tuple(topic.aliases)) for topic in rows]


class Vocabulary:
    """Names, aliases and slugs to topic ids, read once; for imports and intake."""

    def __init__(self) -> None:
        self.by_id = {topic.pk: topic for topic in Topic.objects.all()}
        self._ids: dict[str, int] = {}
        for topic in self.by_id.values():
            target = topic.merged_into_id or topic.pk
            if self.by_id[target].retired_at is None:
                for word in (*topic.aliases, topic.name, topic.slug):
                    self._ids[word.casefold()] = target

    def resolve(self, names: Iterable[str]) -> list[int]:
        """Ids in the order given, each once. Raises UnknownTopic naming the nearest known ones."""
        found: dict[int, None] = {}
        for name in names:
            topic_id = self._ids.get(" ".join(name.split()).casefold())
            if topic_id is None:
                raise UnknownTopic(self._unknown(name))
            found[topic_id] = None
        return list(found)

    def reach(self, topic_ids: Iterable[int]) -> list[int]:
        """The topics and everything above them, sorted."""
        reached: set[int] = set()
        for topic_id in topic_ids:
            at: int | None = topic_id
            while at is not None and at not in reached:
                reached.add(at)
                at = self.by_id[at].parent_id
        return sorted(reached)

    def names(self, topic_ids: Iterable[int]) -> list[str]:
        return [self.by_id[topic_id].name for topic_id in topic_ids]

    def _unknown(self, name: str) -> str:
        names = {topic.name.casefold(): topic.name for topic in self.by_id.values()}
        near = difflib.get_close_matches(name.casefold(), names, n=3, cutoff=0.5)
        shown = name if len(name) <= 60 else name[:59] + "…"
        if not near:
            return f"Unknown topic {shown!r}; see `dispatcher topic list` for the known ones."
        return (
            f"Unknown topic {shown!r}; the nearest known: {', '.join(names[key] for key in near)}."
        )
