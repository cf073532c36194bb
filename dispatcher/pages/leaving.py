"""The unsubscribe link of a letter. To look changes nothing: scanners follow every link.

A mail provider's one-click is answered in a word, always; a person gets a farewell that can be undone.
A link that no longer leads to the reader's page ends what it did and tells nothing of what else there is.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from dispatcher import speaking
from dispatcher.audience import access, reasons, standing
from dispatcher.audience.access import WayOut
from dispatcher.mailing import leaving
from dispatcher.pages.private import behind_a_sealed_link, is_pressing_too_often, too_often


@behind_a_sealed_link
def leave(request: HttpRequest, token: str) -> HttpResponse:
    """GET asks, POST ends: with the `action` of our button or else as a one-click (RFC 8058 §3.1)."""
    way_out = access.way_out(token)
    reader_id, dispatch_id, _ = way_out
    if request.method != "POST":
        speaking.use(request, access.language_of(reader_id))
        context: dict[str, Any] = {"prospect": leaving.prospect(reader_id, dispatch_id)}
        return _page(request, "leave", way_out, context)
    if "List-Unsubscribe" in request.POST or "action" not in request.POST:
        leaving.leave_stream(reader_id, dispatch_id, source=f"one-click of dispatch {dispatch_id}")
        return HttpResponse("You are unsubscribed.\n", content_type="text/plain; charset=utf-8")
    speaking.use(request, access.language_of(reader_id))
    if is_pressing_too_often(reader_id):
        return too_often(request)
    is_kept = None
    if request.POST["action"] != "reason":
        source = f"page of dispatch {dispatch_id}"
        leaving.leave_stream(reader_id, dispatch_id, source=source)
    elif access.leads_on(way_out):
        said = request.POST.get("reason", ""), request.POST.get("words", "")
        is_kept = reasons.keep(reader_id, *said)
    context = {
        "standing": standing.look(reader_id),
        "has_said": is_kept,
        "reasons": reasons.WORDS,
    }
    return _page(request, "farewell", way_out, context)


def _page(
    request: HttpRequest, name: str, way_out: WayOut, context: dict[str, Any]
) -> HttpResponse:
    """With the way to the reader's page, for a link that may open it; by that alone a template tells more
    than that it is over.
    """
    if access.leads_on(way_out):
        token = access.manage_token(way_out.reader_id)
        context["manage_url"] = reverse("pages:reader", kwargs={"token": token})
    return speaking.render(request, f"pages/{name}.html", context)
