"""Dispatches, their batches and the deliveries that make up the ledger."""

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


class DigestBrief(models.Model):
    """A brief that a digest holds: what its readers got of it, and the topics it was matched by."""

    dispatch = models.ForeignKey(Dispatch, models.CASCADE, related_name="contents")
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
    dispatch = models.ForeignKey(Dispatch, models.CASCADE, db_index=False, related_name="owed")

    def __str__(self) -> str:
        return f"brief {self.brief_id} to reader {self.subscriber_id}"


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
        SENT_REST = "sent the rest"
        ACCEPTED = "took as accepted"

    dispatch = models.ForeignKey(Dispatch, models.CASCADE, related_name="acts")
    at = models.DateTimeField(default=timezone.now)
    by = models.CharField(max_length=150)
    what = models.CharField(max_length=20, choices=What.choices)
    note = models.CharField(max_length=300, blank=True)

    def __str__(self) -> str:
        return f"dispatch {self.dispatch_id} {self.what} by {self.by}"


class Notice(models.Model):
    """A letter about a reader's own affairs to one address, in no ledger: sent once, then settled.

    `link` is the one that it is about, `facts` are what its templates are told besides. Sending has a
    `holder` until `lease_until`. `next_attempt_at` is when it may go, `attempts` those begun.
    """

    class Kind(models.TextChoices):
        CONFIRM = "confirm"
        WELCOME = "welcome"
        ADDRESS = "address"  # to the new address, before it is one
        MOVED = "moved"  # to the old one
        FAREWELL = "farewell"

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


class Receipt(models.Model):
    """What came back about a letter: believed for that letter and its reader, or else a note for staff.

    A note names no letter: somebody says so of an `address`, and nothing follows from it. Of one kind a
    letter has one receipt, however often and by whatever way it is reported; `digest` tells notes apart.
    """

    class Kind(models.TextChoices):
        HARD = "hard bounce"
        SOFT = "soft bounce"
        POLICY = "refused by policy"
        COMPLAINT = "complaint"
        OPT_OUT = "opt-out"
        FEEDBACK = "feedback"
        NOTE = "note"

    kind = models.CharField(max_length=20, choices=Kind.choices)
    delivery = models.ForeignKey(
        Delivery, models.SET_NULL, null=True, related_name="receipts", db_index=False
    )
    notice = models.ForeignKey(
        Notice, models.SET_NULL, null=True, related_name="receipts", db_index=False
    )
    subscriber = models.ForeignKey(Subscriber, models.SET_NULL, null=True, related_name="receipts")
    address = models.CharField(max_length=320, blank=True)
    status = models.CharField(max_length=12, blank=True)
    diagnostic = models.CharField(max_length=300, blank=True)
    source = models.CharField(max_length=40)
    digest = models.CharField(max_length=64, blank=True)
    has_suppressed = models.BooleanField(default=False)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["delivery", "kind"],
                condition=models.Q(delivery__isnull=False),
                name="receipt_of_delivery_once",
            ),
            models.UniqueConstraint(
                fields=["notice", "kind"],
                condition=models.Q(notice__isnull=False),
                name="receipt_of_notice_once",
            ),
            models.UniqueConstraint(
                fields=["digest"], condition=~models.Q(digest=""), name="receipt_note_once"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["at"], name="receipt_at")]

    def __str__(self) -> str:
        return f"{self.kind} {self.address} {self.at:%Y-%m-%d}"
