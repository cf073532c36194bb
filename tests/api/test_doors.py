"""Who is let in and how often, and that every refusal has the one shape."""

from __future__ import annotations

import inspect
import re
import time
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from dispatcher import errors
from dispatcher.api import answers, limits, tokens
from dispatcher.briefs.models import Brief
from dispatcher.errors import Refusal
from tests.api.asking import Answer, Publisher, brief, is_refusal
from tests.away import database_away
from tests.makers import make_brief, make_dispatch, make_reader, make_topic

pytestmark = pytest.mark.django_db
NOWHERE = "redis://127.0.0.1:1/0"
OPERATIONS = [
    ("POST", "/api/briefs"),
    ("GET", "/api/briefs/x"),
    ("POST", "/api/briefs/x/release"),
    ("POST", "/api/briefs/x/correct"),
    ("POST", "/api/briefs/x/retract"),
    ("GET", "/api/dispatches/1"),
]


def ask(publisher: Publisher, method: str, path: str) -> Answer:
    return publisher.post(path) if method == "POST" else publisher.get(path)


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_without_a_token_nobody_is_let_in(method: str, path: str) -> None:
    answer = ask(Publisher(""), method, path)
    assert is_refusal(answer, 401, "unauthorized")
    assert "dispatcher token add" in answer.values["detail"]
    # RFC 6750 §3.1: no error code for a request that brought no credentials
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="dispatcher"'


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_with_a_wrong_token_nobody_is_let_in(method: str, path: str) -> None:
    answer = ask(Publisher("dsp_wrong"), method, path)
    assert is_refusal(answer, 401, "unauthorized")
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


def test_a_revoked_token_lets_nobody_in() -> None:
    publisher = Publisher()
    tokens.revoke("press office")
    assert is_refusal(publisher.get("/api/briefs/x"), 401, "unauthorized")


def test_a_signed_in_browser_is_not_let_in_by_its_cookie(admin_client: Client) -> None:
    assert (
        admin_client.post("/api/briefs", brief(), content_type="application/json").status_code
        == 401
    )


def test_who_asks_too_often_is_told_when_to_ask_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "dispatcher.api.limits.time", lambda: 1_800_000_015.5
    )  # the clock stands still
    publisher, other = Publisher(), Publisher(tokens.issue("archive"))
    for _ in range(limits.REQUESTS):
        assert publisher.get("/api/briefs/x").status == 404
    answer = publisher.get("/api/briefs/x")
    assert is_refusal(answer, 429, "too_many_requests")
    assert answer.headers["Retry-After"] == "45"
    assert other.get("/api/briefs/x").status == 404, "every token has its own count"

    monkeypatch.setattr("dispatcher.api.limits.time", lambda: 1_800_000_060.0)
    assert publisher.get("/api/briefs/x").status == 404


@pytest.mark.parametrize("path", ["/api/", "/api/nothing", "/api/briefs/", "/api/briefs/x/y/z"])
def test_an_unknown_path_is_refused_in_the_same_shape(path: str) -> None:
    assert is_refusal(Publisher().get(path), 404, "no_such_path")


def test_a_wrong_method_is_refused_and_told_the_right_one() -> None:
    answer = Publisher().get("/api/briefs")
    assert is_refusal(answer, 405, "wrong_method")
    assert answer.headers["Allow"] == "POST"


def test_every_refusal_of_the_product_has_its_status() -> None:
    refusals = [
        kind
        for _, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, Refusal) and kind is not Refusal
    ]
    assert {kind.__name__ for kind in refusals if kind not in answers.STATUS} == set()


def test_the_status_of_a_refusal_is_that_of_the_nearest_kind_above_it() -> None:
    class NoSuchDraft(errors.NoSuchBrief):
        pass

    class Whatever(Refusal):
        pass

    assert answers.status_of(NoSuchDraft) == 404
    assert answers.status_of(Whatever) == 422
    assert answers.code_of(NoSuchDraft) == "no_such_draft"


def test_a_detail_of_several_lines_becomes_one() -> None:
    assert b'"one two"' in answers.refusal(422, "x", "one\n two\r\n").content


def test_without_valkey_a_brief_can_be_handed_in_and_not_released(
    settings: Settings,
) -> None:
    make_reader(any_of=[make_topic("Harbours")])
    publisher = Publisher()
    settings.REDIS_URL = NOWHERE
    settings.CACHES = {"default": dict(settings.CACHES["default"], LOCATION=NOWHERE)}
    handed_in = publisher.post("/api/briefs", brief())
    assert handed_in.status == 201
    answer = publisher.post(f"/api/briefs/{handed_in.values['id']}/release")
    assert is_refusal(answer, 503, "queue_unreachable")
    assert answer.headers["Retry-After"]
    assert not Brief.objects.get().dispatches.exists()


@pytest.mark.django_db(transaction=True)
def test_without_the_database_the_answer_comes_soon_and_says_so() -> None:
    publisher, made = Publisher(), make_brief()
    began = time.monotonic()
    with database_away():
        answer = publisher.get(f"/api/briefs/{made.public_id}")
    assert is_refusal(answer, 503, "database_unreachable")
    assert time.monotonic() - began < 6
    assert publisher.get(f"/api/briefs/{made.public_id}").status == 200


def schema() -> dict[str, Any]:
    described: dict[str, Any] = Client().get("/api/openapi.json").json()
    return described


def test_every_operation_says_what_it_is_for_and_how_it_refuses() -> None:
    paths = schema()["paths"]
    operations = {(m.upper(), p): o for p, path in paths.items() for m, o in path.items()}
    del operations["POST", "/api/readers"]  # public; see test_joining
    assert len(operations) == len(OPERATIONS)
    for operation in operations.values():
        assert operation["summary"]
        assert operation["description"]
        assert operation["security"] == [{"Bearer": []}]
        assert {"401", "429", "503"} <= operation["responses"].keys()


def test_the_examples_in_the_description_work() -> None:
    make_topic("Harbours")
    publisher = Publisher()
    body = schema()["paths"]["/api/briefs"]["post"]["requestBody"]["content"]["application/json"]
    for example in body["examples"].values():
        assert publisher.post("/api/briefs", example["value"]).status == 201


def test_the_examples_of_corrections_work() -> None:
    made = make_dispatch(make_brief()).brief
    assert made
    path = schema()["paths"]["/api/briefs/{brief_id}/correct"]["post"]
    body = path["requestBody"]["content"]["application/json"]
    for example in body["examples"].values():
        answer = Publisher().post(f"/api/briefs/{made.public_id}/correct", example["value"])
        assert answer.status == 200
        assert answer.values["is_new"]


def test_the_page_about_the_api_needs_nothing_inline_and_nothing_from_elsewhere() -> None:

    page = Client().get("/api/docs")
    html = page.content.decode()
    assert page.status_code == 200
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    assert " style=" not in html
    assert "<style" not in html
    inline = re.findall(r"<script(?![^>]*\bsrc=)[^>]*>", html)
    assert inline == ['<script type="application/json" id="swagger-settings">']
    assets = re.findall(r'(?:src|href)="(/[^"]*)"', html)
    assert len(assets) == 3
    for asset in assets:
        served = Client().get(asset)
        assert served.status_code == 200, asset
        served.close()
