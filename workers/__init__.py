"""The Celery app: `celery -A workers worker -Q urgent,upkeep` and `-Q routine`, `celery -A workers beat`."""

from __future__ import annotations

import os
from typing import Any

import django
from celery.signals import setup_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dispatcher.settings")
django.setup()

from dispatcher import metrics  # noqa: E402  Django must be ready first
from dispatcher.mailing import sealing  # noqa: E402
from dispatcher.queue import app  # noqa: E402
from workers import schedule, tasks  # noqa: E402
from workers.presence import Presence  # noqa: E402

app.conf.beat_schedule = schedule.BEAT
app.steps["consumer"].add(Presence)
metrics.bury_dead()
sealing.signer()  # a key that cannot be used is told now, and not by the first letter

__all__ = ["app", "tasks"]


@setup_logging.connect  # type: ignore[untyped-decorator]
def _as_the_settings_say(**_: Any) -> None:
    """Celery leaves the log alone once somebody listens here: all lines look alike, and are as loud."""
