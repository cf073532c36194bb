"""Runs of digests, what each digest holds, and what readers are still to get in one."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from dispatcher.audience.models import Subscriber
from dispatcher.briefs.models import Brief, Revision


class DigestRun(models.Model):
    """The digests of a cadence that fell due after `since` and up to `window`.

    Gathered by `holder` until `lease_until`, and finished when every reader due has a delivery.
    """

    class Cadence(models.TextChoices):
        DAILY = "daily"
        WEEKLY = "weekly"

    cadence = models.CharField(max_length=8, choices=Cadence.choices)
    window = models.DateTimeField()
    since = models.DateTimeField()
    opened_at = models.DateTimeField(default=timezone.now)
    holder = models.CharField(max_length=32, blank=True)
    lease_until = models.DateTimeField(null=True)
    letters = models.PositiveIntegerField(default=0)
    readers = models.PositiveIntegerField(default=0)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["cadence", "window"], name="digest_run_once")
        ]

    def __str__(self) -> str:
        return f"{self.cadence} digests of {self.window:%Y-%m-%d %H:%M}"


class DigestBrief(models.Model):
    """A brief that a digest holds: what its readers got of it, and the topics it was matched by."""

    dispatch = models.ForeignKey("dispatcher.Dispatch", models.CASCADE, related_name="contents")
    brief = models.ForeignKey(Brief, models.PROTECT, related_name="digests")
    revision = models.ForeignKey(Revision, models.PROTECT, related_name="+")
    topics = ArrayField(models.BigIntegerField())

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["dispatch", "brief"], name="digest_brief_once")
        ]

    def __str__(self) -> str:
        return f"brief {self.brief_id} in dispatch {self.dispatch_id}"


class Owed(models.Model):
    """A brief that a reader is still to get in a digest; gone as soon as a delivery holds it.

    `dispatch` is the one by which others get it at once: what it was matched by, and its state.
    """

    pk = models.CompositePrimaryKey("subscriber_id", "brief_id")
    subscriber = models.ForeignKey(Subscriber, models.CASCADE, db_index=False, related_name="owed")
    brief = models.ForeignKey(Brief, models.CASCADE, related_name="+")
    dispatch = models.ForeignKey(
        "dispatcher.Dispatch", models.CASCADE, db_index=False, related_name="owed"
    )

    def __str__(self) -> str:
        return f"brief {self.brief_id} to reader {self.subscriber_id}"
