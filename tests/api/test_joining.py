"""Signing up by program: no token, the page's limits, one answer for every address."""

from __future__ import annotations

from typing import Any

import pytest

from dispatcher.audience import suppressing
from dispatcher.audience.models import SignUp, Subscriber
from dispatcher.mailing import joining
from dispatcher.mailing.models import Notice
from tests.api.asking import Publisher, is_refusal
from tests.makers import make_reader, make_topic

pytestmark = pytest.mark.django_db
WISH: dict[str, object] = {"address": "ada@example.org", "topics": ["Iran"]}


@pytest.fixture
def anybody(db: None) -> Publisher:
    make_topic("Iran")
    return Publisher(token="")


def test_a_sign_up_is_taken_without_a_token_and_makes_nobody_a_reader(anybody: Publisher) -> None:
    answer = anybody.post(
        "/api/readers", WISH | {"cadence": "at once", "time_zone": "Asia/Beirut", "except": []}
    )
    assert (answer.status, answer.values) == (202, {"detail": joining.SENT})
    sign_up = SignUp.objects.get()
    assert (sign_up.cadence, sign_up.timezone, sign_up.source) == ("at once", "Asia/Beirut", "API")
    assert sign_up.wording == "API 2026-11", "the page's sentences were not seen"
    assert Notice.objects.get().kind == "confirm"
    assert not Subscriber.objects.exists()


def test_the_answer_is_the_same_for_every_address(anybody: Publisher) -> None:
    make_reader("known@example.org", all_of=())
    suppressing.suppress("gone@example.org", reason="it bounced")
    answers = [
        anybody.post("/api/readers", WISH | {"address": f"{who}@example.org"})
        for who in ("new", "known", "gone")
    ]
    assert answers[0] == answers[1] == answers[2]


@pytest.mark.parametrize(
    ("given", "status", "code"),
    [
        ({"address": "ada"}, 422, "bad_address"),
        ({"topics": ["Iram"]}, 422, "unknown_topic"),
        ({"topics": []}, 422, "bad_topics"),
        ({"except": ["Iran"]}, 422, "bad_topics"),
        ({"cadence": "hourly"}, 422, "bad_topics"),
        ({"digest_hour": 8}, 422, "invalid"),
        ({"cadense": "daily"}, 422, "invalid"),
    ],
)
def test_a_wish_that_cannot_be_met_is_refused_in_the_one_shape(
    anybody: Publisher, given: dict[str, object], status: int, code: str
) -> None:
    answer = anybody.post("/api/readers", WISH | given)
    assert answer.status == status
    assert is_refusal(answer, status, answer.values["code"])
    assert code in {answer.values["code"], "invalid"}
    assert not SignUp.objects.exists()


def test_the_limits_of_the_page_hold(anybody: Publisher, settings: Any) -> None:
    settings.JOIN_PER_VISITOR = 1
    anybody.post("/api/readers", WISH)
    assert is_refusal(anybody.post("/api/readers", WISH), 429, "too_many_sign_ups")


def test_a_refusal_for_its_puzzle_says_so(anybody: Publisher, settings: Any) -> None:
    settings.JOIN_CAPTCHA = True
    assert is_refusal(anybody.post("/api/readers", WISH), 422, "not_solved")
