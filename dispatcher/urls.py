"""Which door answers which path."""

from __future__ import annotations

from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path

from dispatcher import health, look
from dispatcher.api.views import api
from dispatcher.watching.views import metrics

urlpatterns: list[URLPattern | URLResolver] = [
    path("look.css", look.stylesheet, name="look"),
    path("desk/", include("dispatcher.console.urls")),
    path("feeds/", include("dispatcher.feeds.urls")),
    path("", include("dispatcher.pages.urls")),
    path("api/", api.urls),
    path("health/live", health.live),
    path("health/ready", health.ready),
    path("metrics", metrics),
]
if settings.WEBHOOK_SECRET:
    urlpatterns.append(path("hooks/", include("dispatcher.api.hooks")))

handler404 = "dispatcher.pages.views.missing"
handler500 = "dispatcher.pages.views.broken"
