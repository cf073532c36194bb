"""Rendering feeds into the rows that are served, when a brief is released and when nobody noticed.

One publisher works at a time. It renders what the combined feed does not hold yet, topic feeds and
combined feed in one transaction, so a brief in the combined feed is in the feeds of its topics too.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.db import connection, transaction

from dispatcher.briefs import public
from dispatcher.briefs.models import Topic
from dispatcher.briefs.public import PublicBrief
from dispatcher.briefs.topics import Vocabulary
from dispatcher.feeds import describing, websub
from dispatcher.feeds.building import FeedEntry, Format, build, etag
from dispatcher.feeds.describing import ALL, Channel
from dispatcher.feeds.models import FeedDocument

NEWEST = 50
ADVISORY_LOCK = 0x6665_6564  # "feed"
# A release notes its moment and commits later, so that a brief may appear behind a newer one.
SLACK = timedelta(minutes=10)

# Of the newest released briefs, those that the combined feed lacks. Only briefs about as new as the
# document are looked for in its bytes: 2 ms for ten of them in a document of 600 KB.
SQL_UNCOVERED = """
SELECT b.id FROM (
    SELECT id, public_id, released_at FROM dispatcher_brief
    WHERE released_at IS NOT NULL AND released_id IS NOT NULL
    ORDER BY released_at DESC, id DESC LIMIT %(newest)s
) AS b
LEFT JOIN dispatcher_feeddocument d ON d.key = %(key)s AND d.format = %(format)s
WHERE d.id IS NULL
   OR b.released_at >= d.last_modified - make_interval(secs => %(slack)s)
  AND position(convert_to(%(prefix)s || b.public_id || '<', 'UTF8') IN d.body) = 0
"""


def publish(brief_id: int) -> None:
    """Render the feeds of a released brief, and of any other that is not in the feeds yet.

    Repeats change nothing; of two at once the second sees what the first has written.
    """
    with transaction.atomic():
        _wait_for_turn()
        vocabulary = Vocabulary()
        # Read before the topics are: what is released between the two is left to its own turn.
        newest = public.newest(NEWEST, words=vocabulary)
        own = public.released().filter(pk=brief_id).values_list("topics", flat=True)
        if own:
            topic_ids = {pk for topics in (*own, *_uncovered_topics()) for pk in topics}
            _render(public.topics_reached(topic_ids, vocabulary), vocabulary, newest)


def sweep() -> int:
    """Publish what a lost nudge left behind; returns how many briefs the feeds lacked."""
    with connection.cursor() as cursor:
        cursor.execute(
            SQL_UNCOVERED,
            {
                "newest": NEWEST,
                "key": ALL.key,
                "format": Format.ATOM,
                "slack": SLACK.total_seconds(),
                "prefix": describing.entry_id(""),
            },
        )
        lacking = [row[0] for row in cursor.fetchall()]
    if lacking:
        publish(lacking[0])  # and with it all others
    return len(lacking)


def build_all() -> int:
    """Render every feed anew, after a change of template, name or topics.

    Returns how many documents were written; one whose bytes are the same is not.
    """
    with transaction.atomic():
        _wait_for_turn()
        vocabulary = Vocabulary()
        return _render(public.topics_in_use(), vocabulary, public.newest(NEWEST, words=vocabulary))


def document(channel: Channel, form: Format) -> FeedDocument:
    """The stored document, or one made for the moment where nothing was ever published."""
    stored = FeedDocument.objects.filter(key=channel.key, format=form).first()
    if stored is not None:
        return stored
    briefs = public.newest(NEWEST, about=channel.topic)
    return _rendered(channel, form, map(describing.entry, briefs))


def _wait_for_turn() -> None:
    """Until the transaction ends. What the one before has committed is seen by the next statement."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ADVISORY_LOCK])


def _uncovered_topics() -> Iterable[list[int]]:
    """The topics of every released brief that the combined feed does not hold, however many."""
    briefs = public.released()
    combined = FeedDocument.objects.filter(key=ALL.key, format=Format.ATOM).first()
    if combined is not None:
        briefs = briefs.filter(released_at__gte=combined.last_modified - SLACK)
    body = bytes(combined.body) if combined else b""
    for public_id, topics in briefs.values_list("public_id", "topics"):
        if f"{describing.entry_id(public_id)}<".encode() not in body:
            yield topics


def _render(topics: Iterable[Topic], vocabulary: Vocabulary, newest: list[PublicBrief]) -> int:
    """The feeds of these topics and the combined one of `newest`; how many documents changed."""
    entries: dict[str, FeedEntry] = {}  # a brief is set once, however many feeds hold it
    held = {
        Channel(topic): public.newest(NEWEST, about=topic, words=vocabulary) for topic in topics
    }
    changed: list[str] = []
    for channel, briefs in {**held, ALL: newest}.items():
        for brief in briefs:
            if brief.public_id not in entries:
                entries[brief.public_id] = describing.entry(brief)
        of_channel = [entries[brief.public_id] for brief in briefs]
        documents = {channel.url(form): _rendered(channel, form, of_channel) for form in Format}
        changed += [url for url, document in documents.items() if _store(document)]
    websub.announce(changed)
    return len(changed)


def _rendered(channel: Channel, form: Format, entries: Iterable[FeedEntry]) -> FeedDocument:
    feed = describing.feed(channel, form, entries)
    body = build(feed, form)
    return FeedDocument(
        key=channel.key, format=form, body=body, etag=etag(body), last_modified=feed.updated
    )


def _store(document: FeedDocument) -> bool:
    """Keep the document unless the stored one has the same bytes; whether it was written."""
    place = FeedDocument.objects.filter(key=document.key, format=document.format)
    if place.filter(etag=document.etag).exists():
        return False
    document.pk = place.values_list("pk", flat=True).first()
    document.save()
    return True
