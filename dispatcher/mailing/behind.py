"""Which of a reader's rules made a dispatch's letter come; for leaving, and for telling why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dispatcher.audience.models import Subscription
from dispatcher.audience.rules import Cadence, Rule
from dispatcher.mailing.models import DigestBrief, Dispatch

_DIGESTS = (Cadence.DAILY, Cadence.WEEKLY)


def rules_behind(dispatch: Dispatch, rules: Iterable[Subscription]) -> list[Subscription]:
    """Of these rules those that brought it: of the dispatch's own cadence, if any of them did.

    A digest may hold what another digest rule asked for before it changed, and an urgent brief goes at
    once to who has it in a digest. Where its reader changed the cadence since, no rule of these may be
    left; then what lets it through at any other is behind it now.
    """
    reaches = _reaches(dispatch)
    fitting = [
        rule for rule in rules if any(Rule.of(rule).lets_through(reach) for reach in reaches)
    ]
    for cadences in _cadences(dispatch):
        if found := [rule for rule in fitting if rule.cadence in cadences]:
            return found
    return []


def _reaches(dispatch: Dispatch) -> list[Sequence[int]]:
    """The topics of each brief in the letter: a rule is about one brief at a time."""
    if dispatch.kind != Dispatch.Kind.DIGEST:
        return [dispatch.topics]
    return list(DigestBrief.objects.filter(dispatch=dispatch).values_list("topics", flat=True))


def _cadences(dispatch: Dispatch) -> list[Sequence[str]]:
    """By which cadences it may have come, the likeliest first."""
    if dispatch.kind == Dispatch.Kind.DIGEST:
        own = [(dispatch.run.cadence,)] if dispatch.run else []
        return [*own, _DIGESTS, Cadence.values]
    return [(Cadence.AT_ONCE,), Cadence.values]
