"""Moments that a reviewer thinks of: what is erased, moved or refused while something else is under way."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from dispatcher.audience import consent, importing
from dispatcher.audience import joining as signing_up
from dispatcher.audience import moving as changes
from dispatcher.audience.joining import Wish
from dispatcher.audience.models import AddressChange, Subscriber
from dispatcher.audience.rules import EVERYTHING
from dispatcher.errors import BadToken, NotWelcome
from dispatcher.mailing import erasing, refusals
from dispatcher.mailing.models import Batch, Receipt
from tests.mailing.samples.sample import READER
from tests.mailing.test_receipts import deliver, suppressed
from tests.makers import make_reader, make_topic
from tests.meanwhile import overtaken

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def reader() -> Subscriber:
    return make_reader(READER, any_of=[make_topic("Tides")])


def test_a_refusal_of_the_old_address_that_is_counted_late_spares_the_new_one(
    reader: Subscriber,
) -> None:
    before = timezone.now() - timedelta(minutes=5)
    deliver(reader, state="failed", code="5.1.1", text="550 5.1.1 no", settled_at=before)
    change = changes.ask(reader, "ada@new.example.net")
    changes.confirm(change.pk)
    Batch.objects.update(state="done")
    refusals.count()
    assert not suppressed("ada@new.example.net")
    assert not Receipt.objects.filter(address="ada@new.example.net").exists()


def test_who_is_erased_while_staff_add_a_rule_does_not_come_back(reader: Subscriber) -> None:
    def add() -> str:
        try:
            consent.add(READER, EVERYTHING, source="a test")
        except NotWelcome as refusal:
            return str(refusal)
        return "added"

    said = overtaken(add, by=lambda: erasing.erase(reader.pk, by="a test"))
    assert consent.ERASED in said
    assert not Subscriber.objects.filter(address=READER).exists()


def test_who_is_erased_while_a_file_is_imported_does_not_come_back(
    reader: Subscriber, tmp_path: Path
) -> None:
    file = tmp_path / "readers.csv"
    file.write_text(f"address,topics\nnew@example.org,Tides\n{READER},Tides\n", "utf-8")
    done = overtaken(
        lambda: importing.import_csv(file, source="a test"),
        by=lambda: erasing.erase(reader.pk, by="a test"),
    )
    assert not Subscriber.objects.filter(address=READER).exists()
    assert (done.readers, done.rejected) == (1, 1)


def test_who_is_erased_while_a_link_is_confirmed_is_erased(reader: Subscriber) -> None:
    sign_up = signing_up.ask(Wish(READER, EVERYTHING, "a test"), ip="")

    def confirm() -> str:
        try:
            signing_up.confirm(sign_up.pk)
        except BadToken:
            return "ended"
        return "confirmed"

    assert overtaken(confirm, by=lambda: erasing.erase(reader.pk, by="a test")) == "ended"
    assert not Subscriber.objects.filter(address=READER).exists()


def test_a_wish_of_another_reader_to_move_there_goes_with_who_is_erased(reader: Subscriber) -> None:
    other = make_reader("bob@example.org")
    changes.ask(other, READER.upper())
    erasing.erase(reader.pk, by="a test")
    assert not AddressChange.objects.exists()
