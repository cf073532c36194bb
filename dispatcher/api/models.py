"""Bearer tokens of the API. Only a token's hash is kept."""

from __future__ import annotations

from django.db import models
from django.utils import timezone


class ApiToken(models.Model):
    name = models.CharField(max_length=80, unique=True)
    token_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name
