"""What the hub knows: feeds that somebody wants pushed, who does, and what is yet to be asked or told."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone


class Errand(models.Model):
    """A call to somebody else's server that is to be made, and how the last attempt went.

    It is due at `due_at` and has a `holder` until `lease_until`; `attempts` are those begun since it last
    went well. `said` is how it last failed, empty while all is well.
    """

    host = models.CharField(max_length=255)
    due_at = models.DateTimeField(default=timezone.now)
    posted_at = models.DateTimeField(default=timezone.now)
    attempts = models.PositiveSmallIntegerField(default=0)
    holder = models.CharField(max_length=32, blank=True)
    lease_until = models.DateTimeField(null=True)
    said = models.CharField(max_length=300, blank=True)

    class Meta:
        abstract = True


class HubTopic(models.Model):
    """A feed's address that is pushed or told of; `event` counts the times it has changed since then."""

    url = models.CharField(max_length=2_000, unique=True)
    event = models.BigIntegerField(default=0)
    announced_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.url


class HubRequest(Errand):
    """What a callback is asked or told, the last such thing only; gone once it is answered.

    `denied` is not asked but told: the hub has ended or refused the subscription, `reason` says why.
    """

    class Mode(models.TextChoices):
        SUBSCRIBE = "subscribe"
        UNSUBSCRIBE = "unsubscribe"
        DENIED = "denied"

    mode = models.CharField(max_length=11, choices=Mode.choices)
    topic = models.ForeignKey(HubTopic, models.CASCADE, related_name="requests")
    callback = models.CharField(max_length=2_000)
    secret = models.CharField(max_length=199, blank=True)
    lease_seconds = models.PositiveIntegerField(default=0)
    reason = models.CharField(max_length=200, blank=True)
    visitor = models.CharField(max_length=24, blank=True)  # hashed; none: the hub itself
    asked_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["topic", "callback"], name="hub_request_unique")
        ]
        indexes: ClassVar = [
            models.Index(fields=["posted_at"], name="hub_request_posted"),
            models.Index(fields=["visitor"], name="hub_request_visitor"),
        ]

    def __str__(self) -> str:
        return f"{self.mode} {self.pk}"


class HubSubscription(Errand):
    """A callback that gets a feed pushed until `expires_at`; behind while `told` is before its event."""

    class Reason(models.TextChoices):
        UNSUBSCRIBED = "unsubscribed"
        GONE = "gone"  # the callback answered 410
        EXPIRED = "expired"
        FEED_ENDED = "feed ended"

    topic = models.ForeignKey(HubTopic, models.CASCADE, related_name="subscriptions")
    callback = models.CharField(max_length=2_000)
    secret = models.CharField(max_length=199, blank=True)
    expires_at = models.DateTimeField()
    told = models.BigIntegerField(default=0)
    told_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)
    ended_reason = models.CharField(max_length=12, choices=Reason.choices, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["topic", "callback"], name="hub_subscription_unique")
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["host", "due_at"],
                condition=models.Q(ended_at=None),
                name="hub_subscription_live",
            ),
            models.Index(
                fields=["host"],
                condition=models.Q(lease_until__isnull=False),
                name="hub_subscription_held",
            ),
        ]

    def __str__(self) -> str:
        return f"hub subscription {self.pk}"


class HubPing(Errand):
    """A foreign hub that is told when a feed has changed; behind while `told` is before its event."""

    topic = models.ForeignKey(HubTopic, models.CASCADE, related_name="pings")
    hub = models.CharField(max_length=500)
    told = models.BigIntegerField(default=0)
    told_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["topic", "hub"], name="hub_ping_unique")
        ]

    def __str__(self) -> str:
        return f"ping {self.pk}"
