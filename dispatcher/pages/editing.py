"""The reader's forms that need a page of their own: a rule, name and zone, a new address; and the last letters.

What is wrong is said above the form, which keeps what was filled in.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict

from dispatcher import choosing, speaking, visitors
from dispatcher.audience import access, editing, standing, zones
from dispatcher.audience.editing import Details
from dispatcher.errors import (
    BadAddress,
    BadChoice,
    BadTopics,
    NotWelcome,
    QueueUnreachable,
    Refusal,
    TooManySignUps,
)
from dispatcher.feeds import channels, describing
from dispatcher.mailing import erasing, exporting, history, moving
from dispatcher.pages.managing import SOURCE, back
from dispatcher.pages.private import (
    behind_a_sealed_link,
    is_pressing_too_often,
    opened,
    too_often,
)
from dispatcher.pages.views import sorry
from dispatcher.translating import later


@behind_a_sealed_link
def rule(request: HttpRequest, token: str, number: int = 0) -> HttpResponse:
    """One rule to change, or without a number a new one."""
    reader_id = opened(request, token)
    held = editing.rule_of(reader_id, number) if number else choosing.NOTHING
    if held is None:  # it ended meanwhile, here or in another window
        return back(token, "nothing")

    def save() -> str:
        wanted = choosing.chosen(request.POST, held=held)
        if not number:
            return "added" if editing.add(reader_id, wanted, source=SOURCE) else "nothing"
        is_other = editing.change(reader_id, number, wanted, source=SOURCE)
        return "changed" if is_other else "nothing"

    shown = choosing.asked(request.POST, held=held) if request.method == "POST" else held
    context = {"token": token, "number": number, "c": choosing.offered(shown)}
    return _form(request, reader_id, "reader_rule", context, save)


@behind_a_sealed_link
def details(request: HttpRequest, token: str) -> HttpResponse:
    """Name, language, time zone, and when digests come."""
    reader_id = opened(request, token)
    wanted = editing.details(reader_id)
    if request.method == "POST":
        wanted = _wanted(request.POST, wanted)

    def save() -> str:
        editing.describe(reader_id, wanted)
        return "saved"

    context = {
        "token": token,
        "details": wanted,
        "languages": {
            wanted.language: wanted.language,
            **speaking.offered(),
        },  # an import knows more of them
        "zones": sorted({*zones.offered(), wanted.time_zone}),
        "days": speaking.words_for(request).weekdays(),
    }
    return _form(request, reader_id, "reader_details", context, save)


def _wanted(form: QueryDict, now: Details) -> Details:
    """As the form has it; what it does not name stays as it is."""
    language = form.get("language", now.language)
    return Details(
        name=form.get("name", now.name)[:200],
        language=language if language in speaking.offered() else now.language,
        time_zone=form.get("time_zone", now.time_zone),
        digest_hour=_number(form.get("digest_hour", str(now.digest_hour))),
        digest_weekday=_number(form.get("digest_weekday", str(now.digest_weekday))),
        urgent_at_once="urgent_at_once" in form if "digest_hour" in form else now.urgent_at_once,
    )


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 3 else -1


@behind_a_sealed_link
def address(request: HttpRequest, token: str) -> HttpResponse:
    """Another address; the page never tells whether it is known."""
    reader_id = opened(request, token)
    given = request.POST.get("address", "")

    def save() -> str:
        moving.ask(reader_id, given, visitor=visitors.ip_of(request))
        return "asked"

    context = {"token": token, "address": given[:320], "standing": standing.look(reader_id)}
    return _form(request, reader_id, "reader_address", context, save)


@behind_a_sealed_link
def move(request: HttpRequest, token: str) -> HttpResponse:
    """The link in the new mailbox: GET asks, POST moves."""
    speaking.use(request, moving.language(token))
    if request.method != "POST":
        return speaking.render(
            request, "pages/move_confirm.html", {"prospect": moving.prospect(token)}
        )
    try:
        manage_url = moving.confirm(token)
    except NotWelcome as refusal:
        return sorry(request, 409, later("This cannot be done"), refusal)
    return speaking.render(request, "pages/moved.html", {"manage_url": manage_url})


@behind_a_sealed_link
def own_feed(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows the addresses of the reader's own feed, POST ends them and makes others."""
    reader_id = opened(request, token)
    is_pressed = request.method == "POST" and request.POST.get("action") == "renew"
    if is_pressed:
        if is_pressing_too_often(reader_id):
            return too_often(request)
        access.renew_feed(reader_id)
        return HttpResponseRedirect(f"{request.path}?done=renewed", status=303)
    links = describing.links_of(channels.readers_own(access.feed_token(reader_id)))
    context = {"token": token, "links": links, "is_new": request.GET.get("done") == "renewed"}
    return speaking.render(request, "pages/reader_feed.html", context)


@behind_a_sealed_link
def letters(request: HttpRequest, token: str) -> HttpResponse:
    """The last letters and why each came."""
    context = {"token": token, "letters": history.letters(opened(request, token))}
    return speaking.render(request, "pages/reader_letters.html", context)


@behind_a_sealed_link
def data(request: HttpRequest, token: str) -> HttpResponse:
    """All that is kept about the reader, as a file."""
    held = exporting.export(opened(request, token))
    text = json.dumps(held, ensure_ascii=False, indent=2)
    response = HttpResponse(text, content_type="application/json; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="my-data.json"'
    return response


@behind_a_sealed_link
def erase(request: HttpRequest, token: str) -> HttpResponse:
    """GET says what goes and what stays, POST erases."""
    reader_id = opened(request, token)
    if request.method == "POST" and request.POST.get("action") == "erase":
        erasing.erase(reader_id, by=SOURCE)
        return speaking.render(request, "pages/erased.html")
    return speaking.render(request, "pages/reader_erase.html", {"token": token})


def _form(
    request: HttpRequest,
    reader_id: int,
    name: str,
    context: dict[str, Any],
    save: Callable[[], str],
) -> HttpResponse:
    """GET shows the form, POST saves it and leads back to the page."""
    status, sentence = 200, ""
    if request.method == "POST":
        if is_pressing_too_often(reader_id):
            return too_often(request)
        try:
            return back(context["token"], save())
        except (BadAddress, BadChoice, BadTopics) as refusal:
            status, sentence = 422, speaking.words_for(request).say(refusal)
        except (NotWelcome, TooManySignUps, QueueUnreachable) as refusal:
            return sorry(request, _status(refusal), later("This cannot be done"), refusal)
    context["sentence"] = sentence
    return speaking.render(request, f"pages/{name}.html", context, status=status)


def _status(refusal: Refusal) -> int:
    if isinstance(refusal, TooManySignUps):
        return 429
    return 503 if isinstance(refusal, QueueUnreachable) else 409
