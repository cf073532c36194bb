"""What becomes of a topic: merged into another one, retired and reinstated, renamed.

A web name never changes and never comes to mean something else, so nothing is deleted. Rules of readers
stay as they are: a brief's reach holds what was merged into its topics (`Vocabulary.reach`).
"""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.utils import timezone

from dispatcher import queue
from dispatcher.briefs import topics
from dispatcher.briefs.models import Topic, TopicAct
from dispatcher.errors import BadTopics, UnknownTopic

What = TopicAct.What
LONGEST_NOTE = 500


def find(slug: str) -> Topic:
    """The topic of that web name, whatever became of it. Raises UnknownTopic."""
    found = Topic.objects.filter(slug=slug).first() if slug.isprintable() else None
    if found is None:
        raise UnknownTopic(
            f"There is no topic with the web name {slug[:60]!r}; see `dispatcher topic list`."
        )
    return found


@transaction.atomic
def merge(slug: str, into: str, *, by: str, note: str = "") -> bool:
    """Let one topic become part of another; whether it is new. Repeats change nothing.

    Its readers follow the other from then on, its page and feeds lead there, and what stands beneath it
    stands beneath the other. Cannot be undone. Raises UnknownTopic or BadTopics.
    """
    topic, target = _locked(slug, into)
    if topic == target:
        raise BadTopics(f"{topic.name} cannot become part of itself.")
    if topic.merged_into_id == target.pk:
        return False
    _check_in_use(topic)
    _check_in_use(target)
    if _is_beneath(target, topic):
        raise BadTopics(f"{target.name} stands beneath {topic.name}; merge it the other way round.")
    topic.merged_into = target
    topic.save(update_fields=["merged_into"])
    topic.children.update(parent=target)
    _note(topic, What.MERGED, by, note or f"Became part of {target.name}.")
    return True


@transaction.atomic
def retire(slug: str, *, by: str, note: str = "") -> bool:
    """End a topic; whether it is new. Repeats change nothing.

    Its page and feeds say that it ended, and why; no new brief can bear it. Readers keep their rules, which
    count again when it is reinstated. Raises UnknownTopic, or BadTopics while topics in use stand beneath.
    """
    (topic,) = _locked(slug)
    if topic.retired_at is not None:
        return False
    _check_in_use(topic)
    beneath = topic.children.filter(retired_at=None, merged_into=None).order_by("name")
    if names := list(beneath.values_list("name", flat=True)):
        raise BadTopics(
            f"{', '.join(names)} stand beneath {topic.name}; retire or merge them first."
        )
    topic.retired_at = timezone.now()
    topic.save(update_fields=["retired_at"])
    _note(topic, What.RETIRED, by, note)
    return True


@transaction.atomic
def reinstate(slug: str, *, by: str, note: str = "") -> bool:
    """Take a retired topic into use again; whether it is new. Raises UnknownTopic."""
    (topic,) = _locked(slug)
    if topic.retired_at is None:
        return False
    topic.retired_at = None
    topic.save(update_fields=["retired_at"])
    _note(topic, What.REINSTATED, by, note)
    return True


def rename(slug: str, name: str, *, by: str) -> bool:
    """Give a topic another name; whether it is new. Its web name stays, and the old name means it still.

    Raises UnknownTopic, or BadTopics for a name that cannot be one or means another topic.
    """
    try:
        with transaction.atomic():
            return _rename(slug, name, by)
    except IntegrityError:  # the name was given to another one in this moment
        raise BadTopics(f"{name[:60]!r} is the name of another topic already.") from None


def _rename(slug: str, name: str, by: str) -> bool:
    (topic,) = _locked(slug)
    name = topics.checked_name(name)
    if name == topic.name:
        return False
    _check_in_use(topic)
    topics.check_free([name], of=topic)
    old, topic.name = topic.name, name
    words = {word.casefold(): word for word in (*topic.aliases, old)}
    topic.aliases = sorted(word for key, word in words.items() if key != name.casefold())
    topic.save(update_fields=["name", "aliases"])
    _note(topic, What.RENAMED, by, f"Was {old}.")
    return True


def _locked(*slugs: str) -> list[Topic]:
    """The topics in that order; their rows, taken in the order of ids, are ours until the end."""
    for slug in slugs:
        find(slug)
    rows = Topic.objects.select_for_update(no_key=True).filter(slug__in=slugs).order_by("pk")
    by_slug = {topic.slug: topic for topic in rows}
    return [by_slug[slug] for slug in slugs]


def _check_in_use(topic: Topic) -> None:
    if topic.merged_into is not None:
        raise BadTopics(f"{topic.name} has become part of {topic.merged_into.name} already.")
    if topic.retired_at is not None:
        raise BadTopics(f"{topic.name} is retired; reinstate it first.")


def _is_beneath(topic: Topic, above: Topic) -> bool:
    return above.pk in topics.Vocabulary().reach([topic.pk])


def _note(topic: Topic, what: str, by: str, note: str) -> None:
    sound = note.encode("utf-8", "replace").decode().replace("\0", "")
    said = " ".join(sound.split())[:LONGEST_NOTE]
    TopicAct.objects.create(topic=topic, what=what, by=by[:150], note=said)
    queue.republish()
