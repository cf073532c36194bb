"""Signing in and out at the desk. Guessing is slowed down: five wrong passwords for a name from one
address of the network, then a quarter of an hour of nothing.
"""

from __future__ import annotations

import logging
import unicodedata
from hashlib import sha256
from typing import Any

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, LogoutView
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from redis.exceptions import RedisError

from dispatcher import visitors

log = logging.getLogger(__name__)

ATTEMPTS = 5
WINDOW = 15 * 60


class SignInForm(AuthenticationForm):
    error_messages = {  # noqa: RUF012  Django's form class says what it is
        "invalid_login": "This name and password do not belong together. Check both and try again.",
        "inactive": "This account is closed. Ask whoever runs this installation.",
    }


class SignIn(LoginView):
    template_name = "console/sign_in.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if _attempts(request) > ATTEMPTS:
            return self.render_to_response(
                self.get_context_data(form=SignInForm(request), is_throttled=True), status=429
            )
        return super().post(request, *args, **kwargs)

    def get_success_url(self) -> str:
        """Where one wanted to go; not to this very page, which would lead in a circle."""
        url = super().get_success_url()
        return self.get_default_redirect_url() if url == self.request.path else url

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        _forget(self.request)
        return super().form_valid(form)

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        return super().get_context_data(**{"is_throttled": False, **context})


sign_in = SignIn.as_view()
sign_out = LogoutView.as_view()


def _attempts(request: HttpRequest) -> int:
    """Count this attempt before its password is looked at, so that many at once gain nothing."""
    try:
        cache.add(_key(request), 0, WINDOW)
        return cache.incr(_key(request))
    except (
        RedisError,
        ValueError,
    ) as fault:  # the desk must open when Valkey is what needs mending
        log.warning("Attempts to sign in are not being counted: %s", fault)
        return 0


def _forget(request: HttpRequest) -> None:
    try:
        cache.delete(_key(request))
    except RedisError as fault:
        log.warning("An attempt to sign in stays counted: %s", fault)


def _key(request: HttpRequest) -> str:
    """One for all spellings that Django takes for the same name, or each would have attempts of its own."""
    typed = request.POST.get("username", "").strip()[:150]  # none is longer, and to fold is work
    name = unicodedata.normalize("NFKC", typed).strip().casefold()
    where = visitors.ip_of(request)
    return f"dispatcher:sign-in:{sha256(f'{where} {name}'.encode()).hexdigest()}"
