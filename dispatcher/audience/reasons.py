"""Why readers left, if they cared to say, and the sums that staff see."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from django.db.models import Count
from django.utils import timezone

from dispatcher.audience import consent
from dispatcher.audience.models import LeavingReason, Subscriber
from dispatcher.translating import later

Reason = LeavingReason.Reason
WORDS: Mapping[str, str] = {
    Reason.TOO_MANY: later("Too many letters"),
    Reason.NOT_FOR_ME: later("Not what I expected"),
    Reason.NEVER_ASKED: later("I did not ask for them"),
    Reason.ELSEWHERE: later("I read the briefs elsewhere"),
    Reason.OTHER: later("Something else"),
}
PERIOD = timedelta(days=90)


def keep(reader_id: int, reason: str, words: str = "") -> bool:
    """Keep why this reader left, in place of what they said before; whether it could be.

    A reason of no list is kept as another one if it has words. A reader who is gone says nothing.
    """
    words = consent.one_line(words, most=500)
    if reason not in WORDS:
        reason = Reason.OTHER if words else ""
    if not reason or not Subscriber.objects.filter(pk=reader_id).exists():
        return False
    LeavingReason.objects.update_or_create(
        subscriber_id=reader_id,
        defaults={"reason": reason, "words": words, "at": timezone.now()},
    )
    return True


def sums() -> list[tuple[str, int]]:
    """Of the last 90 days, each reason in words with the number of readers, the most frequent first."""
    rows = LeavingReason.objects.filter(at__gte=timezone.now() - PERIOD)
    counted = rows.values_list("reason").annotate(number=Count("pk")).order_by("-number", "reason")
    return [(WORDS[reason], number) for reason, number in counted]


def said(limit: int = 20) -> list[LeavingReason]:
    """What readers wrote themselves, the last first."""
    return list(LeavingReason.objects.exclude(words="").order_by("-at")[:limit])
