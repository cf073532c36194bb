"""What came back about letters."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from dispatcher.audience.models import Subscriber
from dispatcher.mailing.models.dispatch import Delivery
from dispatcher.mailing.models.fuse import Fuse
from dispatcher.mailing.models.notice import Notice


class Receipt(models.Model):
    """What came back about a letter: believed for that letter and its reader, or else a note for staff.

    A note names no letter: somebody says so of an `address`, and nothing follows from it. Of one kind a
    letter has one receipt, however often and by whatever way it is reported; `digest` tells notes apart.
    One that is held waits for what its `fuse` asks for.
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
    fuse = models.ForeignKey(
        Fuse, models.SET_NULL, null=True, related_name="receipts", db_index=False
    )
    is_held = models.BooleanField(default=False, db_default=False)
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
        indexes: ClassVar = [
            models.Index(fields=["at"], name="receipt_at"),
            models.Index(Lower("address"), name="receipt_address"),
            models.Index(
                fields=["fuse"], condition=models.Q(fuse__isnull=False), name="receipt_fuse"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.address} {self.at:%Y-%m-%d}"
