"""What a client gets of a document: the bytes in a coding it takes, or 304 when it has them already.

One decision for every way in: Django's views and the shelf in front of them both ask here. All headers
are built once per document, so that answering is choosing. Pure: nothing is looked up, nothing is sent.

Each content coding has an entity-tag of its own, since a strong tag names exact bytes and a coding makes
other ones (RFC 9110 §8.8.3.3): a cache that holds several never confirms one by another.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from http import HTTPStatus
from urllib.parse import quote

from dispatcher.feeds.conditional import is_fresh
from dispatcher.feeds.negotiating import BR, GZIP, IDENTITY, chosen
from dispatcher.feeds.served import Served

VARY = "Accept-Encoding"
_OF_URLS = (
    "%/:?#[]@!$&()*+,;=~"  # RFC 3986 §2.2, without the quotation mark that a header might end at
)
Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes out, whatever sends it. Of a HEAD the headers speak of the body that is not there."""

    status: int
    headers: Headers
    body: bytes
    line: str = field(init=False)  # the status as a server wants it: 304 Not Modified

    def __post_init__(self) -> None:
        object.__setattr__(self, "line", f"{self.status} {HTTPStatus(self.status).phrase}")


def cache_control(served: Served) -> str:
    return f"{'private' if served.is_private else 'public'}, max-age={served.max_age}"


class Prepared:
    """A document with every answer to it built; `more` headers go with each of them."""

    def __init__(self, served: Served, more: Iterable[tuple[str, str]] = ()) -> None:
        self.served = served
        offered = {IDENTITY: served.body, GZIP: served.gzip, BR: served.br}
        self._variants = {
            coding: _variant(served, coding, body, tuple(more))
            for coding, body in offered.items()
            if body or coding == IDENTITY
        }

    @property
    def size(self) -> int:
        """Octets of all the bodies that it holds."""
        return len(self.served.body) + len(self.served.gzip) + len(self.served.br)

    def answer(
        self,
        method: str,
        *,
        if_none_match: str | None,
        if_modified_since: str | None,
        accept_encoding: str | None,
    ) -> Answer:
        """For GET and HEAD; a header that was not sent is None. No value of a header raises."""
        variant = self._variants[chosen(accept_encoding, self._variants)]
        if (if_none_match is not None or if_modified_since is not None) and is_fresh(
            variant.etag, variant.last_modified, if_none_match, if_modified_since
        ):
            return variant.unchanged
        return variant.head if method == "HEAD" else variant.full


@dataclass(frozen=True, slots=True)
class _Variant:
    etag: str
    last_modified: datetime | None
    full: Answer
    head: Answer
    unchanged: Answer


def _variant(served: Served, coding: str, body: bytes, more: Headers) -> _Variant:
    """The three answers in one coding. A 304 repeats what a cache goes by (RFC 9110 §15.4.5)."""
    etag = served.etag
    if coding != IDENTITY:
        etag = f'{etag.removesuffix(chr(34))}-{coding}"'
    common: Headers = (
        ("ETag", etag),
        ("Cache-Control", cache_control(served)),
        ("Vary", VARY),
        ("Access-Control-Allow-Origin", "*"),
        ("X-Content-Type-Options", "nosniff"),
        *((("Link", served.links),) if served.links else ()),
        *((("X-Robots-Tag", "noindex"),) if served.is_private else ()),
    )
    whole: Headers = (
        ("Content-Type", served.content_type),
        ("Content-Length", str(len(body))),
        *((("Content-Encoding", coding),) if coding != IDENTITY else ()),
        *(
            (("Last-Modified", format_datetime(served.last_modified, usegmt=True)),)
            if served.last_modified
            else ()
        ),
        # A browser goes on to the page, in place of the feed in its history; feed readers know no such
        # header. With a 304 it goes by the one that it kept (RFC 9111 §3.2).
        *(
            (("Refresh", f"0; url={quote(served.page_url, safe=_OF_URLS)}"),)
            if served.page_url
            else ()
        ),
    )
    own = {name.lower() for name, _ in (*whole, *common)}
    common += tuple((name, value) for name, value in more if name.lower() not in own)
    full = (*whole, *common)
    return _Variant(
        etag=etag,
        last_modified=served.last_modified,
        full=Answer(200, full, body),
        head=Answer(200, full, b""),
        unchanged=Answer(304, common, b""),
    )
