"""A reader's new address: confirmed by whoever reads there, and nothing before."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from dispatcher import links
from dispatcher.audience import access, moving
from dispatcher.audience.models import AddressChange, Subscriber, Suppression
from dispatcher.audience.tokens import Purpose, seal
from dispatcher.mailing import joining
from dispatcher.mailing.models import Notice
from tests.makers import make_reader, make_topic
from tests.pages.reading import page, pressed
from tests.pages.test_leaving import assert_private

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader() -> Subscriber:
    return make_reader("ada@example.org", any_of=[make_topic("Tides")])


@pytest.fixture
def link(reader: Subscriber) -> str:
    return f"/reader/{access.manage_token(reader.pk)}"


def asked(client: Client, link: str, address: str = "ada@new.example.org") -> str:
    """The path of the link that went to the new address."""
    answer = client.post(f"{link}/address", {"address": address})
    assert answer["Location"] == f"{link}?done=asked"
    return f"/move/{seal(Purpose.MOVE, AddressChange.objects.latest('pk').pk)}"


def test_asking_tells_both_addresses_and_changes_nothing(
    client: Client, link: str, reader: Subscriber
) -> None:
    confirm = asked(client, link)
    told = {(n.kind, n.address, n.link.rpartition("/")[0]) for n in Notice.objects.all()}
    assert {(kind, to) for kind, to, _ in told} == {
        ("address", "ada@new.example.org"),
        ("moved", "ada@example.org"),
    }
    assert Notice.objects.get(kind="address").link.endswith(confirm)
    for _ in range(2):
        answer = client.get(confirm)
        assert "a…@new.example.org" in answer.content.decode()
        assert_private(answer.headers)
    reader.refresh_from_db()
    assert reader.address == "ada@example.org"


def test_the_button_moves_once_and_ends_the_old_links(
    client: Client, link: str, reader: Subscriber
) -> None:
    confirm = asked(client, link)
    for _ in range(2):
        assert "Your letters come here now" in pressed(client, confirm, {}).text_content()
    reader.refresh_from_db()
    assert reader.address == "ada@new.example.org"
    assert reader.consents.filter(act="moved").count() == 1
    assert client.get(link).status_code == 404
    done = Notice.objects.get(kind="moved", facts__done="yes")
    assert (done.address, done.link) == ("ada@example.org", "")


def test_who_presses_again_is_led_to_the_page_until_it_has_a_newer_link(
    client: Client, link: str, reader: Subscriber
) -> None:
    confirm = asked(client, link)
    first, second = (client.post(confirm).content.decode() for _ in range(2))
    page = links.manage(access.manage_token(reader.pk))
    assert page in first
    assert page in second
    newer = links.manage(access.renew(reader.pk))
    third = client.post(confirm).content.decode()
    assert "Your letters come here now" in third
    assert newer not in third
    assert page not in third


def test_a_new_link_takes_back_a_change_that_somebody_else_asked_for(
    client: Client, link: str, reader: Subscriber
) -> None:
    confirm = asked(client, link)
    client.post(link, {"action": "renew"})
    assert client.get(confirm).status_code == client.post(confirm).status_code == 404
    reader.refresh_from_db()
    assert reader.address == "ada@example.org"


def test_the_answer_does_not_tell_whose_the_address_is(client: Client, link: str) -> None:
    make_reader("bob@example.org", any_of=[make_topic("Fog")])
    confirm = asked(client, link, "bob@example.org")
    assert Notice.objects.filter(address="bob@example.org", kind="address").count() == 1
    read = pressed(client, confirm, {}, status=409)
    assert "has letters of ours already" in read.text_content()
    assert Subscriber.objects.filter(address="ada@example.org").exists()


def test_a_suppressed_address_takes_no_letters_over(client: Client, link: str) -> None:
    confirm = asked(client, link)
    Suppression.objects.create(address="Ada@new.example.org", reason="complaint")
    assert (
        "Letters to this address are stopped"
        in pressed(client, confirm, {}, status=409).text_content()
    )


def test_a_reader_whose_address_bounced_is_mailed_again_at_the_new_one(
    client: Client, link: str, reader: Subscriber
) -> None:
    Suppression.objects.create(address=reader.address, reason="bounced")
    assert "use another" in page(client, link).text_content()
    client.post(asked(client, link))
    reader.refresh_from_db()
    assert (reader.is_suppressed, reader.address) == (False, "ada@new.example.org")


@pytest.mark.parametrize("address", ["", "nonsense", "ADA@example.org", "a@" + "x" * 400])
def test_what_is_no_new_address_is_said_above_the_form(
    client: Client, link: str, address: str
) -> None:
    pressed(client, f"{link}/address", {"address": address}, status=422)
    assert not Notice.objects.exists()


def test_one_address_is_not_flooded(client: Client, link: str, settings: object) -> None:
    for _ in range(12):
        asked_before = client.post(f"{link}/address", {"address": "eve@example.org"})
        assert asked_before["Location"] == f"{link}?done=asked"
    sent = Notice.objects.filter(address="eve@example.org").count()
    assert sent == settings.JOIN_PER_ADDRESS  # type: ignore[attr-defined]


def test_a_change_is_forgotten_when_its_link_has_ended(client: Client, link: str) -> None:
    confirm = asked(client, link)
    AddressChange.objects.update(asked_at=timezone.now() - timedelta(days=8))
    assert client.post(confirm).status_code == 404
    joining.forget()
    assert not AddressChange.objects.exists()
    assert moving.forget() == 0


def test_a_forged_or_other_link_moves_nothing(
    client: Client, link: str, reader: Subscriber
) -> None:
    asked(client, link)
    number = AddressChange.objects.get().pk
    for token in ("nonsense", seal(Purpose.JOIN, number), seal(Purpose.MOVE, number + 1)):
        assert client.post(f"/move/{token}").status_code == 404
    reader.refresh_from_db()
    assert reader.address == "ada@example.org"
