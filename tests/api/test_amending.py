"""POST /api/briefs/{id}/correct and /retract."""

from __future__ import annotations

import pytest

from dispatcher.briefs.models import Brief
from dispatcher.mailing.models import Dispatch
from tests.api.asking import Publisher, is_refusal
from tests.api.asking import brief as in_json
from tests.makers import make_brief, make_dispatch, make_topic

pytestmark = pytest.mark.django_db

TEXT = "# Ferries run again between the islands\n\nThe line reopened on Tuesday."


@pytest.fixture
def publisher() -> Publisher:
    return Publisher()


@pytest.fixture
def path() -> str:
    """The address of a brief that is being sent."""
    made = make_dispatch(make_brief(source_id="ferries-1", urgent=True)).brief
    assert made
    return f"/api/briefs/{made.public_id}"


def test_a_correction_as_text_is_answered_with_the_brief_as_it_is_now(
    publisher: Publisher, path: str
) -> None:
    answer = publisher.post(f"{path}/correct", {"text": TEXT, "note": "It was Tuesday."})
    assert answer.status == 200
    assert answer.values["is_new"]
    assert answer.values["under_way"] == [Dispatch.objects.get().pk]
    told = answer.values["brief"]
    assert (told["revision"], told["released_revision"], told["urgent"]) == (2, 2, True)
    assert told["amended_at"] > told["released_at"]
    assert told == publisher.get(path).values
    revision = Brief.objects.get().revisions.get(number=2)
    assert (revision.note, revision.by) == ("It was Tuesday.", "press office (API)")


def test_a_correction_in_json_may_change_kind_topics_and_urgency(
    publisher: Publisher, path: str
) -> None:
    make_topic("Tides")
    given = in_json(kind="Analysis", topics=["tides"], urgent=False, note="Moved.")
    for is_new in (True, False):
        answer = publisher.post(f"{path}/correct", given)
        assert (answer.status, answer.values["is_new"]) == (200, is_new)
    told = answer.values["brief"]
    assert (told["kind"], told["urgent"]) == ("Analysis", False)
    assert told["topics"] == [{"slug": "tides", "name": "Tides"}]
    assert Brief.objects.get().revisions.count() == 2


def test_a_retraction_twice_is_one(publisher: Publisher, path: str) -> None:
    first = publisher.post(f"{path}/retract", {"note": "Wrong."})
    second = publisher.post(f"{path}/retract")
    assert [one.values["is_new"] for one in (first, second)] == [True, False]
    assert first.values["stopped"] == [Dispatch.objects.get().pk]
    assert first.values["brief"] == second.values["brief"]
    assert first.values["brief"]["withdrawn_at"]
    assert is_refusal(publisher.post(f"{path}/release"), 409, "brief_gone")
    assert publisher.post(f"{path}/correct", {"text": TEXT}).values["brief"]["withdrawn_at"] is None


def test_what_was_not_released_is_not_amended(publisher: Publisher) -> None:
    path = f"/api/briefs/{make_brief().public_id}"
    assert is_refusal(publisher.post(f"{path}/correct", {"text": TEXT}), 409, "not_released")
    assert is_refusal(publisher.post(f"{path}/retract"), 409, "not_released")


@pytest.mark.parametrize("verb", ["correct", "retract"])
def test_a_brief_that_is_not_there(publisher: Publisher, verb: str) -> None:
    answer = publisher.post(
        f"/api/briefs/nothing/{verb}", {"text": TEXT} if verb[0] == "c" else b""
    )
    assert is_refusal(answer, 404, "no_such_brief")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "malformed_request"),
        (b"[1]", 400, "malformed_request"),
        (b"{", 400, "malformed_request"),
        ({"text": ""}, 422, "unreadable_brief"),
        ({"text": 5}, 422, "bad_field"),
        ({"text": TEXT, "not": "x"}, 422, "bad_field"),
        ({"text": TEXT, "note": "x" * 1001}, 422, "bad_field"),
        ({"text": TEXT, "topics": ["Nowhere"]}, 422, "unknown_topic"),
        ({"text": TEXT, "source_id": "another"}, 422, "unready_brief"),
        ({"headline": "Alone"}, 422, "unready_brief"),
        ({"headline": 5}, 422, "unreadable_brief"),
        ({"headline": "X", "body": "Y", "urgent": "perhaps"}, 422, "unreadable_brief"),
        ({"headline": "X", "body": "Y", "note": ["no"]}, 422, "bad_field"),
    ],
)
def test_a_correction_that_cannot_be_used(
    publisher: Publisher, path: str, body: object, status: int, code: str
) -> None:
    assert is_refusal(publisher.post(f"{path}/correct", body), status, code)
    assert Brief.objects.get().revisions.count() == 1


@pytest.mark.parametrize("body", [b"{", {"nota": "x"}, {"note": 5}, {"note": "x" * 1001}])
def test_a_retraction_that_cannot_be_used(publisher: Publisher, path: str, body: object) -> None:
    answer = publisher.post(f"{path}/retract", body)
    assert answer.status in {400, 422}
    assert set(answer.values) == {"detail", "code"}
    assert Brief.objects.get().withdrawn_at is None


def test_what_no_text_may_hold_is_taken_out(publisher: Publisher, path: str) -> None:
    answer = publisher.post(
        f"{path}/correct", b'{"text": "# X\\n\\nY \\ud800", "note": "a\\u0000b \\ud800 c"}'
    )
    assert answer.status in {200, 422}
    answer = publisher.post(f"{path}/retract", b'{"note": "a\\u0000b \\ud800 c"}')
    assert answer.status in {200, 422}
