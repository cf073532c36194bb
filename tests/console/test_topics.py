"""What becomes of a topic at the desk: each on a page that names its readers, and once."""

from __future__ import annotations

import pytest
from django.test import Client

from dispatcher.briefs.models import Topic, TopicAct
from tests.console.reading import Page
from tests.makers import make_reader, make_topic

pytestmark = pytest.mark.django_db


@pytest.fixture
def harbours() -> Topic:
    topic = make_topic("Harbours")
    for _ in range(3):
        make_reader(any_of=[topic])
    return topic


def test_the_button_names_the_topic_and_its_readers(desk: Client, harbours: Topic) -> None:
    def button(verb: str) -> str:
        return Page(desk.get(f"/desk/topics/{harbours.pk}/{verb}")).buttons[0]

    assert button("merge") == "Merge Harbours and its 3 readers"
    assert button("retire") == "Retire Harbours and its 3 readers"
    assert button("reinstate") == "Reinstate Harbours for 3 readers"
    assert button("rename") == "Rename it for 3 readers"
    assert not TopicAct.objects.exists()


def test_a_topic_is_merged_once(desk: Client, harbours: Topic) -> None:
    ports = make_topic("Ports")
    path = f"/desk/topics/{harbours.pk}/merge"
    refused = Page(desk.post(path, {"into": ""}))
    assert (refused.status, "Choose the topic" in refused.text) == (422, True)
    for _ in range(2):
        page = Page(desk.post(path, {"into": "ports"}, follow=True))
        assert "merged into Ports" in page.text
    harbours.refresh_from_db()
    assert harbours.merged_into == ports
    assert list(harbours.acts.values_list("what", "by")) == [("merged", "ada")]


def test_a_topic_is_retired_and_reinstated(desk: Client, harbours: Topic) -> None:
    desk.post(f"/desk/topics/{harbours.pk}/retire", {"note": "Nothing new."})
    row = Page(desk.get("/desk/topics/"))
    assert "Reinstate Harbours" in row.links
    assert "Merge Harbours" not in row.links
    desk.post(f"/desk/topics/{harbours.pk}/reinstate")
    assert list(harbours.acts.order_by("pk").values_list("what", "note")) == [
        ("retired", "Nothing new."),
        ("reinstated", ""),
    ]


def test_a_topic_is_renamed_and_a_refusal_keeps_what_was_typed(
    desk: Client, harbours: Topic
) -> None:
    make_topic("Ports")
    path = f"/desk/topics/{harbours.pk}/rename"
    refused = Page(desk.post(path, {"name": "ports"}))
    assert refused.status == 422
    assert refused.value("name") == "ports"
    desk.post(path, {"name": "Havens"})
    harbours.refresh_from_db()
    assert (harbours.name, harbours.slug) == ("Havens", "harbours")


def test_a_topic_that_is_not_there(desk: Client) -> None:
    assert Page(desk.get("/desk/topics/4711/merge")).status == 404
