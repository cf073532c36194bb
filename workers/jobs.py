"""What every job has in common: it is named in the log while it runs, counted, and leaves a sign."""

from __future__ import annotations

import time
from typing import Any

from celery import Task
from django.db import InterfaceError, OperationalError

from dispatcher import logs, metrics, signs


class Job(Task):  # type: ignore[misc]
    """The base of all tasks."""

    # A PostgreSQL that is away is told in one line, not in a hundred every few seconds.
    throws = (OperationalError, InterfaceError)

    def __call__(self, *ids: Any, **named: Any) -> Any:
        began = time.monotonic()
        went_well = False
        with logs.about(job=self.name, job_id=self.request.id):
            try:
                answer = super().__call__(*ids, **named)
                went_well = True
            finally:
                metrics.count_job(self.name, time.monotonic() - began, went_well=went_well)
                queue = (self.request.delivery_info or {}).get("routing_key")
                if queue:
                    signs.leave(signs.taken_from(queue))
        return answer
