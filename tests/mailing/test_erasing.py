"""An erased reader cannot be found by any column, every sum stays true, and no import brings them back."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.apps import apps
from django.db import Error, connection, transaction
from django.test import Client
from django.utils import timezone

from dispatcher.audience import access, consent, joining, suppressing
from dispatcher.audience.joining import Wish
from dispatcher.audience.models import Consent, SignUp, Subscriber
from dispatcher.audience.rules import EVERYTHING
from dispatcher.errors import NotWelcome
from dispatcher.mailing import erasing, explaining, exporting, ledger, matching, retention
from dispatcher.mailing.models import Delivery, Notice, Receipt
from tests.mailing.test_receipts import deliver
from tests.makers import make_reader, make_topic

pytestmark = pytest.mark.django_db
ADDRESS = "ada.lovelace@reader.example.net"


@pytest.fixture
def reader() -> Subscriber:
    reader = make_reader(ADDRESS, any_of=[make_topic("Tides")])
    Subscriber.objects.update(name="Ada Lovelace")
    deliver(reader, state="failed", text=f"550 5.1.1 <{ADDRESS}> no such user")
    joining.ask(Wish(ADDRESS, EVERYTHING, "a test"), ip="192.0.2.1")
    reader.consents.create(act="asked", source="a test", ip_hash="ab" * 16)
    Notice.objects.create(kind="welcome", address=ADDRESS, reader=reader)
    Receipt.objects.create(
        kind="soft bounce", subscriber=reader, address=ADDRESS, diagnostic=ADDRESS
    )
    suppressing.suppress(ADDRESS, reason="it bounced")
    suppressing.lift(ADDRESS, reason="it came back", by="ada")
    return reader


def everything_stored() -> str:
    rows = [
        list(model._default_manager.values_list())
        for model in apps.get_app_config("dispatcher").get_models()
    ]
    return repr(rows).lower()


def test_nothing_stored_tells_who_it_was_and_sums_stay(reader: Subscriber) -> None:
    dispatch = Delivery.objects.get().dispatch
    before = ledger.tally(dispatch.pk)
    assert "lovelace" in everything_stored()
    assert erasing.erase(reader.pk, by="a test")
    assert "lovelace" not in everything_stored()
    assert "abababab" not in everything_stored()
    assert ledger.tally(dispatch.pk) == before
    assert not erasing.erase(reader.pk, by="a test")
    assert reader.consents.filter(act="erased").count() == 1
    assert dispatch.brief
    said = explaining.explain(dispatch.brief, ADDRESS)
    assert "it is not a reader's address" not in " ".join(said)


def test_no_import_brings_an_erased_address_back_and_its_reader_can(reader: Subscriber) -> None:
    erasing.erase(reader.pk, by="a test")
    for address in (ADDRESS, ADDRESS.upper()):
        with pytest.raises(NotWelcome, match="erased"):
            consent.add(address, EVERYTHING, source="an old list")
        assert consent.suppressed_among([address, "bob@example.org"]) == {ADDRESS}
    sign_up = joining.ask(Wish(ADDRESS, EVERYTHING, "sign-up page"), ip="192.0.2.1")
    assert joining.confirm(sign_up.pk, ip="").reader.pk != reader.pk
    assert not consent.suppressed(ADDRESS)


def test_what_was_suppressed_for_a_reason_stays_so(reader: Subscriber) -> None:
    suppressing.suppress(ADDRESS, reason="complaint")
    erasing.erase(reader.pk, by="a test")
    assert consent.suppressed(ADDRESS) == "complaint"
    sign_up = joining.ask(Wish(ADDRESS, EVERYTHING, "sign-up page"), ip="")
    with pytest.raises(NotWelcome):
        joining.confirm(sign_up.pk, ip="")


def test_an_erased_reader_is_in_no_audience(reader: Subscriber) -> None:
    topic = make_topic("Tides")
    assert matching.count([topic.pk]).readers == 1
    erasing.erase(reader.pk, by="a test")
    assert matching.count([topic.pk]).readers == 0


def test_the_page_offers_the_data_and_the_erasure_and_get_erases_nothing(
    client: Client, reader: Subscriber
) -> None:
    link = f"/reader/{access.manage_token(reader.pk)}"
    answer = client.get(f"{link}/data")
    held = json.loads(answer.content)
    assert answer["Content-Disposition"].startswith("attachment")
    assert held == exporting.export(reader.pk)
    assert (held["address"], held["letters"][0]["outcome"]) == (ADDRESS, "failed")
    assert held["rules"][0]["rule"].startswith("Tides")
    client.get(f"{link}/erase")
    assert Subscriber.objects.filter(address=ADDRESS).exists()
    assert "You are erased" in client.post(f"{link}/erase", {"action": "erase"}).content.decode()
    assert client.get(link).status_code == 404
    way_out = f"/leave/{access.leave_token(reader.pk, 0)}"
    assert client.post(way_out, {"List-Unsubscribe": "One-Click"}).status_code == 200


@pytest.mark.parametrize(
    "sql", ["UPDATE dispatcher_consent SET source = 'x'", "DELETE FROM dispatcher_consent"]
)
def test_consents_can_only_be_added(reader: Subscriber, sql: str) -> None:
    with (
        pytest.raises(Error, match="only ever added"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql)


def test_what_is_past_its_period_goes_and_the_rest_stays(reader: Subscriber) -> None:
    long_ago = timezone.now() - timedelta(days=400)
    Notice.objects.update(settled_at=long_ago)
    SignUp.objects.update(asked_at=long_ago)
    Consent.objects.bulk_create(
        [Consent(subscriber=reader, act="asked", source="x", ip_hash="cd", at=long_ago)]
    )
    due = retention.due()
    assert {name: number for name, number in due.items() if number} == {
        "sign-ups": 1,
        "notices": 1,
        "hashed IP addresses of consents": 1,
    }
    assert retention.tidy() == due
    assert set(retention.tidy().values()) == {0}
    assert not Notice.objects.exists()
    assert Consent.objects.filter(at=long_ago).get().ip_hash == ""
    assert Consent.objects.exclude(ip_hash="").count() == 1
