"""Readers asking, leaving and coming back, also twice and at the same moment."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from dispatcher.audience import consent, suppressing
from dispatcher.audience.models import Consent, Subscriber, Subscription, Suppression
from dispatcher.audience.rules import EVERYTHING, Cadence, Match, Rule
from dispatcher.briefs.models import Topic
from dispatcher.errors import BadAddress, NoSuchReader, NotWelcome
from tests.makers import make_reader, make_topic
from tests.meanwhile import overtaken

ADA = "ada@example.org"
pytestmark = pytest.mark.django_db


def rule(*topics: Topic, cadence: str = Cadence.AT_ONCE) -> Rule:
    return Rule(Match.ANY, frozenset(topic.pk for topic in topics), cadence=cadence)


def add(address: str = ADA, *topics: Topic, **fields: str) -> Subscriber:
    wanted = rule(*topics) if topics else rule(make_topic())
    return consent.add(address, wanted, source="a test", **fields)


def acts(reader: Subscriber) -> list[str]:
    return list(reader.consents.order_by("pk").values_list("act", flat=True))


def leave(reader: Subscriber, *topics: Topic) -> int:
    """Leave the rules for these topics, all rules without any."""
    rows = consent.live(reader)
    if topics:
        rows = rows.filter(topics__overlap=[topic.pk for topic in topics])
    return consent.leave(reader, rows, source="a link")


def test_staff_adds_an_active_reader_with_a_rule_and_a_consent() -> None:
    reader = add("Ada@Example.org", name=" Ada\r\nBcc: bo@example.org ")
    assert (reader.address, reader.state) == ("Ada@example.org", Subscriber.State.ACTIVE)
    assert reader.name == "Ada Bcc: bo@example.org"
    assert consent.live(reader).count() == 1
    assert acts(reader) == [Consent.Act.ADDED]


def test_a_reader_is_found_in_any_case() -> None:
    reader = add("Zoë.Example@example.org")
    assert consent.find("ZOË.EXAMPLE@EXAMPLE.ORG") == reader


def test_a_stranger_is_not_found() -> None:
    with pytest.raises(NoSuchReader, match=ADA):
        consent.find(ADA)
    with pytest.raises(BadAddress):
        consent.find("ada")


def test_looking_for_an_address_uses_the_index() -> None:
    Subscriber.objects.bulk_create(
        Subscriber(address=f"reader{n}@example.org") for n in range(2000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE dispatcher_subscriber")
    plan = Subscriber.objects.filter(consent.same(ADA)).explain()
    assert "subscriber_address_unique" in plan


def test_adding_twice_adds_nothing() -> None:
    topic = make_topic()
    assert add(ADA, topic) == add("ADA@example.org", topic)
    assert Subscription.objects.count() == 1
    assert Consent.objects.count() == 1


def test_a_known_reader_gains_another_rule() -> None:
    reader = add(ADA, make_topic("Harbours"))
    add(ADA, make_topic("Ferries"))
    assert consent.live(reader).count() == 2


def test_a_long_source_is_cut_to_what_is_stored() -> None:
    consent.add(ADA, rule(make_topic()), source="x" * 500)
    assert len(Subscription.objects.get().source) == 80


def test_who_left_is_not_added_again() -> None:
    reader = add()
    leave(reader)
    with pytest.raises(NotWelcome, match="only the reader can come back"):
        add()
    assert not consent.live(reader).exists()


def test_who_is_suppressed_is_not_added_in_any_case_of_the_address() -> None:
    suppressing.suppress("ADA@example.org", reason="complained")
    with pytest.raises(NotWelcome, match="complained"):
        add("ada@EXAMPLE.org")
    assert not Subscriber.objects.exists()


def test_who_has_not_confirmed_is_not_added() -> None:
    make_reader(ADA, state=Subscriber.State.PENDING)
    with pytest.raises(NotWelcome, match="must confirm"):
        add()


def test_a_rule_that_the_reader_ended_is_not_given_again() -> None:
    harbours, ferries = make_topic("Harbours"), make_topic("Ferries")
    reader = add(ADA, harbours)
    add(ADA, ferries)
    leave(reader, harbours)

    for wanted in (
        rule(harbours),
        rule(harbours, cadence=Cadence.WEEKLY),
        rule(harbours, ferries),
        EVERYTHING,
    ):
        with pytest.raises(NotWelcome, match="left these topics"):
            consent.add(ADA, wanted, source="a test")
    consent.add(ADA, rule(make_topic("Bridges")), source="a test")
    assert consent.live(reader).count() == 2


def test_what_stands_above_or_beneath_an_ended_rule_is_not_given() -> None:
    transport = make_topic("Transport")
    harbours = make_topic("Harbours", parent=transport)
    docks = make_topic("Docks", parent=harbours)
    bridges = make_topic("Bridges", parent=transport)
    reader = add(ADA, harbours)
    add(ADA, make_topic("Ferries"))
    leave(reader, harbours)

    for wanted in (transport, harbours, docks):
        with pytest.raises(NotWelcome):
            add(ADA, wanted)
    add(ADA, bridges)


def test_leaving_one_rule_keeps_the_others() -> None:
    harbours = make_topic("Harbours")
    reader = add(ADA, harbours)
    add(ADA, make_topic("Ferries"))
    assert leave(reader, harbours) == 1

    reader.refresh_from_db()
    assert reader.state == Subscriber.State.ACTIVE
    assert consent.live(reader).count() == 1
    assert acts(reader) == [Consent.Act.ADDED, Consent.Act.CHANGED, Consent.Act.LEFT]


def test_leaving_the_last_rule_is_leaving_and_repeats_do_nothing() -> None:
    reader = add()
    assert leave(reader) == 1
    assert consent.leave(reader, reader.subscriptions.all(), source="a link") == 0

    reader.refresh_from_db()
    assert reader.state == Subscriber.State.LEFT
    assert acts(reader) == [Consent.Act.ADDED, Consent.Act.LEFT]
    ended = reader.subscriptions.get()
    assert ended.ended_at
    assert ended.ended_reason == consent.BY_READER


def test_nobody_leaves_for_another() -> None:
    ada, bo = add(), add("bo@example.org")
    assert consent.leave(ada, bo.subscriptions.all(), source="a link") == 0
    assert consent.live(bo).exists()


def test_undo_brings_back_what_was_ended_last() -> None:
    harbours, ferries = make_topic("Harbours"), make_topic("Ferries")
    reader = add(ADA, harbours)
    add(ADA, ferries)
    leave(reader, ferries)
    leave(reader)

    assert consent.undo(reader, source="a link") == 1
    reader.refresh_from_db()
    assert reader.state == Subscriber.State.ACTIVE
    assert [row.topics for row in consent.live(reader)] == [[harbours.pk]]
    assert acts(reader)[-1] == Consent.Act.RETURNED


def test_undo_twice_brings_back_no_more_than_once() -> None:
    harbours, ferries = make_topic("Harbours"), make_topic("Ferries")
    reader = add(ADA, harbours)
    add(ADA, ferries)
    leave(reader, ferries)
    leave(reader)
    consent.undo(reader, source="a link")

    assert consent.undoable(reader) == []
    assert consent.undo(reader, source="a link") == 0
    assert consent.live(reader).count() == 1


def test_undo_brings_back_a_rule_that_another_one_resembles() -> None:
    harbours = make_topic()
    reader = add(ADA, harbours)
    consent.subscribe(reader, rule(harbours, cadence=Cadence.WEEKLY), source="a test")
    at_once = consent.live(reader).filter(cadence=Cadence.AT_ONCE)
    consent.leave(reader, at_once, source="a test")
    assert consent.undo(reader, source="a test") == 1
    assert consent.live(reader).count() == 2


def test_undo_ends_after_a_day() -> None:
    reader = add()
    leave(reader)
    long_ago = timezone.now() - timedelta(hours=consent.UNDO_HOURS, minutes=1)
    reader.subscriptions.update(ended_at=long_ago)

    assert consent.undo(reader, source="a link") == 0
    reader.refresh_from_db()
    assert reader.state == Subscriber.State.LEFT


def test_undo_does_not_lift_a_suppression() -> None:
    reader = add()
    leave(reader)
    suppressing.suppress(ADA, reason="complained")
    assert consent.undo(reader, source="a link") == 0


def test_a_rule_that_was_undone_may_be_given_by_staff_again() -> None:
    topic = make_topic()
    reader = add(ADA, topic)
    leave(reader)
    consent.undo(reader, source="a link")
    add(ADA, topic)
    assert consent.live(reader).count() == 1


def test_suppressing_twice_keeps_the_first_reason() -> None:
    suppressing.suppress(ADA, reason="hard bounce")
    suppressing.suppress("Ada@Example.org", reason="complained")
    assert consent.suppressed("ADA@EXAMPLE.ORG") == "hard bounce"
    assert Suppression.objects.count() == 1
    assert consent.suppressed("bo@example.org") == ""


@pytest.mark.parametrize("address", ["Ada@example.org", "ZOË@example.org", "ΑΣ@example.org"])
def test_the_suppressed_are_found_among_many_however_their_case_folds(address: str) -> None:
    suppressing.suppress(address, reason="complained")
    others = ["bo@example.org", "İ@example.org"]
    assert consent.suppressed_among([*others, address]) == {address.lower()}
    assert consent.suppressed_among(others) == set()
    assert consent.suppressed_among([]) == set()


def test_a_name_is_one_printable_line() -> None:
    assert consent.one_line(" Ada\u2028\tde  la\x00Cruz\x1b[31m ") == "Ada de la Cruz [31m"
    assert consent.one_line("\u202eevil") == "evil"
    assert consent.one_line("علی\u200cرضا") == "علی\u200cرضا"
    assert len(consent.one_line("x" * 1000)) == 200


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("address", [ADA, "ADA@Example.org"])
def test_two_who_add_the_same_address_at_once_make_one_reader(address: str) -> None:
    topic = make_topic()
    reader = overtaken(lambda: add(address, topic), by=lambda: add(ADA, topic))
    assert Subscriber.objects.get() == reader
    assert consent.live(reader).count() == 1
    assert acts(reader) == [Consent.Act.ADDED]


@pytest.mark.django_db(transaction=True)
def test_two_who_give_the_same_rule_at_once_give_it_once() -> None:
    topic = make_topic("Ferries")
    reader = add(ADA, make_topic())
    give: Callable[[], Subscription] = lambda: consent.subscribe(  # noqa: E731
        reader, rule(topic), source="a test"
    )
    overtaken(give, by=give)
    assert consent.live(reader).count() == 2


@pytest.mark.django_db(transaction=True)
def test_two_who_suppress_the_same_address_at_once_make_one_suppression() -> None:
    overtaken(
        lambda: suppressing.suppress("ADA@example.org", reason="second"),
        by=lambda: suppressing.suppress(ADA, reason="first"),
    )
    assert consent.suppressed(ADA) == "first"


@pytest.mark.django_db(transaction=True)
def test_leaving_twice_at_once_is_leaving_once() -> None:
    reader = add()
    overtaken(lambda: leave(reader), by=lambda: leave(reader))
    reader.refresh_from_db()
    assert reader.state == Subscriber.State.LEFT
    assert acts(reader) == [Consent.Act.ADDED, Consent.Act.LEFT]


@pytest.mark.django_db(transaction=True)
def test_undoing_twice_at_once_is_undoing_once() -> None:
    reader = add()
    leave(reader)
    undo: Callable[[], int] = lambda: consent.undo(reader, source="a link")  # noqa: E731
    assert overtaken(undo, by=undo) == 0
    assert consent.live(reader).count() == 1
