"""Feeds as bytes, ready to be served."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class FeedDocument(models.Model):
    """One feed in one format. `key` is `all` or `topic/SLUG`."""

    key = models.CharField(max_length=120)
    format = models.CharField(max_length=8)
    body = models.BinaryField()
    etag = models.CharField(max_length=80)
    last_modified = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["key", "format"], name="feed_document_unique")
        ]

    def __str__(self) -> str:
        return f"{self.key}.{self.format}"
