"""Moments that a reviewer thinks of: what is erased, moved or refused while something else is under way."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from django.utils import timezone

from dispatcher.audience import consent, editing, importing, suppressing
from dispatcher.audience import joining as signing_up
from dispatcher.audience import moving as changes
from dispatcher.audience.joining import Wish
from dispatcher.audience.models import AddressChange, Subscriber, Suppression
from dispatcher.audience.rules import EVERYTHING
from dispatcher.audience.tokens import Purpose, seal
from dispatcher.errors import BadToken, NotWelcome, WrongState
from dispatcher.mailing import erasing, leaving, linking, moving, receipts, refusals
from dispatcher.mailing.models import Batch, Notice, Receipt
from tests.mailing.samples import complaints
from tests.mailing.samples.sample import READER, TOKEN
from tests.mailing.test_receipts import NOBODY_THERE, about, deliver, suppressed
from tests.makers import make_reader, make_topic
from tests.meanwhile import overtaken, together

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
            signing_up.confirm(sign_up.pk, ip="")
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


def test_two_who_suppress_at_once_leave_one_act(reader: Subscriber) -> None:
    said = together(
        *(partial(suppressing.suppress, READER, reason=f"by {n}", by="ada") for n in range(4))
    )
    assert sorted(said) == [False, False, False, True]
    assert len(suppressing.acts(READER)) == 1


def test_two_who_send_the_link_at_once_send_one(reader: Subscriber) -> None:
    def send() -> bool:
        try:
            linking.send_page(reader.pk, by="ada")
        except WrongState:
            return False
        return True

    assert sorted(together(send, send, send)) == [False, False, True]
    assert Notice.objects.count() == 1


def test_two_who_end_and_two_who_take_up_a_rule_do_it_once(reader: Subscriber) -> None:
    rule = consent.live(reader).get()
    end = partial(leaving.stop, reader.pk, rule.pk, source="desk by ada", why=consent.BY_STAFF)
    assert sorted(together(end, end, end)) == [0, 0, 1]
    assert Notice.objects.filter(kind="farewell").count() == 1
    again = partial(editing.take_up, reader.pk, rule.pk, source="desk by ada")
    assert sorted(together(again, again, again)) == [False, False, True]
    assert consent.live(reader).count() == 1
    assert [*reader.consents.order_by("pk").values_list("act", flat=True)] == ["left", "returned"]


def test_a_reader_erased_in_two_tabs_is_erased_once(reader: Subscriber) -> None:
    erase = partial(erasing.erase, reader.pk, by="desk by ada")
    assert sorted(together(erase, erase)) == [False, True]
    assert reader.consents.filter(act="erased").count() == 1


def test_a_bounce_and_an_erasure_at_once_leave_no_address(reader: Subscriber) -> None:
    delivery = deliver(reader)
    octets = about(NOBODY_THERE, delivery)
    overtaken(
        lambda: receipts.take(octets, source="a test"),
        by=lambda: erasing.erase(reader.pk, by="a test"),
    )
    assert not Receipt.objects.filter(address=READER).exists()
    assert not Suppression.objects.filter(address=READER).exists()
    assert not Receipt.objects.exclude(diagnostic="").exists()


def test_no_letter_about_a_move_names_who_was_erased(reader: Subscriber) -> None:
    moving.ask(reader.pk, "ada@new.example.net", visitor="192.0.2.1")
    moving.ask(reader.pk, "ada@third.example.net", visitor="192.0.2.1")
    first = AddressChange.objects.get(address="ada@new.example.net")
    moving.confirm(seal(Purpose.MOVE, first.pk))
    assert Notice.objects.filter(address=READER, facts__done="yes").exists()
    erasing.erase(reader.pk, by="a test")
    assert not Notice.objects.exists()


def test_a_complaint_of_whom_a_reader_named_ends_nothing_of_the_readers(reader: Subscriber) -> None:
    moving.ask(reader.pk, "stranger@example.net", visitor="192.0.2.1")
    notice = Notice.objects.get(kind="address")
    octets = complaints.arf("fbl@provider.example", "abuse", is_redacted=True)
    octets = octets.replace(TOKEN.encode(), seal(Purpose.NOTICE_PATH, notice.pk).encode())
    assert "complaint" in receipts.take(octets, source="a test")
    assert suppressed("stranger@example.net") == "complaint"
    assert consent.live(reader).exists()
    assert not suppressed()
