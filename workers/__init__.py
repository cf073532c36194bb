"""The Celery app: `celery -A workers worker -Q urgent,upkeep` and `-Q routine`, `celery -A workers beat`."""

from __future__ import annotations

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dispatcher.settings")
django.setup()

from dispatcher.queue import app  # noqa: E402  Django must be ready first
from workers import schedule, tasks  # noqa: E402

app.conf.beat_schedule = schedule.BEAT

__all__ = ["app", "tasks"]
