"""Our addresses as they are where WEBHOOK_SECRET is set."""

from __future__ import annotations

from django.urls import include, path

from dispatcher.urls import urlpatterns as ours

urlpatterns = [*ours, path("hooks/", include("dispatcher.api.hooks"))]
