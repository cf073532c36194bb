"""Dispatches, their batches and the deliveries that make up the ledger."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from dispatcher.audience.models import Subscriber
from dispatcher.briefs.models import Brief, Revision
from dispatcher.mailing.models.digest import DigestRun


class Dispatch(models.Model):
    """One released sending.

    A digest is of no one brief: its own are `contents`, and `title` is its subject. Its `topics` are
    those of all of them together.

    `topics` is the brief's reach as released (its topics and what stands above them), `audience` the
    number of deliveries made so far, `excluded` the readers left out by reason, `matched_through`
    the last reader looked at, `letter` the compiled letter. Not `by_mail` means to the feeds alone.
    From `words_gone_at` on what relays said of its letters is no longer kept (see `retention`).
    """

    class Kind(models.TextChoices):
        ALERT = "alert"
        DIGEST = "digest"
        CORRECTION = "correction"

    class State(models.TextChoices):
        SCHEDULED = "scheduled"
        MATCHING = "matching"
        SENDING = "sending"
        PAUSED = "paused"
        DONE = "done"
        CANCELLED = "cancelled"

    class Lane(models.TextChoices):
        URGENT = "urgent"
        ROUTINE = "routine"

    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.ALERT)
    brief = models.ForeignKey(Brief, models.PROTECT, null=True, related_name="dispatches")
    revision = models.ForeignKey(Revision, models.PROTECT, null=True, related_name="+")
    run = models.ForeignKey(DigestRun, models.PROTECT, null=True, related_name="dispatches")
    title = models.CharField(max_length=300, blank=True, default="", db_default="")
    lane = models.CharField(max_length=7, choices=Lane.choices)
    state = models.CharField(max_length=9, choices=State.choices)
    topics = ArrayField(models.BigIntegerField())
    content_hash = models.CharField(max_length=64)
    letter = models.BinaryField()
    by_mail = models.BooleanField(default=True)
    released_by = models.CharField(max_length=150)
    released_at = models.DateTimeField(default=timezone.now)
    scheduled_for = models.DateTimeField(null=True)
    audience = models.PositiveIntegerField(default=0)
    excluded = models.JSONField(default=dict)
    matched_through = models.BigIntegerField(default=0)
    matched_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    words_gone_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            # Two releases at the same moment: the database lets one through. A cancelled one frees the brief.
            models.UniqueConstraint(
                fields=["brief"],
                condition=models.Q(kind="alert") & ~models.Q(state="cancelled"),
                name="dispatch_one_alert_per_brief",
            ),
            models.CheckConstraint(
                condition=models.Q(kind="digest", brief=None, revision=None, run__isnull=False)
                | (
                    ~models.Q(kind="digest") & models.Q(brief__isnull=False, revision__isnull=False)
                ),
                name="dispatch_of_what",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["state"],
                condition=~models.Q(state__in=["done", "cancelled"]),
                name="dispatch_open",
            )
        ]

    def __str__(self) -> str:
        return f"dispatch {self.pk}"

    @property
    def headline(self) -> str:
        """What it is called in lists: its brief's headline, or a digest's subject."""
        return self.title if self.brief is None else self.brief.headline


class Batch(models.Model):
    """A few hundred deliveries that one worker carries under a lease.

    Waiting until `due_at`, carried by `holder` until `lease_until`, done when none of its
    deliveries is waiting, carrying or deferred. `left_by` is a lost holder whose journal is not recorded
    yet. `faults` counts how often carrying it broke down in a row, `fault` says what broke; both are
    empty again once it went well.
    """

    class State(models.TextChoices):
        WAITING = "waiting"
        CARRYING = "carrying"
        DONE = "done"

    dispatch = models.ForeignKey(Dispatch, models.CASCADE, related_name="batches", db_index=False)
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    due_at = models.DateTimeField(default=timezone.now)
    posted_at = models.DateTimeField(default=timezone.now)
    lease_until = models.DateTimeField(null=True)
    holder = models.CharField(max_length=120, blank=True)
    left_by = models.CharField(max_length=120, blank=True, default="", db_default="")
    are_refusals_counted = models.BooleanField(default=False, db_default=False)
    # Batches are written in SQL too, so these have their beginnings in the table itself.
    faults = models.PositiveSmallIntegerField(default=0, db_default=0)
    fault = models.CharField(max_length=300, blank=True, default="", db_default="")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["dispatch", "number"], name="batch_number_unique"),
            models.UniqueConstraint(fields=["dispatch", "id"], name="batch_of_dispatch"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["due_at"], condition=~models.Q(state="done"), name="batch_open"),
            models.Index(
                fields=["id"],
                condition=models.Q(state="done", are_refusals_counted=False),
                name="batch_uncounted",
            ),
        ]

    def __str__(self) -> str:
        return f"batch {self.number} of dispatch {self.dispatch_id}"


class Delivery(models.Model):
    """One dispatch to one reader. `code` is the enhanced status code, `text` the relay's own words."""

    class State(models.TextChoices):
        WAITING = "waiting"
        CARRYING = "carrying"
        ACCEPTED = "accepted"
        DEFERRED = "deferred"
        FAILED = "failed"
        UNKNOWN = "unknown"

    # One key of both columns stands in the table instead of one each: a batch is of its delivery's own
    # dispatch, and a million rows are checked once (migration 0004).
    dispatch = models.ForeignKey(
        Dispatch, models.CASCADE, related_name="deliveries", db_index=False, db_constraint=False
    )
    subscriber = models.ForeignKey(Subscriber, models.PROTECT, related_name="deliveries")
    batch = models.ForeignKey(Batch, models.CASCADE, related_name="deliveries", db_constraint=False)
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True)
    relay = models.CharField(max_length=120, blank=True)
    code = models.CharField(max_length=12, blank=True)
    text = models.CharField(max_length=300, blank=True)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["dispatch", "subscriber"], name="delivery_once")
        ]

    def __str__(self) -> str:
        return f"delivery {self.pk}"


class Act(models.Model):
    """What somebody did to a dispatch: written once, never changed. `note` says of what and how many."""

    class What(models.TextChoices):
        RELEASED = "released"
        PAUSED = "paused"
        RESUMED = "resumed"
        CANCELLED = "cancelled"
        REPLACED = "replaced"  # a digest that was stopped, since it held what was withdrawn then
        SENT_REST = "sent the rest"
        ACCEPTED = "took as accepted"

    dispatch = models.ForeignKey(Dispatch, models.CASCADE, related_name="acts")
    at = models.DateTimeField(default=timezone.now)
    by = models.CharField(max_length=150)
    what = models.CharField(max_length=20, choices=What.choices)
    note = models.CharField(max_length=300, blank=True)

    def __str__(self) -> str:
        return f"dispatch {self.dispatch_id} {self.what} by {self.by}"
