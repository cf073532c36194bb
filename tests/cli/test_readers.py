"""Readers found from the command line."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from dispatcher.audience import suppressing
from dispatcher.audience.models import Subscriber
from dispatcher.mailing import erasing
from tests.cli.conftest import Run
from tests.makers import make_reader, make_topic

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def readers() -> None:
    tides, fog = make_topic("Tides"), make_topic("Fog")
    make_reader("ada@example.org", any_of=[tides, fog], name="Ada")
    make_reader("ben@example.org", all_of=(), cadence="daily", state="left")
    suppressing.suppress(make_reader("cat@example.org", any_of=[tides]).address, reason="complaint")
    resting = make_reader("dan@example.org")
    later = timezone.now() + timedelta(days=3)
    Subscriber.objects.filter(pk=resting.pk).update(paused_until=later)
    erasing.erase(make_reader("eve@example.org").pk, by="a test")


def found(run: Run, *arguments: str) -> list[str]:
    rows = json.loads(run("reader", "list", "--json", *arguments).out)
    return [row["address"].partition("@")[0] for row in rows]


def test_readers_are_listed_newest_first_and_sifted(run: Run, readers: None) -> None:
    assert found(run)[1:] == ["dan", "cat", "ben", "ada"]
    assert found(run, "--search", "BEN@") == ["ben"]
    assert found(run, "--state", "active") == ["dan", "ada"]
    assert found(run, "--state", "paused") == ["dan"]
    assert "cat" in found(run, "--state", "suppressed")
    assert found(run, "--state", "left") == ["ben"]
    assert found(run, "--topic", "tides") == ["cat", "ada"]
    assert found(run, "--topic", "tides", "--state", "active", "--limit", "1") == ["ada"]


def test_the_list_reads_as_a_table_and_says_that_there_are_more(run: Run, readers: None) -> None:
    said = run("reader", "list", "--search", "@example.org", "--limit", "3")
    assert "suppressed  Tides, at once" in said.out
    assert "left        every brief, daily" in said.out
    assert "There are more" in said.err
    assert "There are more" not in run("reader", "list").err
    assert "erased" in run("reader", "list", "--limit", "1").out


def test_an_empty_list_says_how_to_go_on(run: Run) -> None:
    assert "dispatcher reader import FILE" in run("reader", "list").out
    assert run("reader", "list", "--search", "x").out == "No reader is like that.\n"
    assert run("reader", "list", "--json").out == "[]\n"


def test_what_cannot_be_asked_is_refused(run: Run) -> None:
    assert run("reader", "list", "--topic", "Nope").status == 1
    said = run("reader", "list", "--state", "happy")
    assert said.status == 2
    assert "pending, active, left, paused, suppressed" in said.err
