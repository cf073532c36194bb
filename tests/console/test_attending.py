"""What staff do for one reader: the reader's own verbs, in staff's name, and undone where that can be."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from dispatcher.audience import consent, editing, standing, suppressing
from dispatcher.audience.models import Consent, Subscriber
from dispatcher.audience.rules import Rule
from dispatcher.briefs.models import Topic
from dispatcher.mailing import erasing, leaving
from dispatcher.mailing.models import Notice
from tests import makers
from tests.console.reading import Page

pytestmark = pytest.mark.django_db

BY = "desk by ada"


@pytest.fixture
def tides() -> Topic:
    return makers.make_topic("Tides")


@pytest.fixture
def reader(tides: Topic) -> Subscriber:
    return makers.make_reader("gil@example.org", any_of=[tides])


def at(reader: Subscriber, way: str = "") -> str:
    return f"/desk/readers/{reader.pk}/{way}"


def press(desk: Client, path: str, **form: object) -> Page:
    return Page(desk.post(path, form, follow=True))


def acts(reader: Subscriber) -> list[tuple[str, str]]:
    return list(reader.consents.order_by("pk").values_list("act", "source"))


def state(reader: Subscriber) -> str:
    reader.refresh_from_db()
    return reader.state


def test_a_rule_is_ended_and_taken_up_again(desk: Client, reader: Subscriber) -> None:
    (rule,) = consent.live(reader)
    for said in ("Ended:", "it was so already"):
        assert said in press(desk, at(reader, f"rules/{rule.pk}/end")).text
    assert (state(reader), acts(reader)) == ("left", [("left", BY)])
    page = Page(desk.get(at(reader)))
    assert "ended by staff" in page.text
    assert Notice.objects.get().kind == "farewell"

    for said in ("Taken up again", "it was so already"):
        assert said in press(desk, at(reader, f"rules/{rule.pk}/again")).text
    assert (state(reader), acts(reader)) == ("active", [("left", BY), ("returned", BY)])
    (live,) = consent.live(reader)
    assert live.topics == rule.topics
    assert "Take up again" not in Page(desk.get(at(reader))).buttons


def test_what_the_reader_ended_staff_do_not_take_up(
    desk: Client, reader: Subscriber, tides: Topic
) -> None:
    (rule,) = consent.live(reader)
    leaving.stop(reader.pk, rule.pk, source="their page")
    assert "Take up again" not in Page(desk.get(at(reader))).buttons
    assert "only they can" in press(desk, at(reader, f"rules/{rule.pk}/again")).text
    said = press(desk, at(reader, "rules/new"), topic=tides.pk, cadence="daily").text
    assert "only the reader can come back" in said
    assert state(reader) == "left"
    assert not consent.live(reader).exists()


def test_who_left_after_staff_ended_a_rule_is_not_brought_back(
    desk: Client, reader: Subscriber
) -> None:
    fog = makers.make_topic("Fog")
    first = consent.live(reader).get()
    other = consent.subscribe(reader, Rule(topics=frozenset({fog.pk})), source="a test")
    press(desk, at(reader, f"rules/{first.pk}/end"))
    leaving.stop(reader.pk, other.pk, source="their page")
    assert "only they can" in press(desk, at(reader, f"rules/{first.pk}/again")).text
    assert state(reader) == "left"


def test_no_import_brings_back_what_staff_ended(
    desk: Client, reader: Subscriber, tides: Topic
) -> None:
    makers_fog = makers.make_topic("Fog")
    consent.subscribe(reader, Rule(topics=frozenset({makers_fog.pk})), source="a test")
    rule = consent.live(reader).order_by("pk")[0]
    press(desk, at(reader, f"rules/{rule.pk}/end"))
    assert consent.has_left(reader, Rule(topics=frozenset({tides.pk})))


def test_the_reader_takes_back_what_staff_ended(desk: Client, reader: Subscriber) -> None:
    press(desk, at(reader, f"rules/{consent.live(reader).get().pk}/end"))
    assert standing.undo(reader.pk, source="their page") == 1
    assert state(reader) == "active"


def test_a_rule_is_added_with_all_it_may_have(
    desk: Client, reader: Subscriber, tides: Topic
) -> None:
    fog, rain = makers.make_topic("Fog"), makers.make_topic("Rain")
    form = {"topic": [tides.pk, fog.pk], "except": rain.pk, "match": "all", "cadence": "weekly"}
    assert "Saved." in press(desk, at(reader, "rules/new"), **form).text
    added = consent.live(reader).order_by("-pk")[0]
    assert Rule.of(added) == Rule(
        "all", frozenset({tides.pk, fog.pk}), frozenset({rain.pk}), "weekly"
    )
    assert (added.source, acts(reader)) == (BY, [("changed", BY)])
    assert "so already" in press(desk, at(reader, "rules/new"), **form).text
    assert consent.live(reader).count() == 2


def test_a_rule_is_changed_and_keeps_what_the_form_did_not_show(
    desk: Client, reader: Subscriber, tides: Topic
) -> None:
    gone = makers.make_topic("Gone")
    rule = consent.subscribe(reader, Rule(topics=frozenset({tides.pk, gone.pk})), source="a test")
    Topic.objects.filter(pk=gone.pk).update(retired_at=timezone.now())
    path = at(reader, f"rules/{rule.pk}")
    assert Page(desk.get(path)).heading == "Change a rule"
    form = {"topic": tides.pk, "cadence": "daily", "shown": str(tides.pk)}
    assert "Saved." in press(desk, path, **form).text
    changed = consent.live(reader).order_by("-pk")[0]
    assert (sorted(changed.topics), changed.cadence) == (sorted([tides.pk, gone.pk]), "daily")
    rule.refresh_from_db()
    assert rule.ended_reason == editing.CHANGED_BY_STAFF
    assert "has ended meanwhile" in Page(desk.get(path, follow=True)).text
    assert "Take up again" in Page(desk.get(at(reader))).buttons


def test_topics_that_the_reader_left_come_in_by_no_change(
    desk: Client, reader: Subscriber, tides: Topic
) -> None:
    fog = makers.make_topic("Fog")
    other = consent.subscribe(reader, Rule(topics=frozenset({fog.pk})), source="a test")
    leaving.stop(reader.pk, other.pk, source="their page")
    rule = consent.live(reader).get()
    for form in ({"topic": [tides.pk, fog.pk]}, {"everything": "yes"}):
        page = press(desk, at(reader, f"rules/{rule.pk}"), cadence="at once", **form)
        assert "only the reader can" in page.text
    assert consent.live(reader).get() == rule


def test_a_form_that_cannot_be_kept_says_why(desk: Client, reader: Subscriber) -> None:
    page = Page(desk.post(at(reader, "rules/new"), {"cadence": "daily"}))
    assert (page.status, "Choose at least one topic" in page.text) == (422, True)
    page = Page(desk.post(at(reader, "pause"), {"until": "1999-01-01"}))
    assert (page.status, "from tomorrow on" in page.text) == (422, True)


def test_letters_are_paused_and_resumed(desk: Client, reader: Subscriber) -> None:
    day = timezone.localdate() + timedelta(days=9)
    assert f"Pause letters to {reader.address}" in Page(desk.get(at(reader, "pause"))).buttons
    assert "Paused until" in press(desk, at(reader, "pause"), until=str(day)).text
    assert "Letters come again" in press(desk, at(reader, "resume")).text
    assert acts(reader) == [("paused", BY), ("resumed", BY)]


def test_a_pause_does_not_take_the_way_back_from_who_left(reader: Subscriber) -> None:
    leaving.stop_everything(reader.pk, source="their page")
    day = timezone.localdate() + timedelta(days=9)
    editing.pause(reader.pk, str(day), source="their page")
    assert standing.undo(reader.pk, source="their page") == 1


def test_the_link_to_the_page_goes_to_the_reader_once(desk: Client, reader: Subscriber) -> None:
    assert "on its way to gil@example.org" in press(desk, at(reader, "link")).text
    assert "a few minutes ago" in press(desk, at(reader, "link")).text
    notice = Notice.objects.get()
    assert (notice.kind, notice.address, notice.by) == ("page", reader.address, BY)
    assert "Letter: Link to their page" in Page(desk.get(at(reader))).text
    suppressing.suppress(reader.address, reason="complaint")
    Notice.objects.all().delete()
    assert "Nothing is mailed to this address: complaint." in press(desk, at(reader, "link")).text
    assert not Notice.objects.exists()


def test_a_reader_is_erased_only_from_the_page_that_names_the_address(
    desk: Client, reader: Subscriber
) -> None:
    page = Page(desk.get(at(reader, "erase")))
    assert "Erase gil@example.org" in page.buttons
    assert desk.post(at(reader, "erase"), {"address": "other@example.org"}).status_code == 409
    assert Subscriber.objects.filter(address="gil@example.org").exists()
    assert "Erased." in press(desk, at(reader, "erase"), address="gil@example.org").text
    reader.refresh_from_db()
    assert reader.address.endswith("@erased.invalid")
    assert acts(reader)[-1] == ("erased", BY)


@pytest.mark.parametrize(
    "way", ["suppress", "lift", "pause", "resume", "link", "erase", "rules/new"]
)
def test_nothing_is_done_for_a_reader_who_was_erased(
    desk: Client, reader: Subscriber, way: str
) -> None:
    erasing.erase(reader.pk, by="a test")
    before = Consent.objects.count()
    response = desk.post(at(reader, way), {"reason": "x", "until": "2099-01-01"})
    assert response.status_code == 404
    assert Consent.objects.count() == before
    assert consent.suppressed("gil@example.org") == consent.ERASED
    page = Page(desk.get(at(reader)))
    assert page.buttons == []
    assert "Erase…" not in page.links


@pytest.mark.parametrize("way", ["rules/{}/end", "rules/{}/again", "resume", "link"])
def test_what_acts_at_once_is_posted(desk: Client, reader: Subscriber, way: str) -> None:
    rule = consent.live(reader).get().pk
    assert desk.get(at(reader, way.format(rule))).status_code == 405
    assert consent.live(reader).exists()


def test_looking_changes_nothing(desk: Client, reader: Subscriber) -> None:
    rule = consent.live(reader).get().pk
    for way in ("", "suppress", "lift", "pause", "erase", "rules/new", f"rules/{rule}"):
        assert desk.get(at(reader, way)).status_code == 200
    assert consent.live(reader).count() == 1
    assert acts(reader) == []
    assert not consent.suppressed(reader.address)


def test_all_that_has_been_stands_on_one_line_of_time(desk: Client, reader: Subscriber) -> None:
    reader.consents.create(act="confirmed", source="page")
    suppressing.suppress(reader.address, reason="asked by phone", by=BY)
    reader.receipts.create(
        kind="soft bounce", address=reader.address, status="5.2.2", source="pipe"
    )
    suppressing.lift(reader.address, reason="a mistake", by=BY)
    found = Page(desk.get(at(reader))).root.xpath("//ol[@class='timeline']/li")
    told = [" ".join(line.text_content().split()) for line in found]
    assert [line.split(" today")[0] for line in told] == [
        "Lifted: a mistake",
        "Soft bounce 5.2.2",
        "Suppressed: asked by phone",
        "Confirmed",
    ]
