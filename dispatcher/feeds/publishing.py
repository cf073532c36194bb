"""Bringing feeds up to date with the briefs they hold, when one changes and when nobody noticed.

First the rows say, in one transaction, which feeds have changed: from then on nobody is served an old
one. Then those that are asked for are rendered, so that nobody has to wait: the standing ones at once,
combinations in a job of their own, behind whatever else is urgent.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from django.db import connection, transaction

from dispatcher import queue
from dispatcher.briefs import public
from dispatcher.briefs.models import Brief
from dispatcher.briefs.topics import Vocabulary
from dispatcher.feeds import channels, describing, documents, keeping, learning, websub
from dispatcher.feeds.building import Format
from dispatcher.feeds.channels import ALL, URGENT, Channel
from dispatcher.feeds.models import FeedChannel

Told = Callable[[int, int], object]

# A new topic makes an address of what was none; what else becomes of topics, `republish` counts.
SQL_GENERATION = """
SELECT COALESCE((SELECT number FROM dispatcher_feedgeneration), 0)
     + COALESCE((SELECT max(id) FROM dispatcher_topic), 0)
"""


def publish(brief_id: int) -> None:
    """Tell the feeds of a brief, and of any other that they do not know as it is.

    Repeats change nothing; of two at once the second sees what the first has written.
    """
    touched = _learn([brief_id])
    while missed := learning.missed():
        touched |= _learn(missed)
    _see_to(touched)


def sweep() -> int:
    """Publish what a lost nudge left behind; returns how many briefs the feeds lacked.

    Feeds that were touched and not rendered, since a worker was lost in between, are rendered too.
    """
    missed = learning.missed()
    if missed:
        publish(missed[0])  # and with it all others
    republish()
    _follow_settings()
    _refresh(keeping.left_behind(is_standing=True))
    if keeping.left_behind(is_standing=False) and queue.is_empty(queue.ROUTINE):
        queue.render()
    return len(missed)


def republish() -> None:
    """Bring feeds up to date with topics that were renamed, merged, retired or moved in the tree.

    Their briefs are held against rules anew: what stands above them may have changed. Hubs are told of the
    feeds that ended with them. Repeats change nothing.
    """
    if not learning.missed_topics():
        return
    with transaction.atomic():
        learning.wait_for_turn()
        topic_ids = learning.missed_topics()
        words = Vocabulary()
        brief_ids = learning.concerned(topic_ids, words)
        touched = _learned(brief_ids) | learning.touch(brief_ids, topic_ids)
        learning.know(topic_ids, words)
        _announce(keeping.forget_ended(words.by_id))  # who waits for one learns that it has ended
    _see_to(touched)


def render() -> None:
    """Render the combinations that changed: there may be thousands, and nobody waits for them as yet."""
    behind = keeping.left_behind(is_standing=False)
    _refresh(behind)
    if len(behind) == keeping.AT_ONCE:
        queue.render()


def build_all(told: Told | None = None) -> int:
    """Render every feed anew, after a change of template, name or topics.

    Returns how many documents were written; one whose bytes are the same is not. `told` hears how many
    feeds are done, and of how many.
    """
    with transaction.atomic():
        learning.wait_for_turn()
        words = Vocabulary()
        _announce(keeping.forget_ended(words.by_id))
        keeping.keep([ALL, URGENT, *map(channels.of_topic, public.topics_in_use())])
        released = Brief.objects.exclude(released=None).exclude(released_at=None)
        _learned(list(released.values_list("pk", flat=True)))
        learning.know(words.by_id, words)
        every = list(FeedChannel.objects.values_list("pk", flat=True))
        learning.touch_all(describing.made_as())
    return _refresh(every, told)


def generation() -> int:
    """A number that only grows: whoever saw it has seen all that was published, and every topic.

    One small question, by whichever thread asks. Raises django.db.Error.
    """
    with connection.cursor() as cursor:
        cursor.execute(SQL_GENERATION)
        return int(cursor.fetchone()[0])


def _follow_settings() -> None:
    """After another name, address or version of ours, feeds that no brief changes would stay as they were."""
    made_as = describing.made_as()
    if learning.are_made_as(made_as):
        return
    with transaction.atomic():
        learning.wait_for_turn()
        learning.touch_all(made_as)


def _learn(brief_ids: Collection[int]) -> set[int]:
    with transaction.atomic():
        learning.wait_for_turn()
        return _learned(brief_ids)


def _learned(brief_ids: Collection[int]) -> set[int]:
    """The kept channels that news of these briefs touches, announced to the hubs."""
    briefs = list(Brief.objects.filter(pk__in=brief_ids).exclude(released_at=None))
    words = Vocabulary()  # after the briefs, so that it knows every topic of theirs
    keeping.keep(_standing(briefs, words))
    touched = learning.learn(briefs, words)
    rows = FeedChannel.objects.filter(pk__in=touched)
    _announce(filter(None, (keeping.channel_of(row, words.by_id) for row in rows)))
    return touched


def _announce(changed: Iterable[Channel]) -> None:
    """Have the hubs told of these feeds, in each format, once this transaction commits."""
    websub.announce([channel.url(form) for channel in changed for form in Format])


def _standing(briefs: Iterable[Brief], words: Vocabulary) -> list[Channel]:
    """The feeds that are there for these briefs without being asked for."""
    topic_ids = {pk for brief in briefs for pk in brief.topics}
    kinds = {brief.kind for brief in briefs if channels.kind_slug(brief.kind)}
    topics = public.topics_reached(topic_ids, words)
    return [
        *(ALL, URGENT),
        *map(channels.of_topic, topics),
        *map(channels.of_kind, sorted(kinds)),
    ]


def _see_to(touched: Collection[int]) -> None:
    """Render the standing ones of these channels, and have the others rendered where no letter waits."""
    rows = list(keeping.asked_for(touched).values_list("pk", "is_standing"))
    _refresh([pk for pk, is_standing in rows if is_standing])
    if not all(is_standing for _, is_standing in rows):
        queue.render()


def _refresh(channel_ids: Collection[int], told: Told | None = None) -> int:
    """Render these channels, the standing ones first; how many documents changed."""
    if not channel_ids:
        return 0
    rows = list(keeping.asked_for(channel_ids))
    changed = 0
    for number, row in enumerate(rows, 1):
        changed += documents.refresh(row)
        if told is not None:
            told(number, len(rows))
    documents.code_in_br(channel_ids)
    return changed
