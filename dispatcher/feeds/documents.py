"""Documents: a channel in one format as bytes, rendered when it has changed and found when asked for.

A document carries the version of its channel that it was rendered from, read before what it holds. So
one that was overtaken is stale, never wrong, and any number of renderers may work at once.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import connection

from dispatcher.briefs import public
from dispatcher.briefs.topics import Vocabulary
from dispatcher.feeds import describing, holding, keeping
from dispatcher.feeds.addressing import NOT_THERE, NoSuchFeed
from dispatcher.feeds.building import Format, build, etag
from dispatcher.feeds.channels import Channel
from dispatcher.feeds.coding import coded
from dispatcher.feeds.models import FeedChannel, FeedDocument
from dispatcher.feeds.served import Served

LIVE_AGE, ARCHIVE_AGE = 300, 3_600  # seconds; an archive changes when a brief in it is amended
_SECOND = timedelta(seconds=1)
_RENDERING = threading.Lock()  # of many requests of this process for a stale feed one renders it

# One that is overtaken meanwhile changes nothing, however the two are ordered.
SQL_STORE = """
INSERT INTO dispatcher_feeddocument AS d
    (channel_id, format, month, body, gzip, br, etag, last_modified, version)
VALUES (%(channel)s, %(format)s, %(month)s, %(body)s, %(gzip)s, %(br)s, %(etag)s, %(last_modified)s,
        %(version)s)
ON CONFLICT (channel_id, format, month) DO UPDATE SET
    body = EXCLUDED.body, gzip = EXCLUDED.gzip, br = EXCLUDED.br, etag = EXCLUDED.etag,
    last_modified = EXCLUDED.last_modified, version = EXCLUDED.version
WHERE d.version <= EXCLUDED.version
"""


def find(channel: Channel, form: Format, month: str = "") -> Served:
    """What is served for a feed, rendered now if it has changed or was never asked for.

    Raises NoSuchFeed for a month without briefs, BadToken for a reader's own feed that is closed.
    """
    row = keeping.kept(channel)
    if row is None:
        return _made(channel, form, month)
    document = _fresh(row, form, month)
    if document is None:
        with _RENDERING:
            row.refresh_from_db(fields=["version"])
            document = _fresh(row, form, month) or _stored(
                row, form, month, _held(channel, month), Vocabulary(), channel
            )
    return _served(document, channel, form, month)


def render(rows: Iterable[FeedChannel], channel_of, words: Vocabulary) -> int:
    """Bring the live documents of these channels up to date; how many got other bytes."""
    changed = 0
    for row in rows:
        row.refresh_from_db(fields=["version"])
        channel = channel_of(row)
        stale = [form for form in Format if _fresh(row, form, "") is None]
        if channel is None or not stale:
            continue
        held = _held(channel, "")
        for form in stale:
            before = _etag(row, form)
            changed += _stored(row, form, "", held, words, channel).etag != before
    return changed
