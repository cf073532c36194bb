"""What every door of the desk has in common: staff only, kept by no cache, a refusal is a page.

Which door answers which path stands in `urls`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import cast

from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

from dispatcher.console.showing import page
from dispatcher.errors import (
    NoSuchBrief,
    NoSuchDispatch,
    NoSuchFuse,
    NoSuchReader,
    Refusal,
    UnknownTopic,
)


class DeskRequest(HttpRequest):
    """A request that came through a door: someone is signed in."""

    user: User
    htmx: HtmxDetails


View = Callable[..., HttpResponse]


def door(view: View) -> View:
    """The view for staff; anyone else is sent to sign in first and comes back afterwards.

    A refusal that the view has no place for becomes a page: 404 for what is not there, else 409.
    """

    @wraps(view)
    def opened(request: HttpRequest, **parts: object) -> HttpResponse:
        if not request.user.is_authenticated:
            return _to_sign_in(cast("DeskRequest", request))
        try:
            return view(request, **parts)
        except (
            NoSuchBrief,
            NoSuchDispatch,
            NoSuchFuse,
            NoSuchReader,
            UnknownTopic,
        ) as refusal:
            said = str(refusal).partition(";")[0]  # what follows is for the command line
            return page(request, "refused", status=404, name="Not here", said=said)
        except Refusal as refusal:
            return page(request, "refused", status=409, name="Not possible", said=str(refusal))

    return never_cache(opened)


def _to_sign_in(request: DeskRequest) -> HttpResponse:
    if request.htmx:  # a part of a page must not be replaced by the page for signing in
        return HttpResponseClientRedirect(reverse("console:sign-in"))
    back = request.get_full_path() if request.method in {"GET", "HEAD"} else ""
    return redirect_to_login(back or resolve_url("console:briefs"))
