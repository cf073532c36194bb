"""The unsubscribe link of a letter. To look changes nothing: scanners follow every link.

A mail provider's one-click is answered in a word, always; a person gets a farewell that can be undone.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from dispatcher.audience.tokens import Purpose, seal, unseal
from dispatcher.mailing import leaving
from dispatcher.pages.private import behind_a_sealed_link, is_pressing_too_often, too_often


@behind_a_sealed_link
def leave(request: HttpRequest, token: str) -> HttpResponse:
    """GET asks, POST ends: with the `action` of our button or else as a one-click (RFC 8058 §3.1)."""
    subscriber_id, dispatch_id = unseal(Purpose.LEAVE, token, count=2)
    manage = {
        "manage_url": reverse("pages:reader", kwargs={"token": seal(Purpose.MANAGE, subscriber_id)})
    }
    if request.method != "POST":
        prospect = leaving.prospect(subscriber_id, dispatch_id)
        return render(request, "pages/leave.html", {"prospect": prospect, **manage})
    if "List-Unsubscribe" in request.POST or "action" not in request.POST:
        leaving.leave_stream(
            subscriber_id, dispatch_id, source=f"one-click of dispatch {dispatch_id}"
        )
        return HttpResponse("You are unsubscribed.\n", content_type="text/plain; charset=utf-8")
    if is_pressing_too_often(subscriber_id):
        return too_often(request)
    standing = leaving.leave_stream(
        subscriber_id, dispatch_id, source=f"page of dispatch {dispatch_id}"
    )
    return render(request, "pages/farewell.html", {"standing": standing, **manage})
