"""The last letters to a reader as the reader would tell it: what, when, what became of it, and why it came."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from dispatcher import links
from dispatcher.audience import standing, zones
from dispatcher.audience.models import Subscriber, Subscription
from dispatcher.letters.words import words
from dispatcher.mailing import reporting
from dispatcher.mailing.addressing import OWN_WORDS
from dispatcher.mailing.behind import rules_behind
from dispatcher.mailing.models import Delivery, DigestBrief, Dispatch
from dispatcher.translating import later

State = Delivery.State
WORDS: Mapping[str, str] = {
    State.WAITING: later("On its way"),
    State.CARRYING: later("On its way"),
    State.DEFERRED: later("Your mail server has it put off; we try again"),
    State.ACCEPTED: later("Sent"),
    State.UNKNOWN: later("Probably sent"),
    State.FAILED: later("Not taken by your mail server"),
}
# By the refusals of `addressing`.
NOT_SENT: Mapping[str, str] = {
    "suppressed": later("Not sent: letters to this address were stopped before"),
    "left": later("Not sent: you had left before"),
    "paused": later("Not sent: you had paused before"),
    "stopped following these topics": later("Not sent: you had stopped following it before"),
}
_NOT_SENT = later("Not sent")


@dataclass(frozen=True, slots=True)
class Letter:
    """`briefs` are headlines and pages of those in it; `at` is in the reader's own time zone; `why` are
    the rules that it came by, in words.
    """

    headline: str
    briefs: tuple[tuple[str, str], ...]
    at: datetime
    outcome: str
    why: tuple[str, ...]


def letters(reader_id: int) -> list[Letter]:
    """The last ones, newest first; none for a reader who is gone."""
    reader = Subscriber.objects.filter(pk=reader_id).first()
    if reader is None:
        return []
    rules = list(reader.subscriptions.order_by("pk"))
    lines = standing.lines(rules, words(reader.language))
    said = {line.id: line.words for line in lines}
    zone = zones.known(reader.timezone)
    return [_letter(one, rules, said, zone) for one in reporting.letters_to(reader)]


def _letter(
    delivery: Delivery, rules: Sequence[Subscription], said: Mapping[int, str], zone: ZoneInfo
) -> Letter:
    dispatch = delivery.dispatch
    held = [rule for rule in rules if _live_at(rule, dispatch)]
    return Letter(
        headline=dispatch.brief.headline if dispatch.brief else dispatch.title,
        briefs=tuple(_briefs(dispatch)),
        at=(delivery.settled_at or dispatch.released_at).astimezone(zone),
        outcome=_outcome(delivery),
        why=tuple(said[rule.pk] for rule in rules_behind(dispatch, held)),
    )


def _briefs(dispatch: Dispatch) -> Iterator[tuple[str, str]]:
    if dispatch.brief:
        yield dispatch.brief.headline, links.brief_page(dispatch.brief.public_id)
        return
    for each in (
        DigestBrief.objects.filter(dispatch=dispatch).select_related("brief").order_by("pk")
    ):
        yield each.brief.headline, links.brief_page(each.brief.public_id)


def _outcome(delivery: Delivery) -> str:
    """What we chose ourselves is said; the relay's words are no help to a reader."""
    if delivery.state == State.FAILED and delivery.text.endswith(OWN_WORDS):
        return NOT_SENT.get(delivery.text.removesuffix(OWN_WORDS).strip(), _NOT_SENT)
    return WORDS[delivery.state]


def _live_at(rule: Subscription, dispatch: Dispatch) -> bool:
    """Whether the rule was live when the dispatch found its readers."""
    found_at = dispatch.matched_at or dispatch.released_at
    return rule.started_at <= found_at and (
        rule.ended_at is None or rule.ended_at > dispatch.released_at
    )
