"""The readers of the digest trial, what they do, and which briefs each of them is to get.

What is wanted is worked out here in Python, reader by reader, from the rules as they stood at each release.
"""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

from dispatcher.audience import consent
from dispatcher.audience.models import Subscriber, Subscription
from dispatcher.audience.rules import Cadence, Rule
from dispatcher.briefs import intake, topics
from dispatcher.briefs.document import Document, Section
from dispatcher.briefs.topics import Vocabulary
from dispatcher.mailing import dispatching
from dispatcher.mailing.models import Dispatch

ZONES = (
    *("Pacific/Honolulu", "America/Anchorage", "America/Los_Angeles", "America/Denver"),
    *("America/Chicago", "America/New_York", "America/St_Johns", "America/Sao_Paulo"),
    *("Atlantic/Azores", "Europe/London", "Europe/Berlin", "Europe/Athens", "Africa/Cairo"),
    *("Asia/Tehran", "Asia/Dubai", "Asia/Kolkata", "Asia/Kathmandu", "Asia/Bangkok"),
    *("Asia/Shanghai", "Asia/Tokyo", "Australia/Adelaide", "Australia/Sydney"),
    *("Australia/Lord_Howe", "Pacific/Auckland"),
)
HOURS = (1, 2, 3, 8, 8, 8, 18)  # those at which clocks are changed among them
CADENCES = (Cadence.AT_ONCE, Cadence.DAILY, Cadence.DAILY, Cadence.DAILY, Cadence.WEEKLY)
OTHERS = {each: [other for other in Cadence if other != each] for each in Cadence}


class Week:
    """Readers with their rules in Python, beside the rows. `wanted`: reader and brief."""

    def __init__(self, chance: random.Random, *, readers: int, topics: int) -> None:
        self._chance = chance
        self._topics = [_topic(number) for number in range(topics)]
        self.wanted: set[tuple[int, int]] = set()
        self.releases = self.cadences_changed = self.moves = 0
        made = Subscriber.objects.bulk_create(self._reader(number) for number in range(readers))
        self.addresses = {each.pk: each.address for each in made}
        self._rules: dict[int, list[Rule]] = {each.pk: self._rules_of() for each in made}
        Subscription.objects.bulk_create(
            Subscription(
                subscriber_id=reader,
                match=rule.match,
                topics=sorted(rule.topics),
                except_topics=sorted(rule.except_topics),
                cadence=rule.cadence,
                source="trial",
            )
            for reader, rules in self._rules.items()
            for rule in rules
        )

    def release(self, *, urgent: bool) -> Dispatch:
        """One brief; note who is to get it, whenever."""
        named = self._chance.sample(self._topics, self._chance.randint(1, 3))
        self.releases += 1
        document = Document(
            source_id=f"trial-{self.releases}",
            headline=f"Ferries run again between the islands, part {self.releases}",
            summary="The line reopened on Monday after nine weeks. Nobody had planned for it.",
            topics=tuple(topic.name for topic in named),
            blocks=(Section("", ("The line reopened on Monday.",)),),
            urgent=urgent,
        )
        brief = intake.store(document, by="trial").brief
        reach = Vocabulary().reach(brief.topics)
        for reader, rules in self._rules.items():
            if any(rule.lets_through(reach) for rule in rules):
                self.wanted.add((reader, brief.pk))
        return dispatching.release(brief, by="trial")

    def change_cadences(self, *, share: float) -> None:
        """Some readers take the same topics at another cadence."""
        for pk in self._some(share):
            reader = Subscriber.objects.get(pk=pk)
            old = self._rules[pk][0]
            new = replace(old, cadence=self._chance.choice(OTHERS[Cadence(old.cadence)]))
            if new in self._rules[pk]:
                continue
            row = next(each for each in consent.live(reader) if Rule.of(each) == old)
            consent.subscribe(reader, new, source="trial")
            consent.leave(reader, [row], source="trial")
            self._rules[pk][0] = new
            self.cadences_changed += 1

    def move(self, *, share: float) -> None:
        """Some readers choose another hour and day, or live elsewhere from now on."""
        for pk in self._some(share):
            made = self._reader(self._chance.randrange(len(ZONES)))
            fields = ("timezone", "digest_hour", "digest_weekday")
            Subscriber.objects.filter(pk=pk).update(
                **{each: getattr(made, each) for each in fields}
            )
            self.moves += 1

    def _some(self, share: float) -> list[int]:
        return self._chance.sample(sorted(self._rules), round(share * len(self._rules)))

    def _reader(self, number: int) -> Subscriber:
        chance = self._chance
        return Subscriber(
            address=f"reader{number}@example.org",
            state=Subscriber.State.ACTIVE,
            timezone=ZONES[number % len(ZONES)],
            digest_hour=chance.choice(HOURS),
            digest_weekday=chance.randrange(7),
            urgent_at_once=chance.random() < 0.8,
        )

    def _rules_of(self) -> list[Rule]:
        """Mostly one plain rule, sometimes two, all of or none of."""
        chance = self._chance
        rules = set()
        for _ in range(chance.choice((1, 1, 1, 2))):
            ids = [topic.pk for topic in chance.sample(self._topics, chance.randint(2, 8))]
            is_all = chance.random() < 0.1
            rules.add(
                Rule(
                    match="all" if is_all else "any",
                    topics=frozenset(ids[:1] if is_all else ids[1:]),
                    except_topics=frozenset(ids[-1:] if is_all else ids[:1]),
                    cadence=chance.choice(CADENCES),
                )
            )
        return sorted(rules, key=repr)


def _topic(number: int) -> Any:
    return topics.add(f"Topic {number}")[0]
