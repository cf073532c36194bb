"""The topic algebra: one meaning in Python, in SQL and in words."""

from __future__ import annotations

import random
from collections.abc import Iterable

import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher.audience.models import Subscriber, Subscription
from dispatcher.audience.rules import (
    EVERYTHING,
    SQL_LETS_THROUGH,
    Cadence,
    Match,
    Rule,
    in_words,
    parse,
)
from dispatcher.errors import BadFile, UnknownTopic

ISRAEL, IRAN, LEBANON = 1, 2, 3
NAMES = {ISRAEL: "Israel", IRAN: "Iran", LEBANON: "Lebanon"}


def resolve(names: Iterable[str]) -> list[int]:
    known = {name.lower(): number for number, name in NAMES.items()}
    for name in names:
        if name.lower() not in known:
            raise UnknownTopic(f"Unknown topic {name!r}.")
    return [known[name.lower()] for name in names]


def any_of(*topics: int, without: Iterable[int] = (), cadence: str = Cadence.AT_ONCE) -> Rule:
    return Rule(Match.ANY, frozenset(topics), frozenset(without), cadence)


def all_of(*topics: int, without: Iterable[int] = ()) -> Rule:
    return Rule(Match.ALL, frozenset(topics), frozenset(without))


@pytest.mark.parametrize(
    ("rule", "reach", "passes"),
    [
        (any_of(ISRAEL, IRAN), [IRAN], True),
        (any_of(ISRAEL, IRAN), [LEBANON], False),
        (all_of(ISRAEL, IRAN), [IRAN], False),
        (all_of(ISRAEL, IRAN), [IRAN, LEBANON, ISRAEL], True),
        (any_of(ISRAEL, without=[LEBANON]), [ISRAEL, LEBANON], False),
        (any_of(ISRAEL, without=[LEBANON]), [ISRAEL], True),
        (EVERYTHING, [LEBANON], True),
        (EVERYTHING, [], True),
        (all_of(without=[LEBANON]), [LEBANON], False),
        (any_of(ISRAEL), [], False),
    ],
)
def test_a_rule_lets_through_what_it_says(rule: Rule, reach: list[int], passes: bool) -> None:
    assert rule.lets_through(reach) is passes


@pytest.mark.django_db
def test_sql_and_python_agree_on_every_rule_and_reach() -> None:
    rows = _random_subscriptions(400)
    subscriptions = Subscription.objects.bulk_create(rows)
    live = [(one.pk, Rule.of(one)) for one in subscriptions if one.ended_at is None]

    @settings(deadline=None, max_examples=150)
    @given(st.frozensets(st.integers(1, 9), max_size=6))
    def agree(reach: frozenset[int]) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT s.id FROM dispatcher_subscription s WHERE {SQL_LETS_THROUGH}",
                {"reach": sorted(reach)},
            )
            in_sql = {pk for (pk,) in cursor.fetchall()}
        assert in_sql == {pk for pk, rule in live if rule.lets_through(reach)}

    agree()


def _random_subscriptions(number: int) -> list[Subscription]:
    chance = random.Random(4)
    readers = Subscriber.objects.bulk_create(
        Subscriber(address=f"reader{n}@example.org") for n in range(number)
    )
    made = []
    for reader in readers:
        match = chance.choice(Match.values)
        made.append(
            Subscription(
                subscriber=reader,
                match=match,
                topics=sorted(chance.sample(range(1, 9), chance.randint(match == Match.ANY, 4))),
                except_topics=sorted(chance.sample(range(1, 9), chance.choice([0, 0, 1, 3]))),
                cadence=chance.choice(Cadence.values),
                ended_at=timezone.now() if chance.random() < 0.2 else None,
            )
        )
    return made


@pytest.mark.parametrize(
    ("cells", "rule"),
    [
        (("Iran", "", "", ""), any_of(IRAN)),
        (("Iran, israel;IRAN", "any", "", "At once"), any_of(IRAN, ISRAEL)),
        (("Iran;Israel", " ALL ", "Lebanon", ""), all_of(IRAN, ISRAEL, without=[LEBANON])),
        (("Iran", "", "", "daily"), any_of(IRAN, cadence=Cadence.DAILY)),
        (("Iran", "", "", "AT_ONCE"), any_of(IRAN)),
        (("Iran", "", "", "at-once"), any_of(IRAN)),
        (("*", "", "", ""), EVERYTHING),
        (("*", "any", "Iran", ""), all_of(without=[IRAN])),
        ((" , Iran ,, ", "", " ; ", ""), any_of(IRAN)),
    ],
)
def test_four_cells_are_a_rule(cells: tuple[str, str, str, str], rule: Rule) -> None:
    assert parse(*cells, resolve=resolve) == rule


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        (("", "", "", ""), "no topics"),
        ((" ;, ", "", "", ""), "no topics"),
        (("Iran", "some", "", ""), "match must be any or all, not 'some'"),
        (("Iran", "", "", "hourly"), "cadence must be at once, daily or weekly, not 'hourly'"),
        (("Iran", "", "", "x" * 1000), "cadence must be"),
        (("Iran", "", "Iran", ""), "both wanted and excepted"),
    ],
)
def test_cells_that_are_no_rule_are_refused(cells: tuple[str, str, str, str], reason: str) -> None:
    with pytest.raises(BadFile, match=reason) as refusal:
        parse(*cells, resolve=resolve)
    assert len(str(refusal.value)) < 120


def test_an_unknown_topic_is_refused_among_the_wanted_and_the_excepted() -> None:
    for cells in (("Atlantis", "", "", ""), ("Iran", "", "Atlantis", ""), ("*,Iran", "", "", "")):
        with pytest.raises(UnknownTopic):
            parse(*cells, resolve=resolve)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (any_of(ISRAEL, IRAN), "Iran or Israel, at once"),
        (all_of(ISRAEL, IRAN), "Iran and Israel, at once"),
        (
            any_of(IRAN, without=[LEBANON, ISRAEL], cadence=Cadence.DAILY),
            "Iran, but not Israel or Lebanon, daily",
        ),
        (EVERYTHING, "every brief, at once"),
        (all_of(without=[IRAN]), "every brief, but not Iran, at once"),
    ],
)
def test_a_rule_is_said_in_words(rule: Rule, words: str) -> None:
    assert in_words(rule, NAMES) == words
