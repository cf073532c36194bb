"""Mail that comes back, as the usual servers write it: every sample says what it should be taken for."""

from __future__ import annotations

from tests.mailing.samples import (
    answers,
    complaints,
    free_form,
    garbage,
    on_the_way,
    providers,
    reports,
)
from tests.mailing.samples.sample import Sample

__all__ = ["ALL", "Sample"]

ALL: tuple[Sample, ...] = (
    *reports.samples(),
    *providers.samples(),
    *on_the_way.samples(),
    *free_form.samples(),
    *complaints.samples(),
    *answers.samples(),
    *garbage.samples(),
)
