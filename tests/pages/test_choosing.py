"""A rule as a form: what is shown can be chosen, and what was not shown stays as it was."""

from __future__ import annotations

import pytest
from django.http import QueryDict
from django.utils import timezone

from dispatcher import choosing
from dispatcher.audience.rules import EVERYTHING, Cadence, Match, Rule
from dispatcher.briefs.models import Topic
from dispatcher.errors import BadTopics
from tests.makers import make_topic

pytestmark = pytest.mark.django_db


def posted(**fields: str | list[str]) -> QueryDict:
    form = QueryDict(mutable=True)
    form["cadence"] = "at once"
    for name, value in fields.items():
        form.setlist(name, value if isinstance(value, list) else [value])
    return form


def test_topics_stand_under_the_one_above_them_and_those_alone_come_first() -> None:
    iran = make_topic("Iran")
    missiles = make_topic("Iran Missiles", parent=iran)
    make_topic("Tests", parent=missiles)
    make_topic("Tides")
    groups = choosing.offered(Rule(topics=frozenset({missiles.pk}))).groups
    said = [
        (group.name, [(c.name, c.depth, c.is_wanted) for c in group.choices]) for group in groups
    ]
    assert said == [
        ("", [("Tides", 0, False)]),
        ("Iran", [("Iran", 0, False), ("Iran Missiles", 1, True), ("Tests", 2, False)]),
    ]


def test_a_topic_beneath_a_retired_one_is_still_offered() -> None:
    iran = make_topic("Iran")
    make_topic("Iran Missiles", parent=iran)
    Topic.objects.filter(pk=iran.pk).update(retired_at=timezone.now())
    (group,) = choosing.offered().groups
    assert [choice.name for choice in group.choices] == ["Iran Missiles"]


def test_what_the_page_did_not_show_is_never_touched() -> None:
    shown, retired, later = make_topic("Iran"), make_topic("Old"), make_topic("New")
    Topic.objects.filter(pk=retired.pk).update(retired_at=timezone.now())
    held = Rule(
        topics=frozenset({shown.pk, retired.pk, later.pk}), except_topics=frozenset({999_999})
    )
    form = posted(shown=str(shown.pk), cadence="weekly")
    rule = choosing.chosen(form, held=held)
    assert rule.topics == {retired.pk, later.pk}
    assert rule.except_topics == {999_999}
    assert rule.cadence == Cadence.WEEKLY


def test_ids_that_no_page_shows_are_not_taken() -> None:
    iran, retired = make_topic("Iran"), make_topic("Old")
    Topic.objects.filter(pk=retired.pk).update(retired_at=timezone.now())
    form = posted(topic=[str(iran.pk), str(retired.pk), "4242", "٣", "1e3"])
    form["shown"] = f"{iran.pk} {retired.pk} 4242"
    assert choosing.chosen(form).topics == {iran.pk}


def test_several_rules_may_stand_on_one_page() -> None:
    iran, tides = make_topic("Iran"), make_topic("Tides")
    form = posted(**{"a-topic": str(iran.pk), "a-cadence": "daily"})
    form.update({"b-everything": "yes", "b-cadence": "weekly", "b-except": str(tides.pk)})
    assert choosing.chosen(form, prefix="a-") == Rule(
        topics=frozenset({iran.pk}), cadence=Cadence.DAILY
    )
    assert choosing.chosen(form, prefix="b-") == Rule(
        Match.ALL, except_topics=frozenset({tides.pk}), cadence=Cadence.WEEKLY
    )


def test_all_of_one_list_and_any_are_told_apart() -> None:
    iran = make_topic("Iran")
    assert choosing.chosen(posted(topic=str(iran.pk), match="all")).match == Match.ALL
    assert choosing.chosen(posted(topic=str(iran.pk))).match == Match.ANY
    assert choosing.chosen(posted(everything="yes")) == EVERYTHING
    with pytest.raises(BadTopics, match="at least one topic"):
        choosing.chosen(posted(match="all"))


def test_a_topic_cannot_be_both_chosen_and_left_out() -> None:
    iran = make_topic("Iran")
    with pytest.raises(BadTopics, match="Iran is both chosen and left out"):
        choosing.chosen(posted(topic=str(iran.pk), **{"except": str(iran.pk)}))
