"""Erasure holds where it is tried: imports, a second time, letters under way, what comes back later."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.test import Client

from dispatcher.audience import access, consent, importing, joining, suppressing
from dispatcher.audience.joining import Wish
from dispatcher.audience.models import AddressChange, LeavingReason, Subscriber
from dispatcher.audience.rules import EVERYTHING
from dispatcher.audience.tokens import Purpose, seal
from dispatcher.mailing import erasing, explaining, exporting, receipts
from dispatcher.mailing.models import Delivery, Dispatch, Notice, Receipt
from tests.mailing.carried import carry, released, when_handed_over
from tests.mailing.samples import reports
from tests.mailing.samples.sample import MESSAGE_ID, READER, TOKEN
from tests.mailing.test_erasing import everything_stored
from tests.mailing.test_receipts import deliver
from tests.makers import make_reader, make_topic
from tests.sinks import Sink

pytestmark = pytest.mark.django_db
ADDRESS = "ada.lovelace@reader.example.net"


def erased(address: str = ADDRESS) -> Subscriber:
    reader = make_reader(address, any_of=[make_topic("Tides")])
    assert erasing.erase(reader.pk, by="a test")
    return reader


def sign_up_again(address: str = ADDRESS) -> Subscriber:
    sign_up = joining.ask(Wish(address, EVERYTHING, "page"), ip="")
    return joining.confirm(sign_up.pk, ip="").reader


@pytest.mark.parametrize("address", [ADDRESS, ADDRESS.upper()])
def test_no_file_of_readers_brings_an_erased_one_back(tmp_path: Path, address: str) -> None:
    erased()
    file = tmp_path / "old.csv"
    file.write_text(f"address,topics\n{address},Tides\nbob@example.org,Tides\n")
    progress = importing.import_csv(file, source="an old list")
    assert (progress.readers, progress.rejected) == (1, 1)
    assert list(Subscriber.objects.filter(state="active").values_list("address", flat=True)) == [
        "bob@example.org"
    ]


def test_who_comes_back_can_be_erased_again_and_again() -> None:
    readers = [erased()]
    for _ in range(3):
        readers.append(sign_up_again())
        assert erasing.erase(readers[-1].pk, by="a test")
    assert len({reader.pk for reader in readers}) == 4
    assert "lovelace" not in everything_stored()
    assert consent.suppressed(ADDRESS) == consent.ERASED


def test_two_addresses_that_only_look_alike_are_erased_apart() -> None:
    erased("strasse@example.org")
    other = make_reader("straße@example.org")
    assert not consent.suppressed("straße@example.org")
    assert erasing.erase(other.pk, by="a test")


def test_who_came_back_is_explained_by_what_they_get_now_and_by_what_they_got_before() -> None:
    reader = make_reader(ADDRESS, any_of=[make_topic("Tides")])
    before = deliver(reader, state="accepted", relay="relay.example.org").dispatch
    erasing.erase(reader.pk, by="a test")
    again = sign_up_again()
    after = deliver(again, state="accepted", relay="relay.example.org").dispatch
    for dispatch in (before, after):
        assert dispatch.brief
        said = " ".join(explaining.explain(dispatch.brief, ADDRESS))
        assert "got it: relay.example.org accepted" in said
    assert "The reader left" not in said


def test_what_comes_back_of_an_erased_readers_letter_does_not_tell_who_it_was() -> None:
    reader = make_reader(ADDRESS)
    delivery = deliver(reader, state="accepted")
    erasing.erase(reader.pk, by="a test")
    delivery.refresh_from_db()
    receipts.record(
        delivery=delivery, status="5.1.1", diagnostic=f"550 <{ADDRESS}> is gone", source="a test"
    )
    assert Receipt.objects.get().status == "5.1.1"
    assert "lovelace" not in everything_stored()


@pytest.mark.parametrize("known_by", ["return path", "Message-ID", "address"])
def test_a_report_about_a_letter_that_went_with_its_reader_does_not_tell_who_it_was(
    known_by: str,
) -> None:
    reader = make_reader(ADDRESS)
    notice = Notice.objects.create(kind="welcome", address=ADDRESS, reader=reader)
    octets = reports.postfix("5.1.1", f"550 5.1.1 <{ADDRESS}> is gone")
    octets = octets.replace(READER.encode(), ADDRESS.encode())
    if known_by == "return path":
        token = seal(Purpose.NOTICE_PATH, notice.pk)
        octets = octets.replace(TOKEN.encode(), token.encode())
        octets = octets.replace(
            ADDRESS.encode(), b"ada@lovelace.example"
        )  # where she had it sent on
    elif known_by == "Message-ID":
        octets = octets.replace(
            MESSAGE_ID.partition("@")[0].encode(), seal(Purpose.NOTICE_ID, notice.pk).encode()
        )
        octets = octets.replace(ADDRESS.encode(), b"ada@lovelace.example")
    erasing.erase(reader.pk, by="a test")
    assert receipts.take(octets, source="a test").endswith("noted")
    note = Receipt.objects.get()
    assert (note.kind, note.status, note.address, note.diagnostic) == (
        "note",
        "5.1.1",
        "",
        "bounce",
    )


@pytest.mark.parametrize("is_known", [True, False])
def test_a_webhooks_word_about_a_letter_that_is_gone_does_not_tell_who_it_was(
    is_known: bool,
) -> None:
    erased()
    token = seal(Purpose.NOTICE_PATH, 7) if is_known else "0a" * 14
    address = "ada@lovelace.example" if is_known else ADDRESS
    receipts.take_event(
        return_path=f"bounces+{token}@news.example.org",
        recipient=address,
        kind="",
        words=f"550 5.1.1 <{address}> is gone",
        source="a test",
        number="1",
    )
    assert Receipt.objects.get().status == "5.1.1"
    assert "lovelace" not in everything_stored()


def test_a_relays_words_about_a_letter_under_way_do_not_tell_who_it_was(sink: Sink) -> None:
    dispatch = released(readers=2)
    sink.answers["r2@example.org"] = f"550 5.1.1 <{ADDRESS}> no such user"
    pk = Subscriber.objects.get(address="r2@example.org").pk
    with when_handed_over(lambda _: erasing.erase(pk, by="a test")):
        carry(dispatch)
    assert "lovelace" not in everything_stored()
    refused = Delivery.objects.get(subscriber=pk)
    assert (refused.state, refused.code, refused.text) == ("failed", "5.1.1", "")
    assert Delivery.objects.exclude(subscriber=pk).get().text == "250 2.0.0 kept"


def test_a_letter_that_waits_for_an_erased_reader_is_not_sent_and_the_sums_hold(sink: Sink) -> None:
    dispatch = released(readers=3)
    erasing.erase(Subscriber.objects.get(address="r2@example.org").pk, by="a test")
    carry(dispatch)
    assert sorted(sink.addresses) == ["r1@example.org", "r3@example.org"]
    assert dispatch.state == Dispatch.State.DONE
    failed = Delivery.objects.get(state="failed")
    assert failed.text.endswith("before it was handed over")


def test_links_of_an_erased_reader_answer_kindly(client: Client) -> None:
    reader = make_reader(ADDRESS, any_of=[make_topic("Tides")])
    page, way_out = access.manage_token(reader.pk), access.leave_token(reader.pk, 0)
    erasing.erase(reader.pk, by="a test")
    for said in (
        client.get(f"/reader/{page}").content.decode(),
        client.get(f"/leave/{way_out}").content.decode(),
        client.post(f"/leave/{way_out}").content.decode(),
    ):
        assert "newer letter" not in said
        assert ".invalid" not in said


def test_what_is_kept_is_told_down_to_the_words_and_what_waits_for_a_click() -> None:
    reader = make_reader(ADDRESS, any_of=[make_topic("Tides")])
    deliver(reader, state="failed", code="5.1.1", text=f"550 <{ADDRESS}> no such user")
    joining.ask(Wish(ADDRESS, EVERYTHING, "page", name="Ada"), ip="192.0.2.1")
    AddressChange.objects.create(subscriber=reader, address="new@example.org", link_version=0)
    LeavingReason.objects.create(subscriber=reader, reason="other", words="too long")
    Notice.objects.create(kind="confirm", address=ADDRESS)
    told = json.loads(json.dumps(exporting.export(reader.pk)))
    assert ADDRESS in told["letters"][0]["words"]
    assert [one["to"] for one in told["notices"]] == [ADDRESS]
    assert told["sign_ups"][0]["name"] == "Ada"
    assert told["changes_of_address"][0]["to"] == "new@example.org"
    assert told["reasons_for_leaving"][0]["words"] == "too long"


def test_staff_lift_and_suppress_an_erased_address_by_what_stays_of_it() -> None:
    erased()
    suppressing.suppress(ADDRESS, reason="complaint", by="ada")
    assert consent.suppressed(ADDRESS) == "complaint"
    assert suppressing.lift(ADDRESS, reason="asked in writing", by="ada")
    assert not consent.suppressed(ADDRESS)
    assert [act.what for act in suppressing.acts(ADDRESS)] == [
        "lifted",
        "suppressed",
        "suppressed",
    ]
    assert "lovelace" not in everything_stored()
