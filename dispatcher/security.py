"""What holds at every door: the Content-Security-Policy of every response that brings none of its
own, and what a request may ask of the server before any view has looked at it.

Nothing inline, nothing from elsewhere, no frames but our own. A view that needs another policy sets
the header itself: a preview shuts more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import MemoryFileUploadHandler
from django.http import HttpRequest
from django.http.response import HttpResponseBase

HEADER = "Content-Security-Policy"

# The sources are the least that our pages use; `frame-src` is for previews at the desk.
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "frame-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'self'",
        "base-uri 'none'",
    )
)


def content_security_policy(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware: adds the policy unless the view has set one (CSP Level 3 §3.1)."""

    def respond(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        response.headers.setdefault(HEADER, POLICY)
        return response

    return respond


def utf_8_alone(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware: forms and queries are UTF-8, whatever charset the request names.

    Django would take any codec that Python has: `punycode` makes minutes of work of three
    megabytes, `unicode_escape` makes lone surrogates, which no answer and no table can hold.
    """

    def respond(request: HttpRequest) -> HttpResponseBase:
        request.encoding = "utf-8"
        return get_response(request)

    return respond


class SmallUploads(MemoryFileUploadHandler):
    """Uploaded files stay in memory, and a form too large is refused before anything of it is kept.

    Django sets no limit to files and reads a form before it knows who sends it: anybody could fill
    the disk, or in a container the memory that stands for it.
    """

    def handle_raw_input(self, input_data: Any, META: Any, content_length: int, *rest: Any) -> None:  # noqa: N803
        if content_length > settings.FILE_UPLOAD_MAX_MEMORY_SIZE:
            raise RequestDataTooBig("A form with files is larger than this server takes.")
        super().handle_raw_input(input_data, META, content_length, *rest)
