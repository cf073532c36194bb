from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from dispatcher.console import signing
from tests import makers
from tests.console.reading import Page

pytestmark = pytest.mark.django_db

PATH = "/desk/sign-in"


def try_password(client: Client, password: str, name: str = "ada", **more: Any) -> Any:
    return client.post(PATH, {"username": name, "password": password}, **more)


def test_the_right_password_opens_the_desk(client: Client, ada: User) -> None:
    response = try_password(client, makers.PASSWORD)

    assert response.status_code == 302
    assert response.url == "/desk/briefs/"
    assert Page(client.get("/desk/briefs/")).heading == "Briefs"


def test_signing_in_leads_back_to_where_one_wanted_to_go(client: Any, ada: User) -> None:
    wanted = client.get("/desk/topics/").url
    asked = Page(client.get(wanted))
    data = {"username": "ada", "password": makers.PASSWORD, "next": asked.value("next")}

    assert client.post(PATH, data).url == "/desk/topics/"


def test_signing_in_never_leads_elsewhere(client: Any, ada: User) -> None:
    data = {"username": "ada", "password": makers.PASSWORD, "next": "https://example.com/"}

    assert client.post(PATH, data).url == "/desk/briefs/"


def test_a_wrong_password_is_said_and_the_name_kept(client: Client, ada: User) -> None:
    page = Page(try_password(client, "guess"))

    assert "do not belong together" in page.said("errors")
    assert page.value("username") == "ada"


def test_after_five_wrong_passwords_the_right_one_has_to_wait(client: Client, ada: User) -> None:
    for _ in range(signing.ATTEMPTS):
        assert try_password(client, "guess").status_code == 200

    refused = try_password(client, makers.PASSWORD, name=" ADA ")

    assert refused.status_code == 429
    assert "Wait a quarter of an hour" in Page(refused).text
    assert client.get("/desk/briefs/").status_code == 302


def test_another_name_and_another_address_are_not_held_up(client: Client, ada: User) -> None:
    makers.make_staff("ben")
    for _ in range(signing.ATTEMPTS + 1):
        try_password(client, "guess")

    assert try_password(client, makers.PASSWORD, name="ben").status_code == 302
    elsewhere = Client(REMOTE_ADDR="192.0.2.7")
    assert try_password(elsewhere, makers.PASSWORD).status_code == 302


def test_behind_a_proxy_of_ours_guesses_count_by_who_makes_them(client: Client, ada: User) -> None:
    guesser = Client(headers={"X-Forwarded-For": "192.0.2.8"})
    for _ in range(signing.ATTEMPTS + 1):
        try_password(guesser, "guess")

    assert try_password(guesser, makers.PASSWORD).status_code == 429
    elsewhere = Client(headers={"X-Forwarded-For": "192.0.2.9"})
    assert try_password(elsewhere, makers.PASSWORD).status_code == 302


def test_signing_in_forgets_the_wrong_attempts_before_it(client: Client, ada: User) -> None:
    for _ in range(3):
        for _ in range(signing.ATTEMPTS - 1):
            try_password(client, "guess")
        assert try_password(client, makers.PASSWORD).status_code == 302
        client.post("/desk/sign-out")


def test_signing_out_closes_the_desk(desk: Any) -> None:
    assert desk.get("/desk/sign-out").status_code == 405
    assert desk.post("/desk/sign-out").url == PATH
    assert desk.get("/desk/briefs/").status_code == 302


def test_the_desk_opens_while_valkey_is_away(client: Client, ada: User, settings: Any) -> None:
    settings.CACHES = {
        "default": settings.CACHES["default"] | {"LOCATION": "redis://127.0.0.1:1/0"}
    }

    assert try_password(client, makers.PASSWORD).status_code == 302
    assert client.get("/desk/briefs/").status_code == 200


def test_other_spellings_of_a_name_have_no_attempts_of_their_own(client: Client, ada: User) -> None:
    for name in ("ada", "ＡＤＡ", "ａda", "aｄa", "\u2003adａ"):
        assert try_password(client, "guess", name=name).status_code == 200

    assert try_password(client, makers.PASSWORD, name="ａｄａ").status_code == 429


def test_signing_in_to_get_to_the_page_for_signing_in_leads_to_the_desk(
    client: Any, desk: Any
) -> None:
    data = {"username": "ada", "password": makers.PASSWORD, "next": PATH}

    assert client.post(PATH, data).url == "/desk/briefs/"
    assert desk.get(f"{PATH}?next={PATH}").url == "/desk/briefs/"
