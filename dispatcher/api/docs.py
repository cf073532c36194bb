"""The API's page about itself, and how its operations say what they answer.

`/api/docs` is Swagger UI from files of our own host; nothing inline and nothing from elsewhere, so
that the policy of all pages holds for it too.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from ninja import NinjaAPI, Schema
from ninja.openapi.docs import DocsBase

from dispatcher.api.limits import REQUESTS
from dispatcher.api.telling import Refused

ABOUT = f"""
Hand in briefs, release them, and see how they went out.

Every request but a sign-up carries `Authorization: Bearer TOKEN`; `dispatcher token add NAME` makes a token and
shows it once. An answer that is no success is `{{"detail": …, "code": …}}`: a line for people that says
what to do, and a word for programs. A token may ask {REQUESTS} times a minute; beyond that the answer
is 429 with `Retry-After`. A request may have 3 MB, a brief 2 MB.
"""

# status: what it means, and a line and a code as they come
REFUSALS: dict[int, tuple[str, str, str]] = {
    400: (
        "The request cannot be read.",
        "The body is no JSON: Expecting value at line 1, column 1.",
        "malformed_request",
    ),
    401: (
        "No token, or one that is unknown or revoked.",
        "This token is unknown or was revoked; `dispatcher token add NAME` makes one.",
        "unauthorized",
    ),
    404: (
        "There is no such brief or dispatch.",
        "There is no brief 'k3v9x2mq7d'; see `dispatcher brief list`.",
        "no_such_brief",
    ),
    409: (
        "Not as things stand: released already or not yet, withdrawn, nobody follows, a time in the past.",
        "This brief was released by press office (API) on 2026-03-02 14:05 UTC.",
        "already_released",
    ),
    413: (
        "The request is over 3 MB.",
        "The request is over 3 MB and a brief at most 2 MB: send its text without pictures.",
        "too_large",
    ),
    422: (
        "The content cannot be used: no headline or topics, an unknown topic, a wrong field.",
        "Unknown topic 'Harbors'; the nearest known: Harbours.",
        "unknown_topic",
    ),
    429: (
        "This token asks too often; see `Retry-After`.",
        "This token asks too often; wait and ask again.",
        "too_many_requests",
    ),
    503: (
        "The database or the queue does not answer; see `Retry-After`.",
        "The database does not answer; nothing was changed. Try again in a moment.",
        "database_unreachable",
    ),
}


def _refusal(status: int) -> dict[str, Any]:
    about, detail, code = REFUSALS[status]
    example = {"detail": detail, "code": code}
    return {"description": about, "content": {"application/json": {"example": example}}}


def answers(
    successes: dict[int, type[Schema]], *statuses: int, body: dict[str, Any] | None = None
) -> dict[str, Any]:
    """An operation's options: its successes, the refusals of `statuses`, and 401, 429, 503 that can
    always come. `body` describes what the framework cannot.
    """
    refused = sorted({401, 429, 503, *statuses})
    extra: dict[str, Any] = {"responses": {status: _refusal(status) for status in refused}}
    if body is not None:
        extra["requestBody"] = body
    return {"response": {**successes, **dict.fromkeys(refused, Refused)}, "openapi_extra": extra}


class Docs(DocsBase):
    """Swagger UI in a page of ours; its script and style are the framework's static files."""

    def render_page(self, request: HttpRequest, api: NinjaAPI, **parts: Any) -> HttpResponse:
        swagger = {
            "url": self.get_openapi_url(api, parts),
            "layout": "BaseLayout",
            "deepLinking": True,
            "defaultModelsExpandDepth": 0,
        }
        return render(request, "api/docs.html", {"title": api.title, "swagger": swagger})
