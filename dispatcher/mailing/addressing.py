"""Who a delivery goes to, seen at the moment it leaves: the address, and why this reader gets it.

Between matching and handing over, minutes or days may pass. A reader who left, was suppressed or
changed rules in between is not mailed, and the ledger says why.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from dispatcher.audience import consent
from dispatcher.audience.models import Subscriber, Subscription
from dispatcher.audience.rules import Cadence, Rule
from dispatcher.briefs.models import Topic
from dispatcher.mailing.models import Dispatch

EVERY_BRIEF = "every brief"


@dataclass(frozen=True, slots=True)
class Addressee:
    """`follows` are the names of what made the letter come; `refused` says why it must not go."""

    subscriber_id: int
    address: str
    name: str
    language: str
    follows: tuple[str, ...] = ()
    refused: str = ""


def addressees(dispatch: Dispatch, subscriber_ids: Iterable[int]) -> dict[int, Addressee]:
    """The readers of these ids, in three queries however many there are."""
    readers = Subscriber.objects.in_bulk(list(subscriber_ids))
    suppressed = consent.suppressed_among(reader.address for reader in readers.values())
    rules = _live_rules(readers)
    reach = frozenset(dispatch.topics)
    names = dict(Topic.objects.filter(pk__in=reach).values_list("pk", "name"))
    found = {}
    for reader in readers.values():
        matching = [rule for rule in rules[reader.pk] if rule.lets_through(reach)]
        topics = {topic for rule in matching for topic in rule.topics & reach}
        everything = (EVERY_BRIEF,) if any(not rule.topics for rule in matching) else ()
        found[reader.pk] = Addressee(
            subscriber_id=reader.pk,
            address=reader.address,
            name=reader.name,
            language=reader.language,
            follows=everything or tuple(sorted(names[topic] for topic in topics)),
            refused=_refusal(
                reader, is_suppressed=reader.address.lower() in suppressed, matching=matching
            ),
        )
    return found


def _live_rules(readers: Iterable[int]) -> dict[int, list[Rule]]:
    rules: dict[int, list[Rule]] = defaultdict(list)
    rows = Subscription.objects.filter(
        subscriber_id__in=list(readers), ended_at=None, cadence=Cadence.AT_ONCE
    )
    for subscription in rows.order_by("pk"):
        rules[subscription.subscriber_id].append(Rule.of(subscription))
    return rules


def _refusal(reader: Subscriber, *, is_suppressed: bool, matching: list[Rule]) -> str:
    if is_suppressed:
        return "suppressed before it was handed over"
    if reader.state != Subscriber.State.ACTIVE:
        return "left before it was handed over"
    if not matching:
        return "stopped following these topics before it was handed over"
    return ""
