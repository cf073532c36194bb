"""Documents: a channel in one format as bytes, rendered when it has changed and found when asked for.

A document carries the version of its channel that it was rendered from, read before what it holds. So
one that was overtaken is stale, never wrong, and any number of renderers may work at once.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from dataclasses import replace
from urllib.parse import unquote

from django.db import IntegrityError, connection

from dispatcher import links
from dispatcher.briefs.public import TopicRetired
from dispatcher.errors import UnknownTopic
from dispatcher.feeds import addressing, coding, describing, holding, keeping, rationing
from dispatcher.feeds.addressing import FeedMoved, NoSuchFeed
from dispatcher.feeds.building import Format, build, etag
from dispatcher.feeds.channels import Channel
from dispatcher.feeds.describing import Contents
from dispatcher.feeds.models import FeedChannel, FeedDocument
from dispatcher.feeds.served import Served

LIVE_AGE, ARCHIVE_AGE = 300, 3_600  # seconds; an archive changes when a brief in it is amended

# One that is overtaken meanwhile changes nothing, however the two are ordered. No two of different bytes
# have one date: a brief that moves away may leave an older one behind, and two may render at once.
SQL_STORE = """
INSERT INTO dispatcher_feeddocument AS d
    (channel_id, format, month, gzip, br, etag, last_modified, version)
VALUES (%(channel)s, %(format)s, %(month)s, %(gzip)s, %(br)s, %(etag)s, %(last_modified)s, %(version)s)
ON CONFLICT (channel_id, format, month) DO UPDATE SET
    gzip = EXCLUDED.gzip, etag = EXCLUDED.etag, version = EXCLUDED.version,
    br = CASE WHEN d.etag = EXCLUDED.etag THEN d.br ELSE EXCLUDED.br END,
    last_modified = CASE WHEN d.etag = EXCLUDED.etag THEN d.last_modified
        ELSE greatest(EXCLUDED.last_modified, d.last_modified + interval '1 second') END
