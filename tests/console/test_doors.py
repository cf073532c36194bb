"""What holds for every page of the desk."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import URLPattern, reverse

from dispatcher.console.urls import urlpatterns
from dispatcher.security import POLICY
from tests import away, makers
from tests.console.reading import Page

pytestmark = pytest.mark.django_db

PARTS: dict[str, dict[str, object]] = {
    "brief_id": {"brief_id": "nosuch"},
    "number": {"number": 1},
    "rule": {"rule": 1},
    "suppression": {"suppression": 1},
}


def address(route: URLPattern) -> str:
    wanted = route.pattern.converters
    parts = {key: value for name in wanted for key, value in PARTS[name].items()}
    return reverse(f"console:{route.name}", kwargs=parts)


CLOSED = [route for route in urlpatterns if route.name != "sign-in"]


@pytest.mark.parametrize("route", CLOSED, ids=lambda route: str(route.name))
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_stranger_is_sent_to_sign_in(client: Client, route: URLPattern, method: str) -> None:
    response = getattr(client, method)(address(route))

    assert response.status_code == 302
    assert response.url.startswith(reverse("console:sign-in") + "?next=")


def test_a_part_of_a_page_sends_the_whole_page_to_sign_in(client: Client) -> None:
    response = client.get("/desk/dispatches/1/progress", headers={"HX-Request": "true"})

    assert response.headers["HX-Redirect"] == reverse("console:sign-in")


def test_no_change_is_taken_without_its_token(desk: Client) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = desk.cookies
    brief = makers.make_brief()

    for path in ("/desk/write", f"/desk/briefs/{brief.public_id}/release", "/desk/sign-out"):
        assert strict.post(path).status_code == 403


def test_every_page_has_the_strict_policy_and_is_kept_by_no_cache(desk: Client) -> None:
    for path in ("/desk/briefs/", "/desk/write", "/desk/readers/", "/desk/topics/", "/desk/feeds/"):
        response = desk.get(path)

        assert response.headers["Content-Security-Policy"] == POLICY
        assert "no-store" in response.headers["Cache-Control"]
        assert b" style=" not in response.content
        assert b"<style" not in response.content
        assert b"onclick" not in response.content


@pytest.mark.parametrize(
    "path",
    [
        "/desk/briefs/nosuch/",
        "/desk/briefs/nosuch/release",
        "/desk/briefs/nosuch/mail",
        "/desk/dispatches/1/",
        "/desk/dispatches/99999999999999999999999999/",
        "/desk/readers/1/",
        "/desk/readers/99999999999999999999999999/",
    ],
)
def test_what_is_not_there_is_said_on_a_page_of_the_desk(desk: Client, path: str) -> None:
    page = Page(desk.get(path))

    assert page.status == 404
    assert page.heading == "Not here"
    assert "There is no" in page.text
    assert "see `" not in page.text


@pytest.mark.parametrize("page", ["0", "-1", "x", "", "٣", "99999999999999999999", "1e3", "%00"])
@pytest.mark.parametrize("path", ["briefs", "dispatches", "readers"])
def test_any_page_number_is_answered(desk: Client, path: str, page: str) -> None:
    response = desk.get(f"/desk/{path}/?page={page}&older={page}&search=%00'&state=x&standing=x")

    assert response.status_code == 200


def test_the_navigation_says_where_i_am(desk: Client) -> None:
    page = Page(desk.get("/desk/readers/"))

    (here,) = page.root.xpath("//nav[@aria-label='Desk']//a[@aria-current='page']")
    assert here.text == "Readers"
    assert page.links["Briefs"] == "/desk/briefs/"


@pytest.mark.django_db(transaction=True)
def test_a_dead_database_is_a_page_and_not_a_stack_of_words(desk: Client) -> None:
    desk.raise_request_exception = False
    with away.database_away():
        response = desk.get("/desk/briefs/")

    assert response.status_code == 500
    assert Page(response).heading == "Something here is out of order"
    assert response.headers["Content-Security-Policy"] == POLICY
