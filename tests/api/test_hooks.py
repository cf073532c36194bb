"""What a mail API's webhook tells is counted once, and only when it shows the secret."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import Client

from dispatcher.audience import consent
from dispatcher.audience.tokens import Purpose, seal
from dispatcher.mailing.models import Delivery, Receipt
from tests.mailing.samples.sample import READER
from tests.mailing.test_receipts import deliver
from tests.makers import make_reader, make_topic

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.api.hooked_urls")]

SECRET = "hooks:a long password"


@pytest.fixture(autouse=True)
def secret(settings: Any) -> None:
    settings.ANYMAIL = {"WEBHOOK_SECRET": SECRET}


@pytest.fixture
def delivery() -> Delivery:
    return deliver(make_reader(READER, any_of=[make_topic("Tides")]))


def told(delivery: Delivery | None, **event: object) -> dict[str, object]:
    """An event as Postmark tells it."""
    number = seal(Purpose.RETURN_PATH, delivery.pk) if delivery else "0a" * 14
    path = f"bounces+{number}@{django_settings.MAIL_DOMAIN}"
    return {
        "ID": 42,
        "MessageID": "m-1",
        "Email": READER,
        "Metadata": {"return_path": path},
        **event,
    }


BOUNCE = {
    "RecordType": "Bounce",
    "Type": "HardBounce",
    "Description": "The server was unable to deliver your message.",
    "Details": "smtp;550 5.1.1 no such user",
    "BouncedAt": "2026-11-24T10:00:00Z",
}
COMPLAINT = {
    "RecordType": "SpamComplaint",
    "Type": "SpamComplaint",
    "BouncedAt": "2026-11-24T10:00:00Z",
}


def post(client: Client, event: dict[str, object], *, secret: str = SECRET) -> int:
    headers = {"Authorization": "Basic " + base64.b64encode(secret.encode()).decode()}
    return client.post(
        "/hooks/postmark/tracking/", event, content_type="application/json", headers=headers
    ).status_code


def test_a_bounce_counts_once(client: Client, delivery: Delivery) -> None:
    for _ in range(2):
        assert post(client, told(delivery, **BOUNCE)) == 200
    receipt = Receipt.objects.get()
    assert (receipt.kind, receipt.delivery, receipt.status) == ("hard bounce", delivery, "5.1.1")
    assert receipt.source == "webhook of Postmark"
    assert consent.suppressed(READER)


def test_a_complaint_ends_everything(client: Client, delivery: Delivery) -> None:
    assert post(client, told(delivery, **COMPLAINT)) == 200
    assert Receipt.objects.get().kind == "complaint"
    assert not consent.live(delivery.subscriber).exists()


def test_without_the_secret_nothing_counts(client: Client, delivery: Delivery) -> None:
    assert post(client, told(delivery, **BOUNCE), secret="hooks:guessed") == 400
    assert (
        client.post("/hooks/postmark/tracking/", {}, content_type="application/json").status_code
        == 400
    )
    assert not Receipt.objects.exists()


def test_what_names_no_letter_of_ours_is_a_note(client: Client, delivery: Delivery) -> None:
    for _ in range(2):
        assert post(client, told(None, **BOUNCE)) == 200
    assert Receipt.objects.get().kind == "note"
    assert not consent.suppressed(READER)


def test_other_events_leave_nothing(client: Client, delivery: Delivery) -> None:
    opened = {"RecordType": "Delivery", "Recipient": READER, "DeliveredAt": "2026-11-24T10:00:00Z"}
    assert post(client, told(delivery, **opened)) == 200
    assert not Receipt.objects.exists()
