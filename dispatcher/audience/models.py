"""Readers, their rules, what they consented to, and the addresses that must not be mailed."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models.functions import Lower
from django.utils.timezone import now


class Subscriber(models.Model):
    """A reader. The address keeps its local part as given and its domain in A-label form.

    `is_suppressed` says that a suppression names the address, in any spelling of its case. A trigger
    sets it whenever either row is written, so whatever else is written there is put right. Links to the
    reader's page hold while they carry the `link_version`.
    """

    class State(models.TextChoices):
        PENDING = "pending"
        ACTIVE = "active"
        LEFT = "left"

    address = models.CharField(max_length=320)
    name = models.CharField(max_length=200, blank=True)
    language = models.CharField(max_length=35, default="en")
    timezone = models.CharField(max_length=64, default="UTC")
    state = models.CharField(max_length=8, choices=State.choices, default=State.PENDING)
    # When digests come, by the reader's own clock; 0 is Monday. Urgent briefs need not wait for one.
    digest_hour = models.PositiveSmallIntegerField(default=8, db_default=8)
    digest_weekday = models.PositiveSmallIntegerField(default=0, db_default=0)
    urgent_at_once = models.BooleanField(default=True, db_default=True)
    is_suppressed = models.BooleanField(db_default=False, editable=False)
    paused_until = models.DateTimeField(null=True)
    link_version = models.PositiveIntegerField(default=0, db_default=0)
    feed_version = models.PositiveIntegerField(default=0, db_default=0)  # of the reader's own feed
    created_at = models.DateTimeField(default=now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(Lower("address"), name="subscriber_address_unique"),
            models.CheckConstraint(
                condition=models.Q(digest_hour__lte=23, digest_weekday__lte=6),
                name="subscriber_digest_time",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["id"],
                include=["state", "is_suppressed", "paused_until"],
                condition=~models.Q(state="active")
                | models.Q(is_suppressed=True)
                | models.Q(paused_until__isnull=False),
                name="subscriber_not_mailed",
            ),
            models.Index(fields=["language"], name="subscriber_language"),
        ]

    def __str__(self) -> str:
        return self.address


class Subscription(models.Model):
    """A reader's rule. It is live until `ended_at` is set, and never deleted.

    `match=all` of no topics is satisfied by every brief: that is the rule "everything". A rule is
    plain when it asks for any of its topics and excepts none, as nearly all do.
    """

    class Match(models.TextChoices):
        ANY = "any"
        ALL = "all"

    class Cadence(models.TextChoices):
        AT_ONCE = "at once"
        DAILY = "daily"
        WEEKLY = "weekly"

    subscriber = models.ForeignKey(Subscriber, models.CASCADE, related_name="subscriptions")
    match = models.CharField(max_length=3, choices=Match.choices, default=Match.ANY)
    topics = ArrayField(models.BigIntegerField(), default=list)
    except_topics = ArrayField(models.BigIntegerField(), default=list)
    cadence = models.CharField(max_length=8, choices=Cadence.choices, default=Cadence.AT_ONCE)
    source = models.CharField(max_length=80)
    started_at = models.DateTimeField(default=now)
    ended_at = models.DateTimeField(null=True)
    ended_reason = models.CharField(max_length=80, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=~models.Q(match="any", topics=[]), name="subscription_any_of_something"
            ),
            models.UniqueConstraint(
                fields=["subscriber", "match", "topics", "except_topics", "cadence"],
                condition=models.Q(ended_at=None),
                name="subscription_live_once",
            ),
        ]
        indexes: ClassVar = [
            GinIndex(
                fields=["topics"], name="subscription_topics", condition=models.Q(ended_at=None)
            ),
            # The rules that are not plain, judged one by one without a look at their rows.
            models.Index(
                fields=["subscriber"],
                include=["match", "topics", "except_topics"],
                condition=models.Q(ended_at=None, cadence="at once")
                & (models.Q(match="all") | ~models.Q(except_topics=[])),
                name="subscription_not_plain",
            ),
            # The rules of digests, judged likewise, and those that ended lately: a release may just be
            # looking for its readers.
            models.Index(
                fields=["subscriber"],
                include=["match", "topics", "except_topics"],
                condition=models.Q(ended_at=None) & ~models.Q(cadence="at once"),
                name="subscription_of_digest",
            ),
            models.Index(
                fields=["ended_at"],
                condition=~models.Q(ended_at=None) & ~models.Q(cadence="at once"),
                name="subscription_digest_ended",
            ),
        ]

    def __str__(self) -> str:
        return f"rule {self.pk} of {self.subscriber_id}"


class Following(models.Model):
    """One topic of a live, plain rule at once: who gets a brief on it, in the order of readers.

    Triggers write these rows whenever a subscription is written, nobody else does. Among a million
    readers they count an audience in a sixth of the time that the array of topics took.
    """

    pk = models.CompositePrimaryKey("topic_id", "subscriber_id", "subscription_id")
    topic_id = models.BigIntegerField()
    subscriber_id = models.BigIntegerField()
    subscription_id = models.BigIntegerField()

    def __str__(self) -> str:
        return f"topic {self.topic_id} of rule {self.subscription_id}"


class Consent(models.Model):
    """What a reader agreed to or took back, one row per act; rows are only ever added."""

    class Act(models.TextChoices):
        ASKED = "asked"
        CONFIRMED = "confirmed"
        IMPORTED = "imported"
        ADDED = "added by staff"
        LEFT = "left"
        RETURNED = "returned"
        CHANGED = "changed"
        MOVED = "moved"
        ERASED = "erased"
        PAUSED = "paused"
        RESUMED = "resumed"

    subscriber = models.ForeignKey(Subscriber, models.CASCADE, related_name="consents")
    act = models.CharField(max_length=16, choices=Act.choices)
    source = models.CharField(max_length=200)
    wording = models.CharField(max_length=40, blank=True)
    ip_hash = models.CharField(max_length=64, blank=True)
    at = models.DateTimeField(default=now)

    def __str__(self) -> str:
        return f"{self.act} {self.at:%Y-%m-%d}"


class Suppression(models.Model):
    """An address that must not be mailed; it outlives the reader."""

    address = models.CharField(max_length=320)
    reason = models.CharField(max_length=80)
    at = models.DateTimeField(default=now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(Lower("address"), name="suppression_address_unique")
        ]

    def __str__(self) -> str:
        return f"{self.address}: {self.reason}"


class SuppressionAct(models.Model):
    """An address put on the list of those not mailed, or taken off it: written once, never changed."""

    class What(models.TextChoices):
        SUPPRESSED = "suppressed"
        LIFTED = "lifted"

    address = models.CharField(max_length=320)
    what = models.CharField(max_length=10, choices=What.choices)
    reason = models.CharField(max_length=80)
    by = models.CharField(max_length=80, blank=True)
    at = models.DateTimeField(default=now)

    class Meta:
        indexes: ClassVar = [models.Index(Lower("address"), name="suppression_act_address")]

    def __str__(self) -> str:
        return f"{self.address} {self.what}: {self.reason}"


class SignUp(models.Model):
    """What somebody asked for at an address, kept until the button behind its link is pressed.

    It makes nobody a reader. `topics`, `except_topics`, `match` and `cadence` are the rule asked for;
    `wording` says which sentences were agreed to, `ip_hash` whence, under a key.
    """

    address = models.CharField(max_length=320)
    name = models.CharField(max_length=200, blank=True)
    language = models.CharField(max_length=35, default="en")
    timezone = models.CharField(max_length=64, default="UTC")
    match = models.CharField(max_length=3, choices=Subscription.Match.choices)
    topics = ArrayField(models.BigIntegerField(), default=list)
    except_topics = ArrayField(models.BigIntegerField(), default=list)
    cadence = models.CharField(max_length=8, choices=Subscription.Cadence.choices)
    source = models.CharField(max_length=80)
    wording = models.CharField(max_length=40)
    ip_hash = models.CharField(max_length=64, blank=True)
    asked_at = models.DateTimeField(default=now)
    confirmed_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=~models.Q(match="any", topics=[]), name="sign_up_any_of_something"
            )
        ]
        indexes: ClassVar = [models.Index(fields=["asked_at"], name="sign_up_asked")]

    def __str__(self) -> str:
        return f"sign-up {self.pk} of {self.asked_at:%Y-%m-%d}"


class AddressChange(models.Model):
    """A new address that a reader asked for; it counts once the button behind its link is pressed.

    Until then it is worth what the link was that asked: it ends with the reader's `link_version`.
    """

    subscriber = models.ForeignKey(Subscriber, models.CASCADE, related_name="address_changes")
    address = models.CharField(max_length=320)
    link_version = models.PositiveIntegerField()
    asked_at = models.DateTimeField(default=now)
    confirmed_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"change {self.pk} of {self.asked_at:%Y-%m-%d}"


class LeavingReason(models.Model):
    """Why a reader left, if they cared to say; the last one of each."""

    class Reason(models.TextChoices):
        TOO_MANY = "too many"
        NOT_FOR_ME = "not for me"
        NEVER_ASKED = "never asked"
        ELSEWHERE = "elsewhere"
        OTHER = "other"

    subscriber = models.OneToOneField(Subscriber, models.CASCADE, related_name="leaving_reason")
    reason = models.CharField(max_length=12, choices=Reason.choices)
    words = models.CharField(max_length=500, blank=True)
    at = models.DateTimeField(default=now)

    def __str__(self) -> str:
        return f"{self.reason} {self.at:%Y-%m-%d}"
