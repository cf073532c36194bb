"""The topic algebra: which briefs a rule lets through, in Python, in SQL and in words.

One meaning in all three, and the same for mail and feeds: a rule asks for any or all of its topics
and none of those it excludes, against a brief's reach (its topics and what stands above them).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from dispatcher.audience.models import Subscription
from dispatcher.errors import BadFile

Match = Subscription.Match
Cadence = Subscription.Cadence
Resolve = Callable[[Iterable[str]], Iterable[int]]
_MATCHES, _CADENCES = (
    frozenset(Match.values),
    frozenset(Cadence.values),
)  # asked for a million times


def sql_matches(reach: str) -> str:
    """True for a rule, live or ended, that fits a brief of this reach: an SQL expression, bigint[].

    `topics <@ reach` holds for the empty array too, which makes "all of nothing" everything.
    """
    return f"""
    (s.match = 'any' AND s.topics && {reach} OR s.match = 'all' AND s.topics <@ {reach})
    AND NOT s.except_topics && {reach}
    """


# True for a live rule that lets a brief through whose reach is the parameter `reach`.
SQL_LETS_THROUGH = sql_matches("%(reach)s::bigint[]") + "AND s.ended_at IS NULL"

# The live rules at once that are not plain, as the index `subscription_not_plain` holds them. Those that
# are plain stand in `dispatcher_following`, topic by topic.
SQL_NOT_PLAIN = """
    (s.match = 'all' OR s.except_topics <> '{}') AND s.cadence = 'at once' AND s.ended_at IS NULL
"""


@dataclass(frozen=True, slots=True)
class Rule:
    """What a reader asks for, as topic ids. `all` of no topics means every brief."""

    match: str = Match.ANY
    topics: frozenset[int] = field(default_factory=frozenset)
    except_topics: frozenset[int] = field(default_factory=frozenset)
    cadence: str = Cadence.AT_ONCE

    @classmethod
    def of(cls, subscription: Subscription) -> Rule:
        return cls(
            match=subscription.match,
            topics=frozenset(subscription.topics),
            except_topics=frozenset(subscription.except_topics),
            cadence=subscription.cadence,
        )

    def lets_through(self, reach: Collection[int]) -> bool:
        """Whether a brief of this reach passes."""
        return self.wants(reach) and not self.excludes(reach)

    def wants(self, reach: Collection[int]) -> bool:
        met = self.topics.intersection(reach)
        return bool(met) if self.match == Match.ANY else met == self.topics

    def excludes(self, reach: Collection[int]) -> frozenset[int]:
        return self.except_topics.intersection(reach)


EVERYTHING = Rule(match=Match.ALL)


def parse(topics: str, match: str, excepted: str, cadence: str, *, resolve: Resolve) -> Rule:
    """A rule from the four fields of an import row or a command line.

    `topics` and `excepted` are names, slugs or aliases separated by commas or semicolons; `*` is
    everything. Empty `match` means any, empty `cadence` at once. Raises BadFile or UnknownTopic.
    """
    match = match.strip().lower() or Match.ANY
    if match not in _MATCHES:
        raise BadFile(f"match must be any or all, not {match[:20]!r}.")
    cadence = (
        " ".join(cadence.lower().replace("_", " ").replace("-", " ").split()) or Cadence.AT_ONCE
    )
    if cadence not in _CADENCES:
        raise BadFile(f"cadence must be at once, daily or weekly, not {cadence[:20]!r}.")
    names = _names(topics)
    if not names:
        raise BadFile("no topics; name at least one, or * for everything.")
    wanted = frozenset() if names == ["*"] else frozenset(resolve(names))
    unwanted = frozenset(resolve(_names(excepted)))
    if wanted & unwanted:
        raise BadFile("the same topic is both wanted and excepted.")
    return Rule(match if wanted else Match.ALL, wanted, unwanted, cadence)


def in_words(rule: Rule, names: Mapping[int, str]) -> str:
    """`Israel or Iran, but not Lebanon, daily`; for pages, the command line and explanations."""
    words = " or " if rule.match == Match.ANY else " and "
    wanted = words.join(sorted({names[topic] for topic in rule.topics})) or "every brief"
    unwanted = " or ".join(sorted({names[topic] for topic in rule.except_topics}))
    return f"{wanted}{f', but not {unwanted}' if unwanted else ''}, {rule.cadence}"


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.replace(";", ",").split(",") if name.strip()]
