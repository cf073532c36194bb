"""Topics, briefs and their revisions. What a brief says lives in a revision and never changes."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.crypto import get_random_string

from dispatcher.briefs.document import Document, from_json


class Topic(models.Model):
    """What a brief is about and a reader follows. Its slug never changes meaning."""

    slug = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=120)
    aliases = ArrayField(models.CharField(max_length=120), default=list)
    parent = models.ForeignKey("self", models.PROTECT, null=True, related_name="children")
    merged_into = models.ForeignKey("self", models.PROTECT, null=True, related_name="merged")
    retired_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(Lower("name"), name="topic_name_unique")]

    def __str__(self) -> str:
        return self.name


def new_public_id() -> str:
    return get_random_string(10, "23456789abcdefghjkmnpqrstvwxyz")


class TopicAct(models.Model):
    """What somebody did to a topic: written once. `note` is for the topic's readers."""

    class What(models.TextChoices):
        MERGED = "merged"
        RETIRED = "retired"
        REINSTATED = "reinstated"
        RENAMED = "renamed"

    topic = models.ForeignKey(Topic, models.CASCADE, related_name="acts")
    at = models.DateTimeField(default=timezone.now)
    by = models.CharField(max_length=150)
    what = models.CharField(max_length=10, choices=What.choices)
    note = models.CharField(max_length=500, blank=True)

    def __str__(self) -> str:
        return f"topic {self.topic_id} {self.what} by {self.by}"


class Brief(models.Model):
    """One published piece. `topics` are ids; `released` is the revision that readers see.

    `amended_at` is when what they see was last corrected, in whole seconds, and only ever moves on;
    with `withdrawn_at` they see that it was withdrawn, when and why, and no longer what it said.
    """

    public_id = models.CharField(max_length=16, unique=True, default=new_public_id)
    source_id = models.CharField(max_length=200, unique=True)
    headline = models.CharField(max_length=300)
    kind = models.CharField(max_length=80)
    urgent = models.BooleanField(default=False)
    language = models.CharField(max_length=35)
    published_at = models.DateTimeField(null=True)
    topics = ArrayField(models.BigIntegerField(), default=list)
    current = models.ForeignKey("Revision", models.PROTECT, null=True, related_name="+")
    released = models.ForeignKey("Revision", models.PROTECT, null=True, related_name="+")
    released_at = models.DateTimeField(null=True)
    amended_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes: ClassVar = [
            GinIndex(fields=["topics"], name="brief_topics"),
            models.Index(fields=["-released_at", "-id"], name="brief_released"),
        ]

    def __str__(self) -> str:
        return self.headline


class Revision(models.Model):
    """What a brief says from some moment on. `note` says what changed, of a retraction why.

    A correction, retagging or retraction is of what was public already, and public at once.
    """

    class Change(models.TextChoices):
        FIRST = "first"
        EDIT = "edit"
        CORRECTION = "correction"
        RETAGGING = "retagging"
        RETRACTION = "retraction"

    brief = models.ForeignKey(Brief, models.CASCADE, related_name="revisions", db_index=False)
    number = models.PositiveIntegerField()
    change = models.CharField(max_length=12, choices=Change.choices)
    content = models.JSONField()
    source = models.TextField(blank=True)  # as it was handed in, to be changed and handed in again
    content_hash = models.CharField(max_length=64)
    by = models.CharField(max_length=150)
    at = models.DateTimeField(default=timezone.now)
    note = models.TextField(blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["brief", "number"], name="revision_number_unique")
        ]

    def __str__(self) -> str:
        return f"revision {self.number} of {self.brief_id}"

    @property
    def document(self) -> Document:
        return from_json(self.content)
