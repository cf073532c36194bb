"""POST /api/briefs and GET /api/briefs/{id}."""

from __future__ import annotations

import pytest

from dispatcher.briefs.models import Brief, Revision
from tests.api.asking import HEADLINE, Publisher, brief, is_refusal
from tests.makers import make_brief, make_dispatch, make_topic

pytestmark = pytest.mark.django_db
BRIEFS = "/api/briefs"
TEXT = f"# {HEADLINE}\n\nThe line reopened on Monday.\n\nTopics: Harbours\n"


@pytest.fixture
def publisher() -> Publisher:
    make_topic("Harbours")
    return Publisher()


def test_a_new_brief_is_made_and_told_where_it_is(publisher: Publisher) -> None:
    answer = publisher.post(BRIEFS, brief())
    made = Brief.objects.get()
    assert answer.status == 201
    assert answer.headers["Location"] == f"/api/briefs/{made.public_id}"
    assert answer.values == {
        "id": made.public_id,
        "source_id": "ferries-1",
        "outcome": "new",
        "revision": 1,
        "topics": [{"slug": "harbours", "name": "Harbours"}],
        "url": f"http://news.example.org/briefs/{made.public_id}",
    }


def test_the_record_names_the_token_that_handed_it_in(publisher: Publisher) -> None:
    publisher.post(BRIEFS, brief())
    assert Revision.objects.get().by == "press office (API)"


def test_the_same_brief_twice_is_one_brief(publisher: Publisher) -> None:
    first = publisher.post(BRIEFS, brief())
    second = publisher.post(BRIEFS, brief())
    assert (second.status, second.values["outcome"]) == (200, "same")
    assert second.values["id"] == first.values["id"]
    assert Revision.objects.count() == 1


def test_other_content_under_the_same_source_id_is_the_next_revision(publisher: Publisher) -> None:
    publisher.post(BRIEFS, brief())
    answer = publisher.post(BRIEFS, brief(headline="Ferries stop again"))
    assert (answer.status, answer.values["outcome"], answer.values["revision"]) == (
        200,
        "changed",
        2,
    )


def test_a_text_is_read_as_what_it_is(publisher: Publisher) -> None:
    answer = publisher.post(BRIEFS, {"text": TEXT})
    assert answer.status == 201
    assert Brief.objects.get().headline == HEADLINE


def test_what_is_given_beside_a_text_overrules_it(publisher: Publisher) -> None:
    make_topic("Islands")
    answer = publisher.post(
        BRIEFS,
        {
            "text": TEXT,
            "form": "markdown",
            "topics": ["Islands"],
            "urgent": True,
            "source_id": "f-7",
        },
    )
    assert answer.values["source_id"] == "f-7"
    assert [topic["slug"] for topic in answer.values["topics"]] == ["islands"]
    assert Brief.objects.get().urgent


def test_a_misspelt_field_beside_a_text_is_named(publisher: Publisher) -> None:
    answer = publisher.post(BRIEFS, {"text": TEXT, "urgnet": True})
    assert is_refusal(answer, 422, "bad_field")
    assert "urgnet" in answer.values["detail"]
    assert not Brief.objects.exists()


def test_a_form_that_there_is_not_is_refused(publisher: Publisher) -> None:
    answer = publisher.post(BRIEFS, {"text": TEXT, "form": "word"})
    assert is_refusal(answer, 422, "bad_field")
    assert "form" in answer.values["detail"]


def test_an_unknown_topic_is_refused_with_the_nearest_known(publisher: Publisher) -> None:
    answer = publisher.post(BRIEFS, brief(topics=["Harbors"]))
    assert is_refusal(answer, 422, "unknown_topic")
    assert "Harbours" in answer.values["detail"]
    assert not Brief.objects.exists()


def test_a_brief_without_topics_is_refused(publisher: Publisher) -> None:
    assert is_refusal(publisher.post(BRIEFS, brief(topics=[])), 422, "unready_brief")


@pytest.mark.parametrize(
    "body",
    [{}, brief(headline=None), brief(headline=7), brief(blocks="x"), {"text": ""}, {"text": "\0"}],
)
def test_what_is_no_brief_is_refused(publisher: Publisher, body: dict[str, object]) -> None:
    assert is_refusal(publisher.post(BRIEFS, body), 422, "unreadable_brief")
    assert not Brief.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe\x00",
        b"\x80{}",
        b"[]",
        b'"brief"',
        b"null",
        b"[" * 100_000,
        b'{"a": ' + b"9" * 5000 + b"}",
    ],
)
def test_malformed_json_is_refused_in_one_line(publisher: Publisher, body: bytes) -> None:
    assert is_refusal(publisher.post(BRIEFS, body), 400, "malformed_request")


def test_twenty_megabytes_are_refused_before_they_are_read(publisher: Publisher) -> None:
    answer = publisher.post(BRIEFS, b'{"text": "' + b"x" * 20_000_000 + b'"}')
    assert is_refusal(answer, 413, "too_large")
    assert "2 MB" in answer.values["detail"]


def test_a_brief_of_over_two_megabytes_is_refused(publisher: Publisher) -> None:
    answer = publisher.post(BRIEFS, {"text": "x" * 2_500_000})
    assert is_refusal(answer, 422, "unreadable_brief")


def test_a_header_cannot_be_put_into_a_headline(publisher: Publisher) -> None:
    publisher.post(BRIEFS, brief(headline="Ferries\r\nBcc: everyone@example.org"))
    assert Brief.objects.get().headline == "Ferries Bcc: everyone@example.org"


def test_a_brief_can_be_looked_at_by_either_id(publisher: Publisher) -> None:
    made = make_brief(source_id="ferries-9", urgent=True, language="he")
    by_public_id = publisher.get(f"{BRIEFS}/{made.public_id}")
    assert by_public_id.status == 200
    assert by_public_id.values == publisher.get(f"{BRIEFS}/ferries-9").values
    assert by_public_id.values["urgent"] is True
    assert by_public_id.values["language"] == "he"
    assert by_public_id.values["revision"] == 1
    assert by_public_id.values["released_revision"] is None
    assert by_public_id.values["dispatches"] == []


def test_what_was_read_can_be_handed_in_again_as_the_same_brief(publisher: Publisher) -> None:
    made = publisher.post(BRIEFS, brief())
    document = publisher.get(f"{BRIEFS}/{made.values['id']}").values["document"]
    assert publisher.post(BRIEFS, document).values["outcome"] == "same"


def test_a_released_brief_tells_its_dispatch(publisher: Publisher) -> None:
    dispatch = make_dispatch()
    assert dispatch.brief
    answer = publisher.get(f"{BRIEFS}/{dispatch.brief.public_id}").values
    assert answer["dispatches"] == [dispatch.pk]
    assert answer["released_revision"] == 1
    assert answer["released_at"].endswith("Z")


@pytest.mark.parametrize("brief_id", ["nothing", "x" * 200, "%F0%9F%9A%A2", "a%20b"])
def test_a_brief_that_there_is_not_is_not_found(publisher: Publisher, brief_id: str) -> None:
    assert is_refusal(publisher.get(f"{BRIEFS}/{brief_id}"), 404, "no_such_brief")


@pytest.mark.parametrize("brief_id", ["a%00b", "x" * 201])
def test_what_can_be_no_id_is_refused(publisher: Publisher, brief_id: str) -> None:
    assert is_refusal(publisher.get(f"{BRIEFS}/{brief_id}"), 422, "bad_field")
