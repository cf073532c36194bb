"""A stored document as an HTTP answer: coded as the client accepts, or 304 when it has it already.

Each content coding has an entity-tag of its own, since a strong tag names exact bytes and gzip makes
other ones (RFC 9110 §8.8.3.3): a cache that holds both never confirms one by the other.
"""

from __future__ import annotations

import gzip
from email.utils import format_datetime

from django.http import HttpRequest, HttpResponse

from dispatcher.feeds import websub
from dispatcher.feeds.building import Format
from dispatcher.feeds.conditional import is_fresh
from dispatcher.feeds.models import FeedDocument

MAX_AGE = (
    "public, max-age=300"  # readers that honour it poll no more often, so a brief waits no longer
)
_SMALLEST_GZIPPED = 512


def answer(request: HttpRequest, document: FeedDocument, *, self_url: str) -> HttpResponse:
    """GET and HEAD of a feed, conditional or not. The body and every validator are deterministic."""
    body, etag = bytes(document.body), document.etag
    is_coded = (
        accepts_gzip(request.headers.get("Accept-Encoding", "")) and len(body) > _SMALLEST_GZIPPED
    )
    if is_coded:
        etag = f'{etag.removesuffix(chr(34))}-gzip"'
    common = {
        "ETag": etag,
        "Cache-Control": MAX_AGE,
        "Vary": "Accept-Encoding",
        "Access-Control-Allow-Origin": "*",
        "X-Content-Type-Options": "nosniff",
    }
    if websub.hubs():
        common["Link"] = websub.link_header(self_url)
    if is_fresh(
        etag,
        document.last_modified,
        request.headers.get("If-None-Match"),
        request.headers.get("If-Modified-Since"),
    ):
        unchanged = HttpResponse(status=304, headers=common)
        del unchanged["Content-Type"]
        return unchanged
    if is_coded:
        body = gzip.compress(body, mtime=0)
        common["Content-Encoding"] = "gzip"
    common["Last-Modified"] = format_datetime(document.last_modified, usegmt=True)
    common["Content-Length"] = str(len(body))
    return HttpResponse(
        b"" if request.method == "HEAD" else body,
        headers=common,
        content_type=Format(document.format).content_type,
    )


def accepts_gzip(header: str) -> bool:
    """Whether Accept-Encoding allows gzip (RFC 9110 §12.5.3); what cannot be read does not."""
    weights: dict[str, float] = {}
    for member in header.lower().split(",")[:20]:
        coding, *parameters = (part.strip() for part in member.split(";"))
        weights[coding] = _weight(parameters)
    return weights.get("gzip", weights.get("x-gzip", weights.get("*", 0))) > 0


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0
    return 1
