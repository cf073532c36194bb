"""The hub's door: POST asks it for something, GET tells people what it is."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from dispatcher import speaking, visitors
from dispatcher.errors import BadHubRequest, HubIsBusy, HubIsFull, QueueUnreachable
from dispatcher.feeds import websub
from dispatcher.feeds.hub import asking

LARGEST = 32 * 1024  # octets of a request; an address has two thousand
PAGE_AGE = "public, max-age=300"
TAKEN = "The callback will be asked whether it wants this."


@csrf_exempt  # programs ask, without a cookie; the callback itself has to agree (WebSub §5.3)
@require_http_methods(["GET", "HEAD", "POST"])
def hub(request: HttpRequest) -> HttpResponse:
    """202 for what will be verified, 4xx with one sentence for what cannot be (WebSub §5.1.2)."""
    if not websub.has_own_hub():
        return _said(404, "There is no hub here.")
    if request.method != "POST":
        context = {"hub": websub.own_hub(), "days": asking.USUAL // 86_400}
        response = speaking.render(request, "feeds/hub.html", context)
        response.headers["Cache-Control"] = PAGE_AGE
        return response
    if int(request.META.get("CONTENT_LENGTH") or 0) > LARGEST:
        return _said(413, "A request to the hub is far smaller than that.")
    return _asked(request)


def _asked(request: HttpRequest) -> HttpResponse:
    try:
        asking.ask(request.POST.dict(), visitor=visitors.ip_of(request))
    except BadHubRequest as refusal:
        return _said(400, str(refusal))
    except HubIsFull as refusal:
        return _said(429, str(refusal), retry_after=3_600)
    except HubIsBusy as refusal:
        return _said(429, str(refusal), retry_after=60)
    except QueueUnreachable as refusal:
        return _said(503, str(refusal), retry_after=60)
    return _said(202, TAKEN)


def _said(status: int, sentence: str, *, retry_after: int = 0) -> HttpResponse:
    headers = {"Cache-Control": "no-store"}
    if retry_after:
        headers["Retry-After"] = str(retry_after)
    return HttpResponse(
        f"{sentence}\n",
        status=status,
        content_type="text/plain; charset=utf-8",
        headers=headers,
    )
