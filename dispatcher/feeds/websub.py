"""Push: which hubs feeds name, and telling them what changed."""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings


def hubs() -> tuple[str, ...]:
    """The hubs that feeds name, none when push is off."""
    return (settings.FEED_HUB_URL,) if settings.FEED_HUB_URL else ()


def announce(urls: Sequence[str]) -> None:
    """Have the hubs told that these feeds changed, once this transaction commits."""
