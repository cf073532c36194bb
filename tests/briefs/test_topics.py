"""The topic vocabulary: loading it, resolving names, and which topics stand above which."""

from __future__ import annotations

import pytest
from django.utils import timezone

from dispatcher.briefs import topics
from dispatcher.briefs.models import Topic
from dispatcher.briefs.topics import TopicCount, Vocabulary, import_lines
from dispatcher.errors import BadTopics, UnknownTopic
from tests.makers import make_topic
from tests.meanwhile import overtaken

pytestmark = pytest.mark.django_db
FILE = """
# What we write about
Transport
  Harbours | Ports,  Sea   Ports
    Docks
  Ferries
\tBridges
Energy | Power
""".splitlines()


def topic(slug: str) -> Topic:
    return Topic.objects.get(slug=slug)


def tree() -> dict[str, str]:
    rows = Topic.objects.select_related("parent")
    return {row.name: row.parent.name if row.parent else "" for row in rows}


def test_a_file_loads_with_aliases_and_what_stands_beneath_what() -> None:
    assert import_lines(FILE) == TopicCount(added=6, kept=0)
    assert tree() == {
        "Transport": "",
        "Harbours": "Transport",
        "Docks": "Harbours",
        "Ferries": "Transport",
        "Bridges": "Ferries",  # a tab goes to the eighth column
        "Energy": "",
    }
    assert topic("harbours").aliases == ["Ports", "Sea Ports"]


def test_the_same_file_twice_adds_nothing() -> None:
    import_lines(FILE)
    before = tree()
    assert import_lines(FILE) == TopicCount(added=0, kept=6)
    assert tree() == before
    assert topic("harbours").aliases == ["Ports", "Sea Ports"]


def test_a_later_file_adds_aliases_and_moves_topics() -> None:
    import_lines(["Transport", "Harbours | Ports"])
    import_lines(["Transport", "  HARBOURS | Havens"])
    assert tree()["Harbours"] == "Transport"
    assert topic("harbours").aliases == ["Havens", "Ports"]


@pytest.mark.parametrize(
    "lines",
    [
        ["Harbours", "  Harbours"],
        ["Harbours", "  Docks", "Docks", "  Harbours"],
        ["Harbours", "  Docks", "    Quays", "Quays", "  Harbours"],
    ],
)
def test_no_topic_comes_to_stand_beneath_itself(lines: list[str]) -> None:
    with pytest.raises(BadTopics, match=rf"Line {len(lines)}: .* beneath itself"):
        import_lines(lines)
    assert not Topic.objects.exists()


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ([], "names no topics"),
        (["", "  ", "# only a remark"], "names no topics"),
        (["Harbours", "!!!"], r"Line 2: '!!!' is no topic name"),
        (["| Ports"], r"Line 1: '' is no topic name"),
        (["Har\x00bours"], "is no topic name"),
        (["Har\u202ebours"], "is no topic name"),
        (["x" * 121], "is no topic name"),
        (["Harbours | " + "x" * 121], "is no topic name"),
        (["Harbours | \u200b"], "is no topic name"),
        (["C++", "C#"], "Line 2: 'C#' would share its web name 'c' with 'C\\+\\+'"),
        (["x" * 100, "x" * 100 + "y"], "would share its web name"),
        (["Harbours | Ports", "Docks | ports"], "Line 2: The alias 'ports' means 'Harbours'"),
        (["Harbours", "Docks | HARBOURS"], "Line 2: The alias 'harbours' means 'Harbours'"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_whole(lines: list[str], reason: str) -> None:
    with pytest.raises(BadTopics, match=reason) as refusal:
        import_lines(lines)
    assert str(refusal.value).isprintable()
    assert not Topic.objects.exists()


def test_a_name_without_latin_letters_keeps_its_own_in_the_slug() -> None:
    made, is_new = topics.add("الأمن الغذائي")
    assert is_new
    assert made.slug == "الأمن-الغذائي"
    assert topics.add("الأمن  الغذائي") == (made, False)


@pytest.mark.django_db(transaction=True)
def test_two_who_add_the_same_topic_at_once_make_one() -> None:
    made, is_new = overtaken(lambda: topics.add("harbours"), by=lambda: topics.add("Harbours"))
    assert (made.name, is_new) == ("Harbours", False)
    assert Topic.objects.count() == 1


def test_names_slugs_and_aliases_resolve_in_any_case_and_spacing() -> None:
    import_lines(FILE)
    docks, harbours = topic("docks").pk, topic("harbours").pk
    assert Vocabulary().resolve(["DOCKS", "sea  PORTS", " harbours ", "Docks"]) == [docks, harbours]


def test_a_name_goes_before_an_alias_of_another_topic() -> None:
    make_topic("Energy")
    topics.add("Power Grids", aliases=["Electricity"])
    electricity = make_topic("Electricity")
    assert Vocabulary().resolve(["electricity"]) == [electricity.pk]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Harbors", "Unknown topic 'Harbors'; the nearest known: Harbours."),
        ("qqqqqq", "Unknown topic 'qqqqqq'; see `dispatcher topic list` for the known ones."),
    ],
)
def test_an_unknown_topic_is_refused_with_the_nearest_known_ones(name: str, words: str) -> None:
    import_lines(FILE)
    with pytest.raises(UnknownTopic) as refusal:
        Vocabulary().resolve(["Docks", name])
    assert str(refusal.value) == words


