"""A reader's own page: what they get, and buttons to stop each of it, pause it, or take that back.

Every press is answered by a redirect to the page, so that loading it again presses nothing. Forms that
need a page of their own are `editing`'s.
"""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.utils import timezone

from dispatcher import speaking
from dispatcher.audience import access, editing, reasons, standing
from dispatcher.errors import BadChoice
from dispatcher.mailing import leaving
from dispatcher.pages.private import (
    behind_a_sealed_link,
    is_pressing_too_often,
    opened,
    too_often,
)

SOURCE = "the reader's page"


@behind_a_sealed_link
def reader(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows, POST presses a button: its `action` is a name that `_press` knows."""
    reader_id = opened(request, token)
    if request.method == "POST":
        if is_pressing_too_often(reader_id):
            return too_often(request)
        if request.POST.get("action") == "renew":
            return back(access.renew(reader_id), "renewed")
        return back(token, _press(reader_id, request.POST))
    now = timezone.localdate()
    context = {
        "token": token,
        "standing": standing.look(reader_id),
        "done": request.GET.get("done", ""),
        "reasons": reasons.WORDS,
        "tomorrow": (now + timedelta(days=1)).isoformat(),
        "latest": (now + editing.LONGEST_PAUSE - timedelta(days=1)).isoformat(),
    }
    return speaking.render(request, "pages/reader.html", context)


def back(token: str, done: str) -> HttpResponseRedirect:
    """To the page, which says what was done."""
    page = reverse("pages:reader", kwargs={"token": token})
    return HttpResponseRedirect(f"{page}?done={quote(done)}", status=303)


def _press(reader_id: int, form: QueryDict) -> str:  # noqa: PLR0911  one answer to each button
    """Do what was pressed; in a word, what came of it."""
    match form.get("action"):
        case "stop":
            rule = form.get("rule", "")
            rule_id = int(rule) if rule.isdecimal() and len(rule) < 19 else 0
            return "stopped" if leaving.stop(reader_id, rule_id, source=SOURCE) else "nothing"
        case "everything":
            return "stopped" if leaving.stop_everything(reader_id, source=SOURCE) else "nothing"
        case "undo":
            return "back" if standing.undo(reader_id, source=SOURCE) else "nothing"
        case "pause":
            try:
                editing.pause(reader_id, form.get("until", ""), source=SOURCE)
            except BadChoice:
                return "day"
            return "paused"
        case "resume":
            return "resumed" if editing.resume(reader_id, source=SOURCE) else "nothing"
        case "reason":
            is_kept = reasons.keep(reader_id, form.get("reason", ""), form.get("words", ""))
            return "said" if is_kept else "nothing"
    return "nothing"
