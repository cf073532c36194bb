"""The readers of the trials: who must get a brief by how they were made does get it, and nobody else."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from bench.chaos import people
from dispatcher.audience import suppressing
from dispatcher.briefs.models import Topic
from dispatcher.mailing import dispatching, matching
from dispatcher.mailing.models import Delivery
from tests.makers import make_brief

pytestmark = pytest.mark.django_db


def test_the_audience_is_whom_the_rules_let_through(tmp_path: Path) -> None:
    made = people.write(tmp_path / "readers.csv", 200, random.Random(1))
    people.store(tmp_path / "readers.csv", made)
    brief = make_brief(topics=list(Topic.objects.filter(name__in=people.ABOUT)))
    dispatch = dispatching.release(brief, by="ada")
    matching.match(dispatch.pk)
    rows = Delivery.objects.filter(dispatch=dispatch)
    assert set(rows.values_list("subscriber__address", flat=True)) == made.audience
    assert len(made.audience) == 200
    assert made.suppressed
    assert made.left


def test_an_urgent_brief_has_the_same_audience_and_so_has_the_round_after_refusals(
    tmp_path: Path,
) -> None:
    made = people.write(tmp_path / "readers.csv", 200, random.Random(1))
    people.store(tmp_path / "readers.csv", made)
    for address in sorted(made.audience)[:10]:
        suppressing.suppress(address, reason="it bounced: 5.1.1")
    people.let_in_again(made)
    brief = make_brief(topics=list(Topic.objects.filter(name__in=people.ABOUT)), urgent=True)
    dispatch = dispatching.release(brief, by="ada")
    matching.match(dispatch.pk)
    rows = Delivery.objects.filter(dispatch=dispatch)
    assert set(rows.values_list("subscriber__address", flat=True)) == made.audience


def test_the_same_seed_makes_the_same_readers(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("one.csv", "two.csv", "three.csv")]
    for path, seed in zip(paths, (7, 7, 8), strict=True):
        people.write(path, 50, random.Random(seed))
    one, two, three = (path.read_text() for path in paths)
    assert one == two
    assert one != three
