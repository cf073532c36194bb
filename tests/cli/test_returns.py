"""What came back, who is not mailed, and what is not kept, from the command line."""

from __future__ import annotations

import json

import pytest
from django.db import connection

from dispatcher.audience import consent
from dispatcher.audience.models import Subscriber, Suppression
from dispatcher.mailing import refusals
from dispatcher.mailing.models import Batch, Notice, Receipt
from tests.cli.conftest import Run
from tests.mailing.samples.sample import READER
from tests.mailing.test_receipts import NOBODY_THERE, about, deliver
from tests.makers import make_deliveries, make_dispatch, make_reader, make_topic

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def reader() -> Subscriber:
    return make_reader(READER, any_of=[make_topic("Tides")])


def test_a_bounce_by_pipe_is_counted_and_listed(run: Run, reader: Subscriber) -> None:
    bounce = about(NOBODY_THERE, deliver(reader)).decode()
    said = run("bounce", stdin=bounce)
    assert (said.status, said.out) == (
        0,
        f"bounce, counted as hard bounce; {READER} is suppressed\n",
    )
    (row,) = json.loads(run("bounces", "list", "--address", READER.upper(), "--json").out)
    assert (row["what"], row["status"], row["suppressed"]) == ("hard bounce", "5.1.1", True)
    assert (
        "Nothing has come back."
        in run("bounces", "list", "--notes").err + run("bounces", "list", "--notes").out
    )


@pytest.mark.parametrize("octets", ["", "\0\1\2", "Subject: hello\n\nYou have won."])
def test_garbage_by_pipe_is_no_error(run: Run, octets: str) -> None:
    said = run("bounce", "--to", "nobody@example.org", stdin=octets)
    assert (said.status, said.out) == (0, "nothing\n")


def test_while_it_cannot_be_kept_the_mail_server_is_told_to_keep_it(
    run: Run, reader: Subscriber
) -> None:
    bounce = about(NOBODY_THERE, deliver(reader)).decode()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE dispatcher_receipt RENAME TO away")
    try:
        said = run("bounce", stdin=bounce)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE away RENAME TO dispatcher_receipt")
    assert said.status == 75
    assert "try again later" in said.err
    assert not Receipt.objects.exists()


def test_an_address_is_suppressed_and_lifted(run: Run, reader: Subscriber) -> None:
    for words in ("is suppressed.", "is suppressed already."):
        assert words in run("reader", "suppress", READER, "--reason", "asked by phone").out
    assert consent.suppressed(READER) == "asked by phone"
    for words in ("may be mailed again.", "was not suppressed."):
        assert words in run("reader", "lift", READER, "--reason", "a mistake").out
    assert not consent.suppressed(READER)
    assert run("reader", "suppress", "nonsense", "--reason", "x").status == 1


def test_a_reader_is_exported_and_erased_by_their_address_typed_again(
    run: Run, reader: Subscriber
) -> None:
    assert json.loads(run("reader", "export-data", READER).out)["address"] == READER
    kept = run("reader", "erase", READER, stdin="other@example.org\n")
    assert kept.status == 1
    assert "nothing is erased" in kept.err
    assert Subscriber.objects.filter(address=READER).exists()
    assert "is erased." in run("reader", "erase", READER, "--yes").out
    assert not Subscriber.objects.filter(address=READER).exists()
    assert run("reader", "export-data", READER).status == 1


def test_what_is_not_kept_is_shown_and_taken(run: Run) -> None:
    Notice.objects.create(kind="welcome", address=READER, settled_at="2020-01-01T00:00:00Z")
    rows = {row["what"]: row for row in json.loads(run("retention", "show", "--json").out)}
    assert (rows["notices"]["days"], rows["notices"]["due"]) == (30, 1)
    assert "1  notices" in run("retention", "run", "--dry-run").out
    assert Notice.objects.exists()
    assert "1  notices" in run("retention", "run").out
    assert not Notice.objects.exists()


def test_refusals_that_are_too_many_wait_for_a_word(run: Run) -> None:
    dispatch = make_dispatch(state="done")
    make_deliveries(dispatch, "failed", 30, relay="one", code="5.1.1", text="550 5.1.1 no")
    Batch.objects.update(state="done")
    assert "No relay has refused" in run("bounces", "fuses").out
    refusals.count()
    (row,) = json.loads(run("bounces", "fuses", "--json").out)
    assert (row["relay"], row["handed over"], row["refused"]) == ("one", 30, 30)
    assert row["of"] == f"dispatch {dispatch.pk}"
    number = row["fuse"]
    for words in ("is believed.", "is believed already."):
        assert words in run("bounces", "believe", number).out
    assert Suppression.objects.count() == 30
    said = run("bounces", "dismiss", number)
    assert "is dismissed." in said.out
    assert f"dispatch resume {dispatch.pk} --rest" in said.err
    assert not Suppression.objects.exists()
    assert run("bounces", "dismiss", 99).status == 1
