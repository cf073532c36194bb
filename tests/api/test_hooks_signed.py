"""Webhooks of mail APIs that sign: what is signed by their key counts once, anything else not at all."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings as django_settings
from django.test import Client

from dispatcher import settings as own
from dispatcher.audience import consent, suppressing
from dispatcher.audience.tokens import Purpose, seal
from dispatcher.mailing.models import Delivery, Receipt
from tests.api.test_hooks import SECRET
from tests.mailing.samples.sample import READER
from tests.mailing.test_receipts import deliver
from tests.makers import make_reader, make_topic

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.urls("tests.api.hooked_urls"),
    # It reads SendGrid's webhooks as before, and says at each that it may not do so for ever.
    pytest.mark.filterwarnings("ignore:django-anymail has dropped official support for SendGrid"),
]

KEY = "a key of theirs"
NOBODY = "550 5.1.1 no such user"
ELLIPTIC = ec.generate_private_key(ec.SECP256R1())
Post = Callable[..., int]


@pytest.fixture(autouse=True)
def keys(settings: Any) -> None:
    public = ELLIPTIC.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    settings.ANYMAIL = {
        "WEBHOOK_SECRET": SECRET,
        "MAILGUN_WEBHOOK_SIGNING_KEY": KEY,
        "MANDRILL_WEBHOOK_KEY": KEY,
        "SENDGRID_TRACKING_WEBHOOK_VERIFICATION_KEY": base64.b64encode(public).decode(),
    }


@pytest.fixture
def delivery() -> Delivery:
    return deliver(make_reader(READER, any_of=[make_topic("Tides")]))


def facts(delivery: Delivery) -> dict[str, str]:
    """What went with the letter, and comes back with every word about it."""
    number = seal(Purpose.RETURN_PATH, delivery.pk)
    return {"return_path": f"bounces+{number}@{django_settings.MAIL_DOMAIN}"}


def posted(client: Client, path: str, body: Any, headers: dict[str, str], kind: str) -> int:
    known = {"Authorization": "Basic " + base64.b64encode(SECRET.encode()).decode()}
    return client.post(path, body, content_type=kind, headers=known | headers).status_code


def mailgun(client: Client, delivery: Delivery, *, complains: bool = False, key: str = KEY) -> int:
    """Signed over time and token (HMAC-SHA-256)."""
    stamp, token = "1700000000", "one token of theirs"
    signature = hmac.new(key.encode(), f"{stamp}{token}".encode(), hashlib.sha256).hexdigest()
    event = {
        "event": "complained" if complains else "failed",
        "severity": "permanent",
        "timestamp": 1700000000.5,
        "recipient": READER,
        "user-variables": facts(delivery),
        "delivery-status": {"code": 550, "message": NOBODY},
    }
    signed = {"timestamp": stamp, "token": token, "signature": signature}
    body = json.dumps({"signature": signed, "event-data": event})
    return posted(client, "/hooks/mailgun/tracking/", body, {}, "application/json")


def mandrill(client: Client, delivery: Delivery, *, complains: bool = False, key: str = KEY) -> int:
    """Signed over the address with the secret in it, and the form (HMAC-SHA-1)."""
    event = {
        "event": "spam" if complains else "hard_bounce",
        "_id": "m-1",
        "ts": 1700000000,
        "msg": {"email": READER, "diag": f"smtp;{NOBODY}", "metadata": facts(delivery)},
    }
    events = json.dumps([event])
    signed = f"http://{SECRET}@testserver/hooks/mandrill/mandrill_events{events}"
    signature = base64.b64encode(hmac.new(key.encode(), signed.encode(), hashlib.sha1).digest())
    known = {
        "Authorization": "Basic " + base64.b64encode(SECRET.encode()).decode(),
        "X-Mandrill-Signature": signature.decode(),
    }
    return client.post("/hooks/mandrill/", {"mandrill_events": events}, headers=known).status_code


def sendgrid(client: Client, delivery: Delivery, *, complains: bool = False, key: str = KEY) -> int:
    """Signed over time and body (ECDSA over P-256)."""
    event = {
        "event": "spamreport" if complains else "bounce",
        "email": READER,
        "timestamp": 1700000000,
        "reason": NOBODY,
        "sg_event_id": "e-1",
        **facts(delivery),
    }
    body = json.dumps([event])
    private = ELLIPTIC if key == KEY else ec.generate_private_key(ec.SECP256R1())
    signature = private.sign(f"1700000000{body}".encode(), ec.ECDSA(hashes.SHA256()))
    headers = {
        "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
        "X-Twilio-Email-Event-Webhook-Timestamp": "1700000000",
    }
    return posted(client, "/hooks/sendgrid/tracking/", body, headers, "application/json")


EVERY = pytest.mark.parametrize(
    "post", [mailgun, mandrill, sendgrid], ids=lambda post: post.__name__
)


@EVERY
def test_a_bounce_that_is_signed_counts_once(
    client: Client, delivery: Delivery, post: Post
) -> None:
    for _ in range(3):
        assert post(client, delivery) == 200
    receipt = Receipt.objects.get()
    assert (receipt.kind, receipt.delivery, receipt.status) == ("hard bounce", delivery, "5.1.1")
    assert consent.suppressed(READER)


@EVERY
def test_a_replay_does_not_suppress_whom_staff_let_in_again(
    client: Client, delivery: Delivery, post: Post
) -> None:
    post(client, delivery)
    suppressing.lift(READER, reason="it is there", by="ada")
    assert post(client, delivery) == 200
    assert not consent.suppressed(READER)


@EVERY
def test_a_complaint_that_is_signed_ends_everything(
    client: Client, delivery: Delivery, post: Post
) -> None:
    assert post(client, delivery, complains=True) == 200
    assert Receipt.objects.get().kind == "complaint"
    assert not consent.live(delivery.subscriber).exists()


@EVERY
@pytest.mark.parametrize("key", ["another key", ""])
def test_what_is_signed_by_another_key_does_not_count(
    client: Client, delivery: Delivery, post: Post, key: str
) -> None:
    assert post(client, delivery, key=key) == 400
    assert not Receipt.objects.exists()


@EVERY
def test_a_signature_without_the_secret_does_not_count(
    client: Client, delivery: Delivery, post: Post, settings: Any
) -> None:
    settings.ANYMAIL = settings.ANYMAIL | {"WEBHOOK_SECRET": "hooks:another password"}
    assert post(client, delivery) == 400
    assert not Receipt.objects.exists()


def test_what_was_changed_on_the_way_does_not_count(client: Client, delivery: Delivery) -> None:
    body, stamp = (
        json.dumps([{"event": "bounce", "email": READER, **facts(delivery)}]),
        "1700000000",
    )
    signature = ELLIPTIC.sign(f"{stamp}{body}".encode(), ec.ECDSA(hashes.SHA256()))
    headers = {
        "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
        "X-Twilio-Email-Event-Webhook-Timestamp": stamp,
    }
    for changed in (body.replace("bounce", "spamreport", 1), body + " ", "[]", "nonsense", ""):
        status = posted(client, "/hooks/sendgrid/tracking/", changed, headers, "application/json")
        assert status == 400, changed
    for name in headers:
        fewer = {key: value for key, value in headers.items() if key != name}
        path = "/hooks/sendgrid/tracking/"
        assert posted(client, path, body, fewer, "application/json") == 400
    assert not Receipt.objects.exists()


def test_a_key_that_is_not_set_is_none_and_not_an_empty_one(
    client: Client, delivery: Delivery, settings: Any
) -> None:
    assert own.ANYMAIL == {}
    settings.ANYMAIL = {"WEBHOOK_SECRET": SECRET}
    client.raise_request_exception = False
    for post in (mailgun, mandrill):
        assert post(client, delivery, key="") == 500
    assert not Receipt.objects.exists()
