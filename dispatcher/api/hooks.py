"""Webhooks of mail APIs: what they tell of a letter, read and authenticated by django-anymail.

A letter that went by an API carries its return path as metadata, so an event names it as a bounce does.
"""

from __future__ import annotations

from typing import Any

from anymail.signals import AnymailTrackingEvent, tracking
from django.dispatch import receiver
from django.urls import URLPattern, URLResolver, include, path

from dispatcher.mailing import receipts
from dispatcher.mailing.models import Receipt

# What Anymail calls things, and what they come to. An API's "rejected" letter never left it.
_KINDS = {
    "complained": Receipt.Kind.COMPLAINT,
    "unsubscribed": Receipt.Kind.OPT_OUT,
}
_BOUNCES = frozenset(("bounced", "failed"))

urlpatterns: list[URLPattern | URLResolver] = [path("", include("anymail.urls"))]


@receiver(tracking)
def receive(event: AnymailTrackingEvent, esp_name: str, **_: Any) -> None:
    """Count what an authenticated event says; repeats count once. A fault is a 500: it comes again."""
    kind = _KINDS.get(event.event_type, "")
    if not kind and event.event_type not in _BOUNCES:
        return
    words = str(event.mta_response or event.description or event.reject_reason or "")
    receipts.take_event(
        return_path=str((event.metadata or {}).get("return_path", "")),
        recipient=str(event.recipient or ""),
        kind=kind,
        words=words,
        source=f"webhook of {esp_name}",
        number=str(event.event_id or ""),
    )
