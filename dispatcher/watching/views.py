"""/metrics: who may read it, and in which form.

Not the public: with METRICS_TOKEN, who bears it; without, this machine alone, and only as long as the
whole installation is for this machine. To everybody else it is not there.
"""

from __future__ import annotations

import hmac
from ipaddress import ip_address

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from dispatcher.watching.collecting import Everything

OWN_MACHINE = frozenset({"127.0.0.1", "localhost", "::1"})


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus's text, or OpenMetrics for those who ask for that."""
    if not _may_read(request):
        raise Http404
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Everything())
    return HttpResponse(
        encode(registry), content_type=content_type, headers={"Cache-Control": "no-store"}
    )


def _may_read(request: HttpRequest) -> bool:
    if settings.METRICS_TOKEN:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        given, known = token.strip().encode(), settings.METRICS_TOKEN.encode()
        return scheme.lower() == "bearer" and hmac.compare_digest(given, known)
    # A proxy on this machine makes strangers look like this machine; a public address is a sign of one.
    is_passed_on = any(
        name in request.headers for name in ("Forwarded", "X-Forwarded-For", "X-Forwarded-Proto")
    )
    return settings.PUBLIC_HOST in OWN_MACHINE and not is_passed_on and _is_own(request)


def _is_own(request: HttpRequest) -> bool:
    try:
        return ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False
