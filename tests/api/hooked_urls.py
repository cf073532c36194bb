"""Our addresses as they are where WEBHOOK_SECRET is set."""

from __future__ import annotations

from django.urls import include, path

from dispatcher.urls import handler404, handler500
from dispatcher.urls import urlpatterns as ours

__all__ = ["handler404", "handler500", "urlpatterns"]

urlpatterns = [*ours, path("hooks/", include("dispatcher.api.hooks"))]
