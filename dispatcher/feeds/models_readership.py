"""How many readers a feed seems to have, day by day; estimates that name nobody."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class FeedReadership(models.Model):
    """One channel on one day in UTC: readers that aggregators spoke of, and different pollers."""

    channel = models.TextField()
    day = models.DateField()
    aggregated = models.PositiveIntegerField()
    pollers = models.PositiveIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["day", "channel"], name="feed_readership_unique")
        ]

    def __str__(self) -> str:
        return f"{self.channel} on {self.day:%Y-%m-%d}"
