"""Whether this worker was told to end. Its processes then give back what they have not handed over.

SIGTERM reaches the main process alone; the processes that carry learn of it from a byte that all share.
"""

from __future__ import annotations

import mmap
from typing import Any

from celery.signals import worker_shutting_down

_told = mmap.mmap(-1, 1)  # shared with what is forked from here (mmap(2), MAP_SHARED)


def is_stopping() -> bool:
    return bool(_told[0])


@worker_shutting_down.connect  # type: ignore[untyped-decorator]
def _tell(**_: Any) -> None:
    _told[0] = 1
