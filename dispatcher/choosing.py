"""A rule as a form that works without a script: what the template shows, and what a posted form asks for.

A topic that the page did not show, because it is retired or came later, is never touched by saving.
Whether a rule may be given to somebody is not decided here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from django.http import QueryDict

from dispatcher.audience.rules import Match, Rule
from dispatcher.audience.standing import CADENCES
from dispatcher.briefs import public
from dispatcher.briefs.models import Topic
from dispatcher.briefs.topics import Vocabulary
from dispatcher.errors import BadTopics
from dispatcher.translating import later

NOTHING = Rule()  # any of no topic: where a new reader's choice begins
LONGEST = 2_000  # topics that a form may name; a vocabulary has some hundred


@dataclass(frozen=True, slots=True)
class Choice:
    """A topic to tick. `depth` counts what stands above it within its group."""

    id: int
    name: str
    depth: int
    is_wanted: bool
    is_unwanted: bool


@dataclass(frozen=True, slots=True)
class Group:
    """A topic at the top and all beneath it; those that have none beneath them share one without a name."""

    name: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class Choosing:
    """What `_choosing.html` shows. Names of fields begin with `prefix`; `shown` are the topics' ids."""

    prefix: str
    groups: tuple[Group, ...]
    shown: str
    wants_everything: bool
    wants_all: bool
    has_unwanted: bool
    cadence: str
    cadences: tuple[tuple[str, str], ...]


def offered(rule: Rule = NOTHING, *, prefix: str = "") -> Choosing:
    """The form for a rule: every topic in use, those of the rule ticked."""
    topics = public.topics_in_use()
    rule = _by_now(rule)
    return Choosing(
        prefix=prefix,
        groups=tuple(_groups(topics, rule)),
        shown=" ".join(str(topic.pk) for topic in topics),
        wants_everything=rule.match == Match.ALL and not rule.topics,
        wants_all=rule.match == Match.ALL and bool(rule.topics),
        has_unwanted=bool(rule.except_topics),
        cadence=rule.cadence,
        cadences=tuple(CADENCES.items()),
    )


def asked(form: QueryDict, *, held: Rule = NOTHING, prefix: str = "") -> Rule:
    """The rule as the form has it, for what is left to show when it `chosen` refuses; never raises."""
    held = _by_now(held)
    in_use = frozenset(topic.pk for topic in public.topics_in_use())
    shown = _numbers(form.get(f"{prefix}shown", "").split()) & in_use
    if f"{prefix}shown" not in form:  # a form on somebody else's page need not know
        shown = in_use
    wanted = held.topics - shown | _numbers(form.getlist(f"{prefix}topic")) & shown
    unwanted = held.except_topics - shown | _numbers(form.getlist(f"{prefix}except")) & shown
    cadence = form.get(f"{prefix}cadence", "")
    if f"{prefix}everything" in form:
        wanted, match = frozenset(), Match.ALL
    else:
        match = Match.ALL if form.get(f"{prefix}match") == Match.ALL and wanted else Match.ANY
    return Rule(match, wanted, unwanted, cadence if cadence in CADENCES else held.cadence)


def chosen(form: QueryDict, *, held: Rule = NOTHING, prefix: str = "") -> Rule:
    """The rule that the form asks for, in place of the one `held`. Raises BadTopics, in one line."""
    rule = asked(form, held=held, prefix=prefix)
    cadence = form.get(f"{prefix}cadence", rule.cadence)
    if cadence not in CADENCES:
        raise BadTopics(later("Choose how often: at once, daily or weekly."))
    if rule.match == Match.ANY and not rule.topics:
        raise BadTopics(later("Choose at least one topic, or every brief."))
    if both := rule.topics & rule.except_topics:
        names = Topic.objects.filter(pk__in=both).order_by("name").values_list("name", flat=True)
        raise BadTopics(
            later("%(topic)s is both chosen and left out; keep one of the two.", topic=names[0])
        )
    return rule


def _by_now(rule: Rule) -> Rule:
    """The rule by what its topics have become: who follows one that was merged follows the other."""
    words = Vocabulary()
    wanted = frozenset(words.finals(rule.topics))
    unwanted = frozenset(words.finals(rule.except_topics))
    return replace(rule, topics=wanted, except_topics=unwanted)


def _groups(topics: list[Topic], rule: Rule) -> Iterator[Group]:
    """Topics beneath one that is not in use stand where it would."""
    ids = {topic.pk for topic in topics}
    beneath: dict[int | None, list[Topic]] = {}
    for topic in topics:
        above = topic.parent_id if topic.parent_id in ids else None
        beneath.setdefault(above, []).append(topic)
    tops = beneath.get(None, [])
    alone = [_choice(topic, 0, rule) for topic in tops if topic.pk not in beneath]
    if alone:
        yield Group("", tuple(alone))
    for top in tops:
        if top.pk in beneath:
            yield Group(top.name, tuple(_branch(top, 0, beneath, rule)))


def _branch(
    topic: Topic, depth: int, beneath: dict[int | None, list[Topic]], rule: Rule
) -> Iterator[Choice]:
    yield _choice(topic, depth, rule)
    for child in beneath.get(topic.pk, ()):
        yield from _branch(child, depth + 1, beneath, rule)


def _choice(topic: Topic, depth: int, rule: Rule) -> Choice:
    return Choice(
        id=topic.pk,
        name=topic.name,
        depth=depth,
        is_wanted=topic.pk in rule.topics,
        is_unwanted=topic.pk in rule.except_topics,
    )


def _numbers(words: Iterable[str]) -> frozenset[int]:
    """Those that are ids; anything else was not on the page."""
    held = list(words)[:LONGEST]
    return frozenset(
        int(word) for word in held if word.isascii() and word.isdecimal() and len(word) < 19
    )
