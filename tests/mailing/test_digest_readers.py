"""What a digest's reader may do about it: pause, leave by its link, see what came; and what of it is kept."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from dispatcher.audience import access, consent, editing
from dispatcher.audience.models import Subscriber
from dispatcher.audience.rules import Cadence, Rule
from dispatcher.errors import WrongState
from dispatcher.mailing import history, resending, retention
from dispatcher.mailing.models import Delivery, DigestRun, Dispatch, Owed
from tests.mailing.test_digests import DAY, MONDAY, held_by, release, run, start
from tests.makers import make_reader, make_topic

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader() -> Subscriber:
    start()
    return make_reader("ada@example.org", any_of=[make_topic("Iran")], cadence=Cadence.DAILY)


def pause(reader: Subscriber, *, days: int) -> None:
    until = timezone.now() + timedelta(days=days)
    Subscriber.objects.filter(pk=reader.pk).update(paused_until=until)


def test_what_was_owed_before_a_pause_comes_after_it_and_what_went_out_meanwhile_does_not(
    reader: Subscriber,
) -> None:
    iran = make_topic("Iran")
    make_reader("bob@example.org", any_of=[iran])  # for whom all of it is released
    release("Before", iran, source_id="before")
    pause(reader, days=3)
    release("Meanwhile", iran, source_id="meanwhile")
    assert run(MONDAY) == 0
    assert Owed.objects.count() == 1
    pause(reader, days=-1)
    release("After", iran, source_id="after")
    assert run(MONDAY + DAY) == 1
    assert held_by(reader) == [["after", "before"]]


def test_a_digests_link_stops_the_digests_it_came_by_and_no_other_letters(
    client: Client, reader: Subscriber
) -> None:
    iran, cyber = make_topic("Iran"), make_topic("Cyber")
    weekly = Rule(topics=frozenset({iran.pk}), cadence=Cadence.WEEKLY)
    elsewhere = Rule(topics=frozenset({cyber.pk}), cadence=Cadence.DAILY)
    at_once = Rule(topics=frozenset({cyber.pk}))
    for rule in (weekly, elsewhere, at_once):
        consent.subscribe(reader, rule, source="a test")
    release("One", iran)
    assert run(MONDAY) == 1
    digest = Dispatch.objects.get(kind="digest")
    link = f"/leave/{access.leave_token(reader.pk, digest.pk)}"
    assert "In a daily digest" in client.get(link).content.decode()
    for _ in range(2):
        assert client.post(link, {"List-Unsubscribe": "One-Click"}).status_code == 200
        left = {Rule.of(row) for row in consent.live(reader)}
        assert left == {weekly, elsewhere, at_once}


@pytest.mark.parametrize(
    ("before", "after"),
    [(Cadence.DAILY, Cadence.AT_ONCE), (Cadence.AT_ONCE, Cadence.DAILY)],
)
def test_a_letter_of_before_its_rule_changed_the_cadence_can_be_left_by_its_link(
    client: Client, before: str, after: str
) -> None:
    start()
    iran = make_topic("Iran")
    reader = make_reader("ada@example.org", any_of=[iran], cadence=before)
    release("One", iran)
    rule = consent.live(reader).get()
    changed = Rule(topics=frozenset({iran.pk}), cadence=after)
    assert editing.change(reader.pk, rule.pk, changed, source="a test")
    run(MONDAY + DAY)  # with the last digest of who had them
    letter = Delivery.objects.get(subscriber=reader).dispatch
    more = Rule(topics=frozenset({make_topic("Fog").pk}), cadence=after)
    consent.subscribe(reader, more, source="a test")
    link = f"/leave/{access.leave_token(reader.pk, letter.pk)}"
    for _ in range(2):
        assert client.post(link, {"List-Unsubscribe": "One-Click"}).status_code == 200
        assert [Rule.of(row) for row in consent.live(reader)] == [more]


def test_an_urgent_letter_to_a_digests_reader_can_be_left_by_its_link(
    client: Client, reader: Subscriber
) -> None:
    release("Now", make_topic("Iran"), urgent=True)
    alert = Delivery.objects.get(subscriber=reader).dispatch
    client.post(f"/leave/{access.leave_token(reader.pk, alert.pk)}")
    assert not consent.live(reader).exists()


def test_the_last_letters_name_what_a_digest_held_and_why(reader: Subscriber) -> None:
    reader.subscriptions.update(started_at=timezone.now() - DAY)
    iran = make_topic("Iran")
    release("One", iran)
    release("Two", iran)
    run(MONDAY)
    (letter,) = history.letters(reader.pk)
    assert letter.headline.startswith("Your daily digest: 2 briefs")
    assert [headline for headline, _ in letter.briefs] == ["One", "Two"]
    assert letter.why == ("Briefs on Iran",)


def test_letters_of_old_digests_and_runs_for_nobody_go_and_what_they_held_stays(
    reader: Subscriber,
) -> None:
    release("One", make_topic("Iran"), source_id="one")
    run(MONDAY)
    digest = Dispatch.objects.get(kind="digest")
    Delivery.objects.filter(dispatch=digest).update(state="failed", code="4.4.1")
    long_ago = timezone.now() - timedelta(days=40)
    Dispatch.objects.filter(pk=digest.pk).update(state="done", finished_at=long_ago)
    DigestRun.objects.update(finished_at=long_ago)
    gone = retention.tidy()
    assert (gone["letters of digests"], DigestRun.objects.get()) == (1, digest.run)
    digest.refresh_from_db()
    assert bytes(digest.letter) == b""
    assert held_by(reader) == [["one"]]
    assert resending.rest(digest).letters == 0
    with pytest.raises(WrongState, match="no longer kept"):
        resending.send_rest(digest.pk, by="ada")
    assert retention.due()["letters of digests"] == 0
