"""`dispatcher feeds reach`."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from dispatcher.feeds.models_reach import FeedReach
from tests.cli.conftest import Run

pytestmark = pytest.mark.django_db(transaction=True)


def test_readers_of_feeds_are_told_as_a_table_and_as_json(run: Run) -> None:
    assert "No day with readers of feeds is over yet" in run("feeds", "reach").out
    assert json.loads(run("feeds", "reach", "--json").out) == []
    yesterday = timezone.now().date() - timedelta(days=1)
    FeedReach.objects.create(channel="all", day=yesterday, aggregated=1200, pollers=34)
    assert "1,234" in run("feeds", "reach").out
    assert json.loads(run("feeds", "reach", "--json").out) == [
        {"channel": "all", "week": 1234, "month": 1234, "aggregated": 1200}
    ]
