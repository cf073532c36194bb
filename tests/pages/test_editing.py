"""What a reader changes on pages of their own: rules, a pause, name and zone, and the link itself."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone

from dispatcher.audience import access, consent, editing
from dispatcher.audience.models import LeavingReason, Subscriber, Suppression
from dispatcher.audience.rules import EVERYTHING, Rule
from dispatcher.briefs import topics
from dispatcher.briefs.models import Topic
from dispatcher.mailing import matching
from tests.makers import make_brief, make_reader, make_topic
from tests.pages.reading import page, pressed, texts
from tests.pages.test_leaving import assert_private

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader() -> Subscriber:
    tides, fog = make_topic("Tides"), make_topic("Fog")
    for topic in (tides, fog, make_topic("Harbours")):
        make_brief(f"On {topic.name}", topics=[topic])
    return make_reader("ada@example.org", any_of=[tides], none_of=[fog])


@pytest.fixture
def link(reader: Subscriber) -> str:
    return f"/reader/{access.manage_token(reader.pk)}"


def ids(*names: str) -> list[int]:
    return [Topic.objects.get(name=name).pk for name in names]


def rules_of(reader: Subscriber) -> list[Rule]:
    return [Rule.of(row) for row in consent.live(reader)]


def test_a_rule_is_changed_and_the_old_one_is_kept_as_ended(
    client: Client, link: str, reader: Subscriber
) -> None:
    held = consent.live(reader).get()
    form = f"{link}/rules/{held.pk}"
    read = page(client, form)
    assert texts(read, "//label[input[@name='topic' and @checked]]") == ["Tides"]
    shown = read.xpath("string(//input[@name='shown']/@value)")
    answer = client.post(form, {"shown": shown, "topic": ids("Harbours"), "cadence": "at once"})
    assert answer["Location"] == f"{link}?done=changed"
    (rule,) = rules_of(reader)
    assert (rule.topics, rule.except_topics) == (frozenset(ids("Harbours")), frozenset())
    held.refresh_from_db()
    assert held.ended_reason == editing.CHANGED
    assert reader.consents.latest("pk").act == "changed"
    again = client.post(form, {"shown": shown, "topic": ids("Harbours"), "cadence": "at once"})
    assert again["Location"] == f"{link}?done=nothing"


def test_saving_never_touches_a_topic_that_the_page_did_not_show(
    client: Client, link: str, reader: Subscriber
) -> None:
    held = consent.live(reader).get()
    shown = " ".join(map(str, ids("Harbours")))
    client.post(f"{link}/rules/{held.pk}", {"shown": shown, "topic": ids("Harbours")})
    (rule,) = rules_of(reader)
    assert rule.topics == frozenset(ids("Harbours", "Tides"))
    assert rule.except_topics == frozenset(ids("Fog"))


def test_saving_what_stands_there_changes_nothing(
    client: Client, link: str, reader: Subscriber
) -> None:
    held = consent.live(reader).get()
    form = {"topic": ids("Tides"), "except": ids("Fog"), "cadence": "at once"}
    answer = client.post(f"{link}/rules/{held.pk}", form)
    assert answer["Location"] == f"{link}?done=nothing"
    assert consent.live(reader).get() == held


def test_another_readers_rule_cannot_be_changed(client: Client, link: str) -> None:
    other = make_reader("bob@example.org", any_of=[Topic.objects.get(name="Fog")])
    theirs = consent.live(other).get()
    answer = client.post(f"{link}/rules/{theirs.pk}", {"topic": ids("Tides")})
    assert answer["Location"] == f"{link}?done=nothing"
    assert consent.live(other).get() == theirs


def test_a_rule_is_added_once(client: Client, link: str, reader: Subscriber) -> None:
    for done in ("added", "nothing"):
        answer = client.post(f"{link}/rules/new", {"topic": ids("Fog")})
        assert answer["Location"] == f"{link}?done={done}"
    assert len(rules_of(reader)) == 2


def test_what_is_wrong_is_said_and_the_form_keeps_what_was_filled_in(
    client: Client, link: str
) -> None:
    (fog,) = ids("Fog")
    read = pressed(client, f"{link}/rules/new", {"topic": fog, "except": fog}, status=422)
    assert texts(read, "//div[@role='alert']") == [
        "Fog is both chosen and left out; keep one of the two."
    ]
    assert texts(read, "//label[input[@name='topic' and @checked]]") == ["Fog"]


def test_there_is_an_end_to_adding(client: Client, link: str, reader: Subscriber) -> None:
    for number in range(editing.MOST_RULES - 1):
        consent.subscribe(
            reader, Rule(topics=frozenset({make_topic(f"More {number}").pk})), source="a test"
        )
    answer = client.post(f"{link}/rules/new", {"topic": ids("Harbours")})
    assert answer.status_code == 422
    assert "20 choices are the most" in answer.content.decode()


def test_one_who_had_left_comes_back_by_following_more(
    client: Client, link: str, reader: Subscriber
) -> None:
    client.post(
        link, {"action": "everything"} | {"action": "stop", "rule": consent.live(reader).get().pk}
    )
    reader.refresh_from_db()
    assert reader.state == "left"
    client.post(f"{link}/rules/new", {"topic": ids("Fog")})
    reader.refresh_from_db()
    assert reader.state == "active"
    assert reader.consents.latest("pk").act == "returned"


def test_a_suppressed_address_gains_nothing(client: Client, link: str, reader: Subscriber) -> None:
    Suppression.objects.create(address=reader.address, reason="bounced")
    answer = client.post(f"{link}/rules/new", {"topic": ids("Fog")})
    assert answer.status_code == 409
    assert len(rules_of(reader)) == 1


def test_a_paused_reader_is_left_out_and_the_ledger_says_so(
    client: Client, link: str, reader: Subscriber
) -> None:
    Subscriber.objects.filter(pk=reader.pk).update(timezone="Pacific/Auckland")
    day = timezone.localdate() + timedelta(days=3)
    assert client.post(link, {"action": "pause", "until": day.isoformat()})["Location"] == (
        f"{link}?done=paused"
    )
    reader.refresh_from_db()
    assert reader.paused_until is not None
    begins = reader.paused_until.astimezone(ZoneInfo("Pacific/Auckland"))
    assert (begins.date(), begins.hour) == (day, 0)
    assert f"Paused until {day.day} " in page(client, link).text_content()
    reach = topics.Vocabulary().reach(ids("Tides"))
    assert matching.count(reach) == matching.Audience(0, {"paused": 1})
    client.post(link, {"action": "resume"})
    assert matching.count(reach) == matching.Audience(1, {})


def test_a_pause_that_is_over_counts_no_more(reader: Subscriber) -> None:
    past = timezone.now() - timedelta(minutes=1)
    Subscriber.objects.filter(pk=reader.pk).update(paused_until=past)
    assert matching.count(topics.Vocabulary().reach(ids("Tides"))).readers == 1


@pytest.mark.parametrize("until", ["", "tomorrow", "2020-01-01", "9999-12-31", "2026-02-30"])
def test_a_day_that_cannot_be_is_no_pause(
    client: Client, link: str, reader: Subscriber, until: str
) -> None:
    answer = client.post(link, {"action": "pause", "until": until})
    assert answer["Location"] == f"{link}?done=day"
    reader.refresh_from_db()
    assert reader.paused_until is None


def test_name_language_and_zone_are_saved(client: Client, link: str, reader: Subscriber) -> None:
    form = {"name": "Ada\r\nBcc: x", "language": "he", "time_zone": "Asia/Jerusalem"}
    assert client.post(f"{link}/details", form)["Location"] == f"{link}?done=saved"
    reader.refresh_from_db()
    assert (reader.name, reader.language, reader.timezone) == ("Ada Bcc: x", "he", "Asia/Jerusalem")
    wrong = client.post(f"{link}/details", form | {"time_zone": "Mars/Olympus"})
    assert wrong.status_code == 422
    reader.refresh_from_db()
    assert reader.timezone == "Asia/Jerusalem"


def test_a_new_link_replaces_the_old_ones_and_the_way_out_still_works(
    client: Client, link: str, reader: Subscriber
) -> None:
    way_out = f"/leave/{access.leave_token(reader.pk, 0)}"
    answer = client.post(link, {"action": "renew"})
    assert answer["Location"] != f"{link}?done=renewed"
    assert "This is your new link" in page(client, answer["Location"]).text_content()
    for path in ("", "/rules/new", "/details", "/address", "/letters"):
        for answer in (client.get(link + path), client.post(link + path)):
            assert answer.status_code == 404
            assert_private(answer.headers)
    assert "/reader/" not in client.get(way_out).content.decode()
    assert client.post(way_out, {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert not consent.live(reader).exists()


def test_why_somebody_left_is_kept_once_and_bounded(
    client: Client, link: str, reader: Subscriber
) -> None:
    way_out = f"/leave/{access.leave_token(reader.pk, 0)}"
    left = pressed(client, way_out, {"action": "leave"})
    assert "Would you say why?" in left.text_content()
    for words in ("Too long.", "x" * 600):
        form = {"action": "reason", "reason": "too many", "words": words}
        assert "Thank you." in pressed(client, way_out, form).text_content()
    kept = LeavingReason.objects.get()
    assert (kept.subscriber, kept.reason, len(kept.words)) == (reader, "too many", 500)
    assert "nothing was kept" in pressed(client, way_out, {"action": "reason"}).text_content()
    client.post(link, {"action": "reason", "reason": "made up", "words": "Mine"})
    assert LeavingReason.objects.get().reason == "other"


def test_everything_is_a_rule_too(client: Client, link: str, reader: Subscriber) -> None:
    client.post(f"{link}/rules/new", {"everything": "yes"})
    assert EVERYTHING in rules_of(reader)


def test_a_zone_and_a_language_that_no_form_offers_are_kept_by_saving_the_rest(
    client: Client, link: str, reader: Subscriber
) -> None:
    Subscriber.objects.filter(pk=reader.pk).update(
        timezone="Etc/GMT+3", language="pt-BR"
    )  # as an import may bring it
    read = page(client, f"{link}/details")
    (shown,) = texts(read, "//select[@name='time_zone']/option[@selected]")
    (spoken,) = texts(read, "//select[@name='language']/option[@selected]")
    assert (shown, spoken) == ("Etc/GMT+3", "pt-BR")  # as an import may bring them
    client.post(f"{link}/details", {"name": "Ada", "language": spoken, "time_zone": shown})
    reader.refresh_from_db()
    assert (reader.name, reader.timezone, reader.language) == ("Ada", "Etc/GMT+3", "pt-BR")