WHERE d.version <= EXCLUDED.version
RETURNING d.last_modified
"""


def find(channel: Channel, form: Format, month: str = "") -> Served:
    """What is served for a feed, rendered now if it has changed or was never asked for.

    Raises NoSuchFeed for a month without briefs, BadToken for a reader's own feed that was closed, and
    FeedsBusy where others ask for too many of what is kept nowhere and anybody can make up.
    """
    found = _kept(channel, form, month)
    if found is not None:
        return found
    if channel.token:
        return _passing(channel, form, month)
    with rationing.with_room():
        return _passing(channel, form, month)


def served(url: str) -> Served | None:
    """What is served at one of our feeds' own addresses, in its one spelling, for who does not ask by HTTP.

    None for every other address, for archives, and for a reader's own feed.
    """
    folder = links.feeds_index()
    if not url.startswith(folder):
        return None
    try:
        address = addressing.read(unquote(url.removeprefix(folder)))
    except (NoSuchFeed, FeedMoved, TopicRetired, UnknownTopic):
        return None
    channel, form = address.channel, address.form
    if form is None or address.month or channel.token or channel.url(form) != url:
        return None
    return _kept(channel, form) or _passing(channel, form)


def refresh(row: FeedChannel) -> int:
    """Bring the live documents of a kept channel up to date; how many got other bytes.

    Of a combination only the formats that somebody asked for. One of a topic that was merged or retired
    is left as it is. Repeats write nothing.
    """
    version = FeedChannel.objects.filter(pk=row.pk).values_list("version", flat=True).first()
    if version is None:  # dropped meanwhile
        return 0
    row.version = version
    # After the version, as all that is shown: else an old name would stand under a new version.
    channel = keeping.channel_now(row)
    rows = FeedDocument.objects.filter(channel=row, month="").defer("gzip", "br")
    stored = {one.format: one for one in rows}
    wanted = [form for form in Format if row.is_standing or form in stored]
    stale = [form for form in wanted if form not in stored or stored[form].version < row.version]
    if channel is None or not stale:
        return 0
    contents = _contents(channel)
    changed = 0
    for form in stale:
        rendered, body = _rendered(channel, form, "", contents)
        old = stored.get(form)
        changed += old is None or old.etag != rendered.etag
        _store(row, rendered, body, over=old)
    return changed


def code_in_br(channel_ids: Collection[int]) -> None:
    """Make the coding that nobody waited for, of the live documents of these channels that lack it."""
    lacking = FeedDocument.objects.filter(channel__in=channel_ids, month="", br=b"")
    for document in lacking.order_by("-channel__is_standing", "pk").iterator(chunk_size=20):
        own = FeedDocument.objects.filter(pk=document.pk, etag=document.etag)
        own.update(br=coding.in_br(coding.plain(bytes(document.gzip))))


def _kept(channel: Channel, form: Format, month: str = "") -> Served | None:
    """From the row of its channel, rendered now if it is stale; None for what is kept nowhere."""
    if channel.token or (month and not channel.is_standing):  # combinations have too many months
        return None
    stored = _stored(channel, form, month)
    row = keeping.asked(stored.channel) if stored else keeping.kept(channel)
    if row is not None and (stored is None or stored.version < row.version):
        with rationing.alone(channel.key, form, month) as was_another_at_it:
            if was_another_at_it:
                stored = _stored(channel, form, month)
                row = stored.channel if stored else row
            if stored is None or stored.version < row.version:
                stored = _rendered_anew(row, form, month, over=stored)
    if stored is None:
        return None
    return _served(stored, channel, form, month, coding.plain(bytes(stored.gzip)))


def _passing(channel: Channel, form: Format, month: str = "") -> Served:
    """Rendered for who asks, and kept nowhere.

    Without a date: a rule or the name of a topic changes what it says and not when its briefs were new.
    """
    document, body = _rendered(channel, form, month, _contents(channel, month))
    document.gzip = coding.gzipped(body)
    return replace(_served(document, channel, form, month, body), last_modified=None)


def _rendered_anew(
    row: FeedChannel, form: Format, month: str, *, over: FeedDocument | None
) -> FeedDocument | None:
    """As it is kept now; None for a channel that ended or was dropped since it was asked for."""
    # After the version, as in `refresh`: what was asked for may be called otherwise by now.
    channel = keeping.channel_now(row)
    if channel is None:
        return None
    rendered, body = _rendered(channel, form, month, _contents(channel, month))
    return _store(row, rendered, body, over=over) or _stored(channel, form, month)


def _contents(channel: Channel, month: str = "") -> Contents:
    """What a feed holds and is next to. Raises NoSuchFeed for a month that holds nothing."""
    held = holding.archive(channel, month) if month else holding.live(channel)
    if month and not held.entries and not held.withdrawn:
        raise NoSuchFeed(
            "There is no archive of that month; nothing of this feed was released in it."
        )
    return describing.contents(held)


def _rendered(
    channel: Channel, form: Format, month: str, contents: Contents
) -> tuple[FeedDocument, bytes]:
    feed = describing.feed(channel, form, contents, month=month)
    body = build(feed, form)
    made = FeedDocument(
        format=form, month=month, etag=etag(body), last_modified=feed.updated, br=b""
    )
    return made, body


def _stored(channel: Channel, form: Format, month: str) -> FeedDocument | None:
    """The document as it lies there, with the row of its channel."""
    rows = FeedDocument.objects.select_related("channel")
    return rows.filter(channel__key=channel.key, format=form, month=month).first()


def _store(
    row: FeedChannel, made: FeedDocument, body: bytes, *, over: FeedDocument | None
) -> FeedDocument | None:
    """Keep the document, under the version of the row; the same bytes keep their date and codings.

    None where a newer one is kept by now, or the row was dropped in this moment.
    """
    if over is not None and over.etag == made.etag:
        own = FeedDocument.objects.filter(pk=over.pk, etag=made.etag, version__lte=row.version)
        if own.update(version=row.version):
            return over
    made.gzip = coding.gzipped(body)
    values = ("format", "month", "gzip", "br", "etag", "last_modified")
    told = {name: getattr(made, name) for name in values}
    with suppress(IntegrityError), connection.cursor() as cursor:
        cursor.execute(SQL_STORE, {**told, "channel": row.pk, "version": row.version})
        if stored := cursor.fetchone():
            [made.last_modified] = stored
            return made
    return None


def _served(
    document: FeedDocument, channel: Channel, form: Format, month: str, body: bytes
) -> Served:
    by_gzip, by_br = bytes(document.gzip), bytes(document.br)
    return Served(
        content_type=form.content_type,
        body=body,
        gzip=by_gzip if coding.gains(by_gzip, body) else b"",
        br=by_br if coding.gains(by_br, body) else b"",
        etag=document.etag,
        last_modified=document.last_modified,
        links=describing.link_header(channel, form, month),
        page_url=describing.page_of(channel),
        is_private=bool(channel.token),
        max_age=ARCHIVE_AGE if month else LIVE_AGE,
    )
