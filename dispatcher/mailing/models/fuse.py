"""Fuses: refusals that are too many to be believed."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone

from dispatcher.mailing.models.digest import DigestRun
from dispatcher.mailing.models.dispatch import Dispatch


class Fuse(models.Model):
    """A relay refused, or sent back, so many letters of one sending that they wait for the verdict of staff.

    The sending is a dispatch, or all digests of a run. `refused` of those `handed_over` spoke against
    their readers when it was last looked at. Until there is a `verdict` nobody is suppressed for it.
    """

    class Verdict(models.TextChoices):
        BELIEVED = "believed"
        DISMISSED = "dismissed"

    dispatch = models.ForeignKey(Dispatch, models.CASCADE, null=True, related_name="fuses")
    run = models.ForeignKey(DigestRun, models.CASCADE, null=True, related_name="fuses")
    relay = models.CharField(max_length=120)
    handed_over = models.PositiveIntegerField()
    refused = models.PositiveIntegerField()
    blown_at = models.DateTimeField(default=timezone.now)
    verdict = models.CharField(max_length=9, choices=Verdict.choices, blank=True)
    by = models.CharField(max_length=150, blank=True)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["dispatch", "relay"], name="fuse_of_dispatch_once"),
            models.UniqueConstraint(fields=["run", "relay"], name="fuse_of_run_once"),
            models.CheckConstraint(
                condition=models.Q(dispatch__isnull=False, run=None)
                | models.Q(dispatch=None, run__isnull=False),
                name="fuse_of_one_sending",
            ),
        ]

    def __str__(self) -> str:
        return f"fuse {self.pk} of {self.relay}, {self.sending}"

    @property
    def sending(self) -> str:
        """`dispatch 12`, `the digests of run 7`."""
        return (
            f"dispatch {self.dispatch_id}"
            if self.dispatch_id
            else f"the digests of run {self.run_id}"
        )
