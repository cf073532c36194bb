"""The API's frame: every answer that is no success gets the one shape, whatever raised it.

Unknown paths, wrong methods, a body too large and a database that is away are answered here; what
our own refusals mean is `answers`'s.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, URLResolver, path
from django.views.decorators.csrf import csrf_exempt
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, Throttled, ValidationError

from dispatcher.api.answers import code_of, refusal, status_of
from dispatcher.errors import Refusal

log = logging.getLogger(__name__)


class Api(NinjaAPI):
    """A NinjaAPI whose refusals all look alike."""

    def set_default_exception_handlers(self) -> None:
        """Called once by NinjaAPI."""
        super().set_default_exception_handlers()
        for kind, answer in _ANSWERS.items():
            self.add_exception_handler(kind, answer)

    @property
    def urls(self) -> tuple[list[URLResolver | URLPattern], str, str]:
        """For `path("api/", api.urls)`; whatever is not an operation is answered here too."""
        patterns, app_name, namespace = super().urls
        for pattern in patterns:
            if isinstance(pattern, URLPattern):
                pattern.callback = _in_shape(pattern.callback)
        return [*patterns, path("<path:rest>", _nothing_here)], app_name, namespace


def _refused(_request: HttpRequest, fault: Any) -> HttpResponse:
    kind: type[Refusal] = type(fault)
    return refusal(status_of(kind), code_of(kind), str(fault))


def _not_let_in(request: HttpRequest, _fault: Any) -> HttpResponse:
    """RFC 6750 §3: a request without credentials is told no error, only the scheme."""
    if "Authorization" in request.headers:
        challenge = 'Bearer realm="dispatcher", error="invalid_token"'
        detail = "This token is unknown or was revoked; `dispatcher token add NAME` makes one."
    else:
        challenge = 'Bearer realm="dispatcher"'
        detail = (
            "Send the header `Authorization: Bearer TOKEN`; `dispatcher token add NAME` makes one."
        )
    response = refusal(401, "unauthorized", detail)
    response["WWW-Authenticate"] = challenge
    return response


def _not_valid(_request: HttpRequest, fault: Any) -> HttpResponse:
    first = fault.errors[0]
    field = ".".join(str(part) for part in first["loc"][2:] or first["loc"][1:]) or "body"
    return refusal(422, "bad_field", f"The field “{field}” cannot be used: {first['msg']}.")


def _too_often(_request: HttpRequest, _fault: Any) -> HttpResponse:
    return refusal(429, "too_many_requests", "This token asks too often; wait and ask again.")


def _too_big(_request: HttpRequest, _fault: Any) -> HttpResponse:
    detail = "The request is over 3 MB and a brief at most 2 MB: send its text without pictures."
    return refusal(413, "too_large", detail)


def _http_error(_request: HttpRequest, fault: Any) -> HttpResponse:
    code = "malformed_request" if fault.status_code == 400 else "refused"
    return refusal(fault.status_code, code, f"{fault}; /api/docs says what can be sent.")


def _database_away(_request: HttpRequest, fault: Any) -> HttpResponse:
    log.error("the database does not answer: %s", fault)
    detail = "The database does not answer; nothing was changed. Try again in a moment."
    return refusal(503, "database_unreachable", detail)


_ANSWERS: dict[type[Exception], Callable[[HttpRequest, Any], HttpResponse]] = {
    Refusal: _refused,
    AuthenticationError: _not_let_in,
    ValidationError: _not_valid,
    Throttled: _too_often,
    RequestDataTooBig: _too_big,
    HttpError: _http_error,
    OperationalError: _database_away,
    InterfaceError: _database_away,
}


def _in_shape(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """The view, with `404` and `405` answers of the framework put into the one shape."""

    @wraps(view)
    def answer(request: HttpRequest, **parts: Any) -> HttpResponseBase:
        try:
            response = view(request, **parts)
        except Http404:
            return _nothing_here(request)
        if response.status_code != 405:
            return response
        allowed = ", ".join(sorted(response["Allow"].split(", ")))
        detail = f"{request.method} cannot be used here; use {allowed}."
        shaped = refusal(405, "wrong_method", detail)
        shaped["Allow"] = allowed
        return shaped

    return answer


@csrf_exempt
def _nothing_here(_request: HttpRequest, **_parts: str) -> HttpResponse:
    return refusal(404, "no_such_path", "Nothing is here; /api/docs lists what there is.")
