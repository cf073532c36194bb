"""What pages behind a sealed link have in common: who they are for, and what must not become of them.

The address is the only key. It must not be stored, passed on or indexed, so every answer says so; and
it is asked for little enough that nobody can wear the server out with it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods
from redis.exceptions import RedisError

from dispatcher import speaking
from dispatcher.audience import access
from dispatcher.errors import BadToken
from dispatcher.pages.views import sorry
from dispatcher.translating import later

POSTS_AN_HOUR = 60
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
}

log = logging.getLogger(__name__)
Rest = ParamSpec("Rest")
View = Callable[Concatenate[HttpRequest, Rest], HttpResponse]


def behind_a_sealed_link(view: View[Rest]) -> View[Rest]:
    """GET, HEAD and POST of a view whose token is its only authority; a bad token gets a clear page.

    Exempt from CSRF checks, rightly: those guard authority that a browser adds by itself, a cookie.
    Here is none. Whoever can forge the request holds the link, and may follow it as well. A mail
    provider's one-click POST has no cookie to compare with anyway (RFC 8058 §3.1).
    """

    @csrf_exempt
    @require_http_methods(["GET", "HEAD", "POST"])
    @wraps(view)
    def guarded(request: HttpRequest, /, *args: Rest.args, **kwargs: Rest.kwargs) -> HttpResponse:
        try:
            response = view(request, *args, **kwargs)
        except BadToken as refusal:
            response = sorry(request, 404, later("This link does not work"), refusal)
        for name, value in HEADERS.items():
            response.headers[name] = value
        return response

    return guarded


def opened(request: HttpRequest, token: str) -> int:
    """The reader whose page a link opens; from here on the answer is in their language. Raises BadToken."""
    reader_id = access.opened(token)
    speaking.use(request, access.language_of(reader_id))
    return reader_id


def is_pressing_too_often(subscriber_id: int) -> bool:
    """Count a press of a button; whether it is one too many this hour. Without a cache none is."""
    key = f"pages:presses:{subscriber_id}"
    try:
        cache.add(key, 0, timeout=3600)
        return cache.incr(key) > POSTS_AN_HOUR
    except (RedisError, OSError, ValueError) as fault:  # ValueError: it expired in between
        log.warning("Presses are not counted: %s", fault)
        return False


def too_often(request: HttpRequest) -> HttpResponse:
    sentence = later("That was pressed very often. Try again in an hour.")
    response = sorry(request, 429, later("One moment"), sentence)
    response.headers["Retry-After"] = "3600"
    return response
