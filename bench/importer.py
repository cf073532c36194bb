"""`python -m bench.importer FILE`: one import in a process of its own; prints its seconds and peak memory."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import django

from bench.services import peak_mb

if __name__ == "__main__":
    django.setup()
    from dispatcher.audience.importing import import_csv

    began = time.perf_counter()
    done = import_csv(Path(sys.argv[1]), source="the benchmark")
    seconds = time.perf_counter() - began
    if done.rejected or done.readers != done.rows:
        raise SystemExit(f"{done.rejected} of {done.rows} rows were rejected")
    print(json.dumps({"seconds": seconds, "mb": peak_mb(os.getpid())}))
