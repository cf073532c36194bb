"""A reader's own page: what they get, and a button to stop each of it, all of it, or to take that back.

Every press is answered by a redirect to the page, so that loading it again presses nothing.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render

from dispatcher.audience import standing
from dispatcher.audience.tokens import Purpose, unseal
from dispatcher.pages.private import behind_a_sealed_link, is_pressing_too_often, too_often

SOURCE = "the reader's page"


@behind_a_sealed_link
def reader(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows, POST presses a button: `action` is stop (with the number of a `rule`), everything or undo."""
    (subscriber_id,) = unseal(Purpose.MANAGE, token, count=1)
    if request.method == "POST":
        if is_pressing_too_often(subscriber_id):
            return too_often(request)
        done = _press(subscriber_id, request.POST)
        return HttpResponseRedirect(f"{request.path}?done={done}", status=303)
    context = {"standing": standing.look(subscriber_id), "done": request.GET.get("done", "")}
    return render(request, "pages/reader.html", context)


def _press(subscriber_id: int, form: QueryDict) -> str:
    """Do what was pressed; in a word, what came of it."""
    match form.get("action"):
        case "stop":
            rule = form.get("rule", "")
            rule_id = int(rule) if rule.isdecimal() and len(rule) < 19 else 0
            return "stopped" if standing.stop(subscriber_id, rule_id, source=SOURCE) else "nothing"
        case "everything":
            return (
                "stopped" if standing.stop_everything(subscriber_id, source=SOURCE) else "nothing"
            )
        case "undo":
            return "back" if standing.undo(subscriber_id, source=SOURCE) else "nothing"
    return "nothing"
