"""Signing up: the form, the answer that is the same for everyone, and the button behind the sealed link.

None of it needs a cookie or a script, so the form may stand on other sites as well. Only the button
behind the link makes somebody a reader.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse, QueryDict
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from dispatcher import choosing, speaking, visitors
from dispatcher.audience import puzzles, zones
from dispatcher.audience.joining import Wish
from dispatcher.errors import (
    BadAddress,
    BadTopics,
    NotSolved,
    NotWelcome,
    QueueUnreachable,
    Refusal,
    TooManySignUps,
)
from dispatcher.mailing import joining
from dispatcher.pages.private import behind_a_sealed_link
from dispatcher.pages.views import MAX_AGE, sorry
from dispatcher.translating import later

LARGEST = 64 * 1024  # octets of a form; a sign-up for every topic has a tenth of it
FIELDS: dict[type[Refusal], str] = {
    BadAddress: "address",
    BadTopics: "everything",
    NotSolved: "solution",
}


@csrf_exempt  # no cookie gives it authority: whoever posts it asks for one letter, as anybody may
@require_http_methods(["GET", "HEAD", "POST"])
def join(request: HttpRequest) -> HttpResponse:
    """GET shows the form, POST takes it. What is wrong with it is said above it, in one line."""
    if request.method != "POST":
        response = _form(request, QueryDict())
        response.headers["Cache-Control"] = MAX_AGE
        return response
    if int(request.META.get("CONTENT_LENGTH") or 0) > LARGEST:
        return sorry(
            request,
            413,
            later("That is too much"),
            later("A sign-up is far smaller than what was sent."),
        )
    try:
        wish = _wish(request)
        solution = request.POST.get("solution", "")
        joining.ask(wish, visitor=visitors.ip_of(request), solution=solution)
    except (BadAddress, BadTopics, NotSolved) as refusal:
        return _form(request, request.POST, refusal)
    except TooManySignUps as refusal:
        response = sorry(request, 429, later("One moment"), refusal)
        response.headers["Retry-After"] = "3600"
        return response
    except QueueUnreachable as refusal:
        return sorry(request, 503, later("One moment"), refusal)
    return HttpResponseRedirect(speaking.address(request, "pages:join-sent"), status=303)


@require_safe
def sent(request: HttpRequest) -> HttpResponse:
    """What everybody is told who signs up, whoever has the address."""
    context = {
        "sentence": speaking.words_for(request).say(joining.SENT),
        "days": settings.JOIN_DAYS,
    }
    response = speaking.render(request, "pages/join_sent.html", context)
    response.headers["Cache-Control"] = MAX_AGE
    return response


@require_safe
def embed(request: HttpRequest) -> HttpResponse:
    """The form as plain HTML, to be copied into a page of another site."""
    c = choosing.offered()
    form = {"c": c, "action": settings.PUBLIC_URL + reverse("pages:join")}
    context = {"form": form, "is_solved_here": settings.JOIN_CAPTCHA}
    response = speaking.render(request, "pages/join_embed.html", context)
    response.headers["Cache-Control"] = MAX_AGE
    return response


@require_safe
def puzzle(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """The work that a browser does before the form may be sent, where JOIN_CAPTCHA asks for it."""
    response = JsonResponse(asdict(puzzles.pose()))
    response.headers["Cache-Control"] = "no-store"
    return response


@behind_a_sealed_link
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows what would begin and a button, for scanners follow links; POST begins it."""
    speaking.use(request, joining.language(token))
    if request.method != "POST":
        return speaking.render(
            request, "pages/join_confirm.html", {"line": joining.prospect(token)}
        )
    try:
        welcome = joining.confirm(token, visitor=visitors.ip_of(request))
    except NotWelcome as refusal:
        return sorry(request, 409, later("This cannot be done"), refusal)
    return speaking.render(request, "pages/join_welcome.html", {"welcome": welcome})


def _wish(request: HttpRequest) -> Wish:
    """Who names no language is written to in that of the page."""
    form = request.POST
    language = form.get("language", "")
    return Wish(
        address=form.get("address", ""),
        rule=choosing.chosen(form),
        source="sign-up page",
        name=form.get("name", ""),
        language=language
        if language in speaking.offered()
        else speaking.words_for(request).language,
        time_zone=form.get("time_zone", "UTC"),
    )


def _form(request: HttpRequest, form: QueryDict, refusal: Refusal | None = None) -> HttpResponse:
    """The form as it was filled in, `refusal` beside its field."""
    wrong = FIELDS[type(refusal)] if refusal else ""
    ours = speaking.words_for(request)
    context: dict[str, Any] = {
        "c": choosing.offered(choosing.asked(form) if form else choosing.NOTHING),
        "address": form.get("address", "")[:320],
        "name": form.get("name", "")[:200],
        "language": form.get("language", ours.language),
        "languages": speaking.offered(),
        "time_zone": form.get("time_zone", "UTC"),
        "zones": sorted(zones.offered()),
        "wrong": wrong,
        "sentence": ours.say(refusal) if refusal else "",
        "has_puzzle": settings.JOIN_CAPTCHA,
    }
    return speaking.render(request, "pages/join.html", context, status=422 if refusal else 200)
