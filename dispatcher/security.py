"""The Content-Security-Policy of every response that brings none of its own.

Nothing inline, nothing from elsewhere, no frames but our own. A view that needs another policy sets
the header itself: a preview shuts more, the API's page about itself opens a little.
"""

from __future__ import annotations

from collections.abc import Callable

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
