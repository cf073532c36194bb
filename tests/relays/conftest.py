"""What several tests of relays stand on: a sink for each way of speaking, buckets with a clock of their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.conf import settings

from dispatcher.relays.buckets import Buckets
from tests.relays.clocks import Clock
from tests.relays.ways import Way, sink_of
from tests.sinks import Sink


@pytest.fixture(params=[*Way])
def way(request: pytest.FixtureRequest) -> Way:
    return Way(request.param)


@pytest.fixture
def sink(way: Way) -> Iterator[Sink]:
    with sink_of(way) as running:
        yield running


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def buckets(clock: Clock) -> Buckets:
    return Buckets(settings.REDIS_URL, clock=clock)
