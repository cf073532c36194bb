"""POST /api/briefs/{id}/release and GET /api/dispatches/{id}."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks
from redis import Redis

from dispatcher.audience.models import Suppression
from dispatcher.mailing import dispatching
from dispatcher.mailing.models import Batch, Dispatch
from tests.api.asking import Publisher, is_refusal
from tests.makers import make_brief, make_deliveries, make_dispatch, make_reader, make_topic

pytestmark = pytest.mark.django_db


@pytest.fixture
def publisher() -> Publisher:
    make_reader("ada@example.org", any_of=[make_topic("Harbours")])
    return Publisher()


def test_a_release_answers_what_it_set_off(
    publisher: Publisher,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    valkey: Redis,
) -> None:
    make_reader("bob@example.org", any_of=[make_topic("Harbours")])
    Suppression.objects.create(address="bob@example.org", reason="bounced")
    brief = make_brief()
    with django_capture_on_commit_callbacks(execute=True):
        answer = publisher.post(f"/api/briefs/{brief.public_id}/release")
    dispatch = Dispatch.objects.get()
    assert answer.status == 202
    assert answer.headers["Location"] == f"/api/dispatches/{dispatch.pk}"
    assert answer.values == {
        "dispatch": dispatch.pk,
        "state": "matching",
        "lane": "routine",
        "scheduled_for": None,
        "audience": {"readers": 1, "in_digests": 0, "excluded": {"suppressed": 1}},
    }
    assert dispatch.released_by == "press office (API)"
    assert (valkey.llen("routine"), valkey.llen("upkeep")) == (1, 1)  # match and publish


def test_an_urgent_brief_goes_in_its_own_lane(publisher: Publisher) -> None:
    brief = make_brief(urgent=True)
    assert publisher.post(f"/api/briefs/{brief.public_id}/release").values["lane"] == "urgent"


def test_a_second_release_is_refused_and_names_the_first(publisher: Publisher) -> None:
    path = f"/api/briefs/{make_brief().public_id}/release"
    publisher.post(path)
    answer = publisher.post(path)
    assert is_refusal(answer, 409, "already_released")
    assert "press office (API)" in answer.values["detail"]
    assert Dispatch.objects.count() == 1


def test_a_release_can_be_for_later(publisher: Publisher) -> None:
    at = (timezone.now() + timedelta(days=1)).replace(microsecond=0)
    path = f"/api/briefs/{make_brief().public_id}/release"
    answer = publisher.post(path, {"at": at.isoformat()})
    assert (answer.status, answer.values["state"]) == (202, "scheduled")
    assert Dispatch.objects.get().scheduled_for == at


@pytest.mark.parametrize(
    "how",
    [
        {"at": "2030-03-02T14:05:00"},  # no zone
        {"at": "tomorrow"},
        {"at": 1_900_000_000},
        {"feeds_only": "perhaps"},
        {"feedsonly": True},
        {"when": "2030-03-02T14:05:00Z"},
        [],
        "now",
    ],
)
def test_a_release_in_doubt_is_refused_since_it_cannot_be_taken_back(
    publisher: Publisher, how: object
) -> None:
    path = f"/api/briefs/{make_brief().public_id}/release"
    assert is_refusal(publisher.post(path, how), 422, "bad_field")
    assert not Dispatch.objects.exists()


def test_a_release_in_malformed_json_is_refused(publisher: Publisher) -> None:
    path = f"/api/briefs/{make_brief().public_id}/release"
    assert is_refusal(publisher.post(path, b"{at: now}"), 400, "malformed_request")
    assert not Dispatch.objects.exists()


def test_a_time_in_the_past_is_refused(publisher: Publisher) -> None:
    path = f"/api/briefs/{make_brief().public_id}/release"
    answer = publisher.post(path, {"at": "2020-01-01T00:00:00Z"})
    assert is_refusal(answer, 409, "wrong_state")


def test_a_brief_that_nobody_follows_goes_out_only_when_that_is_said(publisher: Publisher) -> None:
    path = f"/api/briefs/{make_brief(topics=[make_topic('Lakes')]).public_id}/release"
    assert is_refusal(publisher.post(path), 409, "nobody_follows")
    answer = publisher.post(path, {"feeds_only": True})
    assert answer.status == 202
    assert answer.values["audience"]["readers"] == 0


def test_an_unknown_brief_cannot_be_released(publisher: Publisher) -> None:
    assert is_refusal(publisher.post("/api/briefs/nothing/release"), 404, "no_such_brief")


def test_a_dispatch_tells_how_far_it_is(publisher: Publisher) -> None:
    dispatch = make_dispatch(
        deliveries={"accepted": 3, "failed": 1, "waiting": 2}, excluded={"suppressed": 4}
    )
    answer = publisher.get(f"/api/dispatches/{dispatch.pk}")
    assert answer.status == 200
    assert answer.values["state"] == "sending"
    assert dispatch.brief
    assert answer.values["brief"] == dispatch.brief.public_id
    assert answer.values["revision"] == 1
    assert answer.values["excluded"] == {"suppressed": 4}
    assert answer.values["balances"] is True
    assert answer.values["tally"] == {
        "audience": 6,
        "waiting": 2,
        "carrying": 0,
        "accepted": 3,
        "deferred": 0,
        "failed": 1,
        "unknown": 0,
    }


def test_a_dispatch_tells_how_quickly_it_went_and_who_did_what(publisher: Publisher) -> None:
    dispatch = make_dispatch(deliveries={"waiting": 1})
    at = dispatch.released_at + timedelta(seconds=1.5)
    make_deliveries(dispatch, "accepted", settled_at=at)
    dispatching.pause(dispatch.pk, by="ada")
    Batch.objects.update(faults=2, fault="KeyError('slot')")

    values = publisher.get(f"/api/dispatches/{dispatch.pk}").values

    assert values["seconds_to_accepted"] == {
        "first": 1.5,
        "half": 1.5,
        "most": None,
        "nearly_all": None,
        "all": None,
    }
    assert (values["rate"], values["seconds_left"]) == (None, None)
    (act,) = values["acts"]
    assert (act["by"], act["what"], act["note"]) == ("ada", "paused", "")
    (batch,) = values["faulty_batches"]
    assert (batch["faults"], batch["fault"], batch["letters"]) == (2, "KeyError('slot')", 1)


def test_a_ledger_that_does_not_balance_is_said_to(publisher: Publisher) -> None:
    dispatch = make_dispatch(deliveries={"accepted": 1}, audience=2)
    assert publisher.get(f"/api/dispatches/{dispatch.pk}").values["balances"] is False


@pytest.mark.parametrize("number", [999_999, 2**63 - 1])
def test_a_dispatch_that_there_is_not_is_not_found(publisher: Publisher, number: int) -> None:
    assert is_refusal(publisher.get(f"/api/dispatches/{number}"), 404, "no_such_dispatch")


@pytest.mark.parametrize("number", ["0", "-1", "x", str(2**63)])
def test_what_can_be_no_dispatch_is_refused(publisher: Publisher, number: str) -> None:
    assert is_refusal(publisher.get(f"/api/dispatches/{number}"), 422, "bad_field")
