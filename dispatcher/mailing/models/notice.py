"""Letters about readers' own affairs."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone

from dispatcher.audience.models import Subscriber


class Notice(models.Model):
    """A letter about a reader's own affairs to one address, in no ledger: sent once, then settled.

    `link` is the one that it is about, `facts` are what its templates are told besides. Sending has a
    `holder` until `lease_until`. `next_attempt_at` is when it may go, `attempts` those begun.
    `by` is who had it sent, where that was not the reader.
    """

    class Kind(models.TextChoices):
        CONFIRM = "confirm"
        WELCOME = "welcome"
        ADDRESS = "address"  # to the new address, before it is one
        MOVED = "moved"  # to the old one
        FAREWELL = "farewell"
        PAGE = "page"  # the link to the reader's page, sent by staff

    class State(models.TextChoices):
        WAITING = "waiting"
        SENDING = "sending"
        ACCEPTED = "accepted"
        DEFERRED = "deferred"
        FAILED = "failed"
        UNKNOWN = "unknown"

    kind = models.CharField(max_length=10, choices=Kind.choices)
    address = models.CharField(max_length=320)
    language = models.CharField(max_length=35, default="en")
    reader = models.ForeignKey(Subscriber, models.SET_NULL, null=True, related_name="notices")
    link = models.CharField(max_length=900, blank=True)
    facts = models.JSONField(default=dict)
    by = models.CharField(max_length=80, blank=True, default="", db_default="")
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(default=timezone.now)
    posted_at = models.DateTimeField(default=timezone.now)
    lease_until = models.DateTimeField(null=True)
    holder = models.CharField(max_length=32, blank=True)
    relay = models.CharField(max_length=120, blank=True)
    code = models.CharField(max_length=12, blank=True)
    text = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(
                fields=["posted_at"],
                condition=models.Q(state__in=["waiting", "sending", "deferred"]),
                name="notice_open",
            )
        ]

    def __str__(self) -> str:
        return f"notice {self.pk} ({self.kind})"
