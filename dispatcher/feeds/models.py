"""What the feeds know of briefs, which feeds are kept, and their bytes, ready to be served."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models

from dispatcher.audience.models import Subscription
from dispatcher.briefs.models import Brief, Revision, Topic


class Publication(models.Model):
    """A brief as the feeds know it: the row says that every feed it belongs to has been told.

    `reach` are the ids that rules are held against. `updated_at` is a whole second that no other
    publication has; it moves with a correction or a withdrawal and with nothing else. `month` is the
    archive it stands in for good.
    """

    brief = models.OneToOneField(Brief, models.CASCADE, related_name="publication")
    revision = models.ForeignKey(Revision, models.PROTECT, related_name="+", db_index=False)
    topics = ArrayField(models.BigIntegerField())
    reach = ArrayField(models.BigIntegerField())
    kind = models.CharField(max_length=80)  # as a web name
    urgent = models.BooleanField()
    month = models.CharField(max_length=7)
    told_at = (
        models.DateTimeField()
    )  # the brief's own moment of change that `updated_at` was made from
    updated_at = models.DateTimeField(unique=True)
    stamp = models.BigIntegerField(
        default=1
    )  # raised whenever anything that an entry shows has changed
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [
            GinIndex(fields=["reach"], name="publication_reach"),
            models.Index(fields=["month"], name="publication_month"),
        ]

    def __str__(self) -> str:
        return f"publication of {self.brief_id}"


class ToldTopic(models.Model):
    """A topic as the feeds know it: the row says that every feed it matters to has been told."""

    topic = models.OneToOneField(Topic, models.CASCADE, primary_key=True, related_name="+")
    name = models.CharField(max_length=120)
    parent = models.BigIntegerField(null=True)
    merged_into = models.BigIntegerField(null=True)
    is_retired = models.BooleanField()

    def __str__(self) -> str:
        return self.name


class FeedChannel(models.Model):
    """A feed that is kept, whatever its format. Its columns are those of a rule, and two more.

    Every publishing that touches it raises `version`; a document of a lower one is stale.
    """

    key = models.CharField(max_length=700, unique=True)
    match = models.CharField(max_length=3, choices=Subscription.Match.choices)
    topics = ArrayField(models.BigIntegerField())
    except_topics = ArrayField(models.BigIntegerField())
    kind = models.CharField(max_length=80, blank=True)  # none: any
    kind_name = models.CharField(max_length=80, blank=True)  # as briefs write it
    urgent = models.BooleanField(default=False)  # whether it holds urgent briefs alone
    is_standing = models.BooleanField()  # a combination is not: it may go
    version = models.BigIntegerField(default=1)
    asked_at = models.DateTimeField()  # to the day: who is not asked for is not kept

    def __str__(self) -> str:
        return self.key


class FeedDocument(models.Model):
    """One channel in one format, live or of a month, in each content coding that is made of it.

    The plain bytes are those that `gzip` unpacks to; `br` is made by workers and may be missing.
    """

    channel = models.ForeignKey(
        FeedChannel, models.CASCADE, related_name="documents", db_index=False
    )
    format = models.CharField(max_length=8)
    month = models.CharField(max_length=7, blank=True)  # none: the live feed
    gzip = models.BinaryField()
    br = models.BinaryField()
    etag = models.CharField(max_length=80)  # of the plain bytes
    last_modified = models.DateTimeField()
    version = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["channel", "format", "month"], name="feed_document_unique"
            )
        ]

    def __str__(self) -> str:
        return f"{self.channel_id}{self.month and '/'}{self.month}.{self.format}"


class FeedGeneration(models.Model):
    """One row: how often anything was published. Who saw this number has seen all there is.

    `made_as` stands for what is in every feed and in no row: our name, address, and version.
    """

    number = models.BigIntegerField(default=0)
    made_as = models.CharField(max_length=64, blank=True)

    def __str__(self) -> str:
        return str(self.number)
