"""A week of readers, releases and digests at random, with a run cut off now and then: each brief once."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from bench.digests_week import Week
from dispatcher.mailing import digests, matching
from dispatcher.mailing.models import Delivery, DigestRun, Dispatch, Owed

pytestmark = pytest.mark.django_db
STEP = timedelta(minutes=15)
LATE = 12  # of these between two looks, so that several hours fall due together


@pytest.mark.parametrize(
    "begin", [datetime(2026, 3, 26, tzinfo=UTC), datetime(2026, 10, 22, tzinfo=UTC)]
)
def test_every_brief_comes_once_to_every_reader_through_a_week_in_which_clocks_change(
    begin: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(7)
    week = Week(chance, readers=48, topics=12)
    monkeypatch.setattr(digests, "AT_ONCE", 3)
    keep = digests._keep
    releases = sorted(chance.randrange(7 * 96) for _ in range(12))
    for step in range(0, 15 * 96, LATE):
        for _ in range(sum(step <= at < step + LATE for at in releases)):
            matching.match(week.release(urgent=chance.random() < 0.1).pk)
        if step % 96 == 0:
            week.change_cadences(share=0.1)
            week.move(share=0.1)
        digests.open_due(begin + step * STEP)
        for run in DigestRun.objects.filter(finished_at=None):
            with monkeypatch.context() as patch:
                patch.setattr(digests, "_keep", lambda run: chance.random() < 0.5 and keep(run))
                digests.gather(run.pk)
            DigestRun.objects.filter(pk=run.pk).update(lease_until=None)
            digests.gather(run.pk)
    rows = Delivery.objects.order_by()
    came = Counter(rows.filter(dispatch__kind="alert").values_list("subscriber", "dispatch__brief"))
    of_digests = rows.filter(dispatch__kind="digest")
    came.update(of_digests.values_list("subscriber", "dispatch__contents__brief"))
    assert dict(came) == dict.fromkeys(week.wanted, 1)
    assert of_digests.count() > 50
    assert not Owed.objects.exists()
    assert not DigestRun.objects.filter(finished_at=None).exists()
    assert Dispatch.objects.filter(kind="digest", audience=0).count() == 0
