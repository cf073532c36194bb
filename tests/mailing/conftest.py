"""A relay for the mailing tests: the sink, as this process's pool sees it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dispatcher.mailing import composing
from dispatcher.relays import pool
from tests.sinks import Sink


@pytest.fixture
def sink(settings: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sink]:
    with Sink() as sink:
        settings.RELAY_URLS = (sink.url,)  # type: ignore[attr-defined]
        own = pool.Pool(pool.configured())
        monkeypatch.setattr(pool, "_pool", own)
        composing.compiled.cache_clear()
        yield sink
        own.close()
