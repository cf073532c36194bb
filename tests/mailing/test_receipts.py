"""What comes back counts for the letter it is about and for nothing else, once, and outsiders harm nobody."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from dispatcher import links
from dispatcher.audience import access, consent, suppressing
from dispatcher.audience.models import Subscriber, SuppressionAct
from dispatcher.audience.rules import Rule
from dispatcher.audience.tokens import Purpose, seal
from dispatcher.mailing import composing, receipts, refusals
from dispatcher.mailing.models import Batch, Delivery, Notice, Receipt
from tests.mailing.samples import answers, complaints, garbage, reports
from tests.mailing.samples.sample import MESSAGE_ID, READER, TOKEN, letter
from tests.makers import make_brief, make_dispatch, make_reader, make_topic

pytestmark = pytest.mark.django_db

NOBODY_THERE = reports.postfix("5.1.1", "550 5.1.1 no such user")


@pytest.fixture
def reader() -> Subscriber:
    return make_reader(READER, any_of=[make_topic("Tides")])


@pytest.fixture
def delivery(reader: Subscriber) -> Delivery:
    return deliver(reader)


def deliver(reader: Subscriber, **fields: object) -> Delivery:
    dispatch = make_dispatch(make_brief(topics=[make_topic("Tides")]))
    batch = Batch.objects.create(dispatch=dispatch, number=1)
    fields = {"state": "accepted", "settled_at": timezone.now(), **fields}
    return Delivery.objects.create(dispatch=dispatch, subscriber=reader, batch=batch, **fields)


def about(octets: bytes, delivery: Delivery, *, by_token: bool = True, by_id: bool = True) -> bytes:
    """The sample as it would come back about this letter."""
    token = seal(Purpose.RETURN_PATH, delivery.pk) if by_token else TOKEN
    message = seal(Purpose.MESSAGE_ID, delivery.subscriber_id, delivery.dispatch_id)
    octets = octets.replace(TOKEN.encode(), token.encode())
    if by_id:
        octets = octets.replace(MESSAGE_ID.encode(), f"{message}@{settings.MAIL_DOMAIN}".encode())
    return octets


def suppressed(address: str = READER) -> str:
    return consent.suppressed(address)


@pytest.mark.parametrize(("by_token", "by_id"), [(True, False), (False, True), (True, True)])
def test_a_mailbox_that_is_not_there_is_suppressed_at_once_and_counted_once(
    delivery: Delivery, by_token: bool, by_id: bool
) -> None:
    octets = about(NOBODY_THERE, delivery, by_token=by_token, by_id=by_id)
    assert f"{READER} is suppressed" in receipts.take(octets, source="a test")
    assert receipts.take(octets, source="another way") == "bounce, counted before"
    receipt = Receipt.objects.get()
    assert (receipt.kind, receipt.status, receipt.has_suppressed) == ("hard bounce", "5.1.1", True)
    assert suppressed() == "it bounced: 5.1.1"
    assert suppressing.acts(READER)[0].what == SuppressionAct.What.SUPPRESSED


def test_soft_bounces_suppress_when_there_are_some_on_five_days_within_thirty(
    reader: Subscriber,
) -> None:
    full = about(reports.postfix("5.2.2", "552 5.2.2 mailbox full"), deliver(reader))
    receipts.take(full, source="a test")
    of_today = Receipt.objects.filter(at__gt=timezone.now() - timedelta(hours=1))
    for days in (31, 4, 3, 2):
        of_today.update(at=timezone.now() - timedelta(days=days))
        for _ in range(6):
            bounce_softly(reader)
        assert not suppressed(), days
    of_today.update(at=timezone.now() - timedelta(days=1))
    bounce_softly(reader)
    assert suppressed() == "it bounced on 5 days: 5.2.2"
    suppressing.lift(READER, reason="it was emptied", by="ada")
    bounce_softly(reader)
    assert not suppressed()


def bounce_softly(reader: Subscriber) -> None:
    full = reports.postfix("5.2.2", "552 5.2.2 mailbox full")
    receipts.take(about(full, deliver(reader)), source="a test")


def test_a_refusal_by_policy_is_told_and_suppresses_nobody(reader: Subscriber) -> None:
    for _ in range(7):
        octets = about(reports.postfix("5.7.1", "554 5.7.1 blocked"), deliver(reader))
        assert "refused by policy" in receipts.take(octets, source="a test")
    assert not suppressed()


@pytest.mark.parametrize("is_redacted", [True, False])
@pytest.mark.parametrize("feedback", ["abuse", "opt-out"])
def test_a_complaint_ends_everything(
    reader: Subscriber, delivery: Delivery, feedback: str, is_redacted: bool
) -> None:
    octets = complaints.arf("fbl@provider.example", feedback, is_redacted=is_redacted)
    receipts.take(about(octets, delivery), source="a test")
    assert suppressed()
    assert not consent.live(reader).exists()
    assert reader.consents.latest("pk").act == "left"


@pytest.mark.parametrize("link", ["none", "another's", "of another letter", "its own"])
@pytest.mark.parametrize("form", ["page", "mail"])
def test_a_complaint_that_names_nobody_counts_with_the_link_to_leave_of_the_very_letter(
    reader: Subscriber, delivery: Delivery, link: str, form: str
) -> None:
    other = make_reader("bob@reader.example.net")
    token = {
        "none": "0a" * 14,
        "another's": access.leave_token(other.pk, delivery.dispatch_id),
        "of another letter": access.leave_token(reader.pk, deliver(reader).dispatch_id),
        "its own": access.leave_token(reader.pk, delivery.dispatch_id),
    }[link]
    there = links.leave(token) if form == "page" else composing.mailto(token)
    head = f"List-Unsubscribe: <https://elsewhere.example>,\r\n <{there}>\r\nList-Unsubscribe-Post"
    octets = complaints.arf("fbl@provider.example", "abuse", is_redacted=True)
    octets = octets.replace(b"List-Unsubscribe-Post", head.encode())
    receipts.take(about(octets, delivery, by_token=False), source="a test")
    is_believed = link == "its own"
    assert bool(suppressed()) == is_believed
    assert consent.live(reader).exists() != is_believed
    assert Receipt.objects.get().kind == ("complaint" if is_believed else "note")


def test_a_message_id_alone_which_an_answer_shows_to_others_is_a_note(
    reader: Subscriber, delivery: Delivery
) -> None:
    octets = complaints.arf("evil@example.com", "abuse", is_redacted=True)
    for by_token, kind in ((False, "note"), (True, "complaint")):
        receipts.take(about(octets, delivery, by_token=by_token), source="a test")
        assert Receipt.objects.latest("pk").kind == kind


def test_other_feedback_is_only_noted(reader: Subscriber, delivery: Delivery) -> None:
    for feedback in ("not-spam", "auth-failure", "fraud"):
        octets = complaints.arf("fbl@provider.example", feedback, is_redacted=False)
        receipts.take(about(octets, delivery), source="a test")
    assert consent.live(reader).exists()
    assert not suppressed()


def test_a_delay_and_an_answer_count_for_nothing(delivery: Delivery) -> None:
    delayed = reports.postfix("4.4.1", "451 4.4.1 later").replace(b"failed", b"delayed")
    for octets in (delayed, *(sample.octets for sample in answers.samples())):
        receipts.take(about(octets, delivery), to="", source="a test")
    assert not Receipt.objects.exists()
    assert not suppressed()


def test_a_forged_token_is_a_note(delivery: Delivery) -> None:
    seal_ = seal(Purpose.RETURN_PATH, delivery.pk)
    for token in (
        seal_[:-2] + "00",
        seal(Purpose.LEAVE, delivery.pk),
        seal(Purpose.MANAGE, delivery.pk),
    ):
        octets = NOBODY_THERE.replace(TOKEN.encode(), token.encode())
        assert receipts.take(octets, source="a test").endswith("noted")
    assert {row.kind for row in Receipt.objects.all()} == {"note"}
    assert not suppressed()


def test_a_message_id_of_somebody_elses_letter_harms_nobody(delivery: Delivery) -> None:
    other = make_reader("bob@reader.example.net", any_of=[make_topic("Fog")])
    octets = about(NOBODY_THERE, delivery, by_token=False)
    octets = octets.replace(READER.encode(), other.address.encode())
    receipts.take(octets, source="a test")
    assert not suppressed()
    assert not suppressed(other.address)


def test_a_token_speaks_for_its_own_letter_and_no_other_address(delivery: Delivery) -> None:
    other = make_reader("bob@reader.example.net", any_of=[make_topic("Fog")])
    octets = about(NOBODY_THERE, delivery).replace(READER.encode(), other.address.encode())
    receipts.take(octets, source="a test")
    assert not suppressed(other.address)
    assert suppressed()


def test_a_complaint_for_someone_else_is_a_note(delivery: Delivery) -> None:
    other = make_reader("bob@reader.example.net", any_of=[make_topic("Fog")])
    octets = complaints.arf("evil@example.com", "abuse", is_redacted=False)
    octets = about(octets, delivery, by_token=False).replace(
        READER.encode(), other.address.encode()
    )
    receipts.take(octets, source="a test")
    assert (suppressed(), suppressed(other.address)) == ("", "")
    assert consent.live(other).exists()


def test_a_report_about_the_address_before_a_move_leaves_the_new_one_alone(
    reader: Subscriber, delivery: Delivery
) -> None:
    Delivery.objects.update(settled_at=timezone.now() - timedelta(days=1))
    reader.consents.create(act="moved", source="a test")
    Subscriber.objects.update(address="ada@new.example.net")
    receipts.take(about(NOBODY_THERE, delivery), source="a test")
    assert not suppressed("ada@new.example.net")


def test_a_letter_to_confirm_that_bounces_is_not_written_again(db: None) -> None:
    notice = Notice.objects.create(kind="confirm", address=READER)
    octets = NOBODY_THERE.replace(TOKEN.encode(), seal(Purpose.NOTICE_PATH, notice.pk).encode())
    receipts.take(octets, source="a test")
    receipts.take(octets, source="a test")
    assert Receipt.objects.get().notice == notice
    assert suppressed()


def test_a_letter_to_the_mailto_address_stops_its_stream_alone(
    reader: Subscriber, delivery: Delivery
) -> None:
    make_rule = make_topic("Fog")
    consent.subscribe(reader, Rule(topics=frozenset({make_rule.pk})), source="a test")
    token = access.leave_token(reader.pk, delivery.dispatch_id)
    octets = letter(f"From: {READER}\nSubject: unsubscribe {token}", "")
    for _ in range(2):
        assert receipts.take(octets, source="a test") == "a reader leaves"
    assert [rule.topics for rule in consent.live(reader)] == [[make_rule.pk]]
    forged = letter(f"From: {READER}\nSubject: unsubscribe {token[:-2]}00", "")
    assert "none of ours" in receipts.take(forged, source="a test")


def test_notes_of_a_flood_are_bounded_and_garbage_leaves_none(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receipts, "MOST_NOTES", 10)
    for number in range(30):
        receipts.take(
            NOBODY_THERE.replace(READER.encode(), f"r{number}@x.example".encode()), source="t"
        )
        receipts.take(NOBODY_THERE, source="t")
    assert Receipt.objects.count() <= 11
    before = Receipt.objects.count()
    for sample in garbage.samples():
        receipts.take(sample.octets, source="t")
    assert Receipt.objects.count() == before


def test_refusals_at_hand_over_are_counted_once_by_the_sweep(reader: Subscriber) -> None:
    said = {"state": "failed", "code": "5.1.1", "text": "550 5.1.1 no such user"}
    failed = deliver(reader, **said)
    other = make_reader("bob@reader.example.net", any_of=[make_topic("Fog")])
    for code, text in (
        ("5.7.1", "550 5.7.1 no"),
        ("", "left before it was handed over"),
        ("5.3.0", "554 5.3.0 no"),
    ):
        deliver(other, state="failed", code=code, text=text)
    Batch.objects.update(state="done")
    assert refusals.count() == 4
    assert refusals.count() == 0
    assert {(r.kind, r.address) for r in Receipt.objects.all()} == {
        ("hard bounce", READER),
        ("soft bounce", other.address),
    }
    assert suppressed()
    Batch.objects.update(are_refusals_counted=False)  # as when its letters are sent anew
    refusals.count()
    assert Receipt.objects.filter(delivery=failed).count() == 1