def test_a_long_unknown_topic_is_refused_in_a_short_line() -> None:
    import_lines(FILE)
    with pytest.raises(UnknownTopic) as refusal:
        Vocabulary().resolve(["x\r\n" * 100_000])
    assert len(str(refusal.value)) < 200
    assert str(refusal.value).isprintable()


def test_the_reach_of_a_topic_is_itself_and_everything_above() -> None:
    import_lines(FILE)
    words = Vocabulary()
    assert words.names(words.reach([topic("docks").pk])) == ["Transport", "Harbours", "Docks"]
    assert words.names(words.reach([topic("energy").pk, topic("ferries").pk])) == [
        "Transport",
        "Ferries",
        "Energy",
    ]
    assert words.reach([]) == []


def test_related_topics_are_those_above_and_beneath() -> None:
    import_lines(FILE)
    words = Vocabulary()
    related = words.related([topic("harbours").pk])
    assert words.names(sorted(related)) == ["Transport", "Harbours", "Docks"]
    assert words.related([]) == frozenset()


def test_a_merged_topic_means_what_it_became_through_any_number_of_merges() -> None:
    transport = make_topic("Transport")
    old, middle, new = (
        make_topic("Havens"),
        make_topic("Ports"),
        make_topic("Harbours", parent=transport),
    )
    Topic.objects.filter(pk=old.pk).update(merged_into=middle)
    Topic.objects.filter(pk=middle.pk).update(merged_into=new)
    words = Vocabulary()
    assert words.resolve(["Havens", "ports", "Harbours"]) == [new.pk]
    assert [known.name for known in topics.known()] == ["Harbours", "Transport"]


def test_readers_of_a_merged_topic_are_reached_by_what_it_became() -> None:
    transport, above = make_topic("Transport"), make_topic("Old Transport")
    old, new = make_topic("Havens", parent=above), make_topic("Harbours", parent=transport)
    Topic.objects.filter(pk=old.pk).update(merged_into=new)
    words = Vocabulary()
    assert words.reach([new.pk]) == words.reach([old.pk]) == sorted([transport.pk, old.pk, new.pk])


def test_what_stands_beneath_a_merged_topic_reaches_what_that_became() -> None:
    old, new = make_topic("Havens"), make_topic("Harbours")
    docks = make_topic("Docks", parent=old)
    Topic.objects.filter(pk=old.pk).update(merged_into=new)
    assert Vocabulary().reach([docks.pk]) == sorted([docks.pk, old.pk, new.pk])


def test_circles_in_the_rows_end_somewhere() -> None:
    one, two = make_topic("Harbours"), make_topic("Docks")
    Topic.objects.filter(pk=one.pk).update(merged_into=two, parent=two)
    Topic.objects.filter(pk=two.pk).update(merged_into=one, parent=one)
    words = Vocabulary()
    assert words.reach([one.pk])
    assert words.resolve(["Docks"])


def test_a_retired_topic_is_unknown_and_not_suggested() -> None:
    make_topic("Harbours")
    retired = make_topic("Ferries")
    merged = make_topic("Ferry Boats")
    Topic.objects.filter(pk=retired.pk).update(retired_at=timezone.now())
    Topic.objects.filter(pk=merged.pk).update(merged_into=retired)
    words = Vocabulary()
    for name in ("Ferries", "Ferry Boats"):
        with pytest.raises(UnknownTopic) as refusal:
            words.resolve([name])
        assert "nearest" not in str(refusal.value)
    assert [known.name for known in topics.known()] == ["Harbours"]


def test_a_retired_topic_is_not_made_anew() -> None:
    retired = make_topic("Ferries")
    Topic.objects.filter(pk=retired.pk).update(retired_at=timezone.now())
    assert topics.add("ferries") == (retired, False)
