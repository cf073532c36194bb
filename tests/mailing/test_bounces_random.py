"""Whatever comes in, nothing is raised, nobody is suppressed without a token or a Message-ID of ours, and it ends."""

from __future__ import annotations

import pytest
from django.conf import settings as django_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dispatcher.audience import consent
from dispatcher.audience.models import Subscriber, Suppression
from dispatcher.audience.tokens import Purpose, seal
from dispatcher.mailing import bounces, receipts
from dispatcher.mailing.bounces import Kind
from dispatcher.mailing.models import Delivery, Receipt
from tests.mailing.samples import ALL, garbage
from tests.mailing.samples.sample import MESSAGE_ID, READER, TOKEN
from tests.mailing.test_receipts import about, deliver
from tests.makers import make_reader, make_topic

SMALL = [sample.octets for sample in ALL if len(sample.octets) < 20_000]
REPORTS = [
    sample.octets for sample in ALL if sample.kind in {Kind.BOUNCE, Kind.COMPLAINT, Kind.OPT_OUT}
]
# What parsers look at, so that changes land where they matter.
CRUMBS = (
    b"boundary=", b"--", b"\r\n\r\n", b"Content-Type: message/delivery-status\r\n", b"=?utf-8?q?",
    b"Final-Recipient: rfc822; ", READER.encode(), b"Status: 5.1.1\r\n", b"Action: failed\r\n",
    b"Feedback-Type: abuse\r\n", b"Message-ID: <", b"bounces+", b"unsubscribe+", b"\0", b"\xff\xfe",
    b"Content-Transfer-Encoding: base64\r\n", b"X-Failed-Recipients: ", b"charset=nonsense", b";" * 50,
)  # fmt: skip
addresses = st.sampled_from(["", READER, "bounces+zz@x.example", "unsubscribe+" + TOKEN, "\ud800"])


@st.composite
def changed(draw: st.DrawFn, of: list[bytes] = SMALL) -> bytes:
    """A real report with pieces cut out, put in, doubled or moved."""
    octets = bytearray(draw(st.sampled_from(of)))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(octets)))
        to = min(len(octets), at + draw(st.integers(0, 60)))
        piece = draw(
            st.one_of(
                st.binary(max_size=8),
                st.sampled_from(CRUMBS),
                st.just(bytes(octets[at:to]) * 2),
                st.just(b""),
            )
        )
        octets[at:to] = piece
    return bytes(octets)


def check(octets: bytes, to: str) -> None:
    report = bounces.read(octets, to=to)
    assert len(report.recipients) <= bounces.MOST_RECIPIENTS
    for found in (report.tokens, report.message_ids):
        assert len(found) <= bounces.MOST_RECIPIENTS
    for each in report.recipients:
        assert each.address
        assert len(each.diagnostic) <= 300


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=3_000), addresses)
def test_random_octets_are_read(octets: bytes, to: str) -> None:
    check(octets, to)


@settings(max_examples=600, deadline=None)
@given(changed(), addresses)
def test_changed_reports_are_read(octets: bytes, to: str) -> None:
    check(octets, to)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(CRUMBS), max_size=60).map(b"".join), addresses)
def test_crumbs_in_any_order_are_read(octets: bytes, to: str) -> None:
    check(octets, to)


@pytest.fixture
def reader(db: None) -> Subscriber:
    return make_reader(READER, any_of=[make_topic("Tides")])


@pytest.fixture
def delivery(reader: Subscriber) -> Delivery:
    return deliver(reader)


_fixtures_are_fine = HealthCheck.function_scoped_fixture


@settings(max_examples=150, deadline=None, suppress_health_check=[_fixtures_are_fine])
@given(octets=st.one_of(changed(REPORTS), st.binary(max_size=500)), to=addresses)
def test_what_names_no_letter_of_ours_suppresses_nobody_and_ends_nothing(
    delivery: Delivery, octets: bytes, to: str
) -> None:
    receipts.take(octets, to=to, source="a test")
    assert not Suppression.objects.exists()
    assert consent.live(delivery.subscriber).exists()
    assert not Receipt.objects.exclude(kind="note").exists()


@settings(max_examples=150, deadline=None, suppress_health_check=[_fixtures_are_fine])
@given(octets=changed(REPORTS), by_token=st.booleans())
def test_what_names_a_letter_harms_its_own_reader_alone_and_counts_once_of_a_kind(
    delivery: Delivery, octets: bytes, by_token: bool
) -> None:
    other, _ = Subscriber.objects.get_or_create(address="bob@reader.example.net", state="active")
    octets = about(octets, delivery, by_token=by_token, by_id=not by_token)
    for _ in range(2):
        receipts.take(octets, source="a test")
    assert {row.address for row in Suppression.objects.all()} <= {READER}
    assert not consent.suppressed(other.address)
    kinds = Receipt.objects.filter(delivery=delivery).values_list("kind", flat=True)
    assert len(kinds) == len({*kinds})
    Suppression.objects.all().delete()


@settings(max_examples=100, deadline=None, suppress_health_check=[_fixtures_are_fine])
@given(data=st.data())
def test_a_message_id_that_is_changed_in_one_place_is_none_of_ours(
    delivery: Delivery, data: st.DataObject
) -> None:
    real = f"{seal(Purpose.MESSAGE_ID, delivery.subscriber_id, delivery.dispatch_id)}@{django_settings.MAIL_DOMAIN}"
    at = data.draw(st.integers(0, len(real) - 1))
    letter = data.draw(st.sampled_from("0123456789abcdefxyz").filter(lambda c: c != real[at]))
    forged = real[:at] + letter + real[at + 1 :]
    octets = data.draw(st.sampled_from(REPORTS)).replace(MESSAGE_ID.encode(), forged.encode())
    receipts.take(octets, source="a test")
    assert not Suppression.objects.exists()
    assert not Receipt.objects.exclude(kind="note").exists()


def test_bombs_and_books_leave_nothing_behind(delivery: Delivery) -> None:
    for octets in (garbage.bomb(100_000), garbage.wide(100_000), garbage.million_lines()):
        receipts.take(about(octets, delivery), source="a test")
    assert not Suppression.objects.exists()
    assert not Receipt.objects.exists()
