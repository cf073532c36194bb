"""The readers of the digest trial, what they do and are to get, and what the rows and the sink say of it.

What is due is worked out here in Python, reader by reader, from the rules as they stood at each release.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil
from django.conf import settings

from bench.sink_notes import Letter
from dispatcher import queue
from dispatcher.audience import consent
from dispatcher.audience.models import Subscriber, Subscription
from dispatcher.audience.rules import Cadence, Rule
from dispatcher.audience.tokens import Purpose, sealer
from dispatcher.briefs import intake, topics
from dispatcher.briefs.document import Document, Section
from dispatcher.briefs.topics import Vocabulary
from dispatcher.local.processes import Processes
from dispatcher.mailing import digests, dispatching, sweeping
from dispatcher.mailing.models import Delivery, DigestRun, Dispatch, Owed

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
_CELERY = (sys.executable, "-m", "celery", "-A", "workers", "worker", "--without-gossip")
PATIENCE = 300.0  # seconds for a run that was killed, and for the last letters


@contextmanager
def routine_workers(folder: Path, relay: str) -> Iterator[Processes]:
    """Workers without beat: the driver passes the time. Leases are short, for some will be lost."""
    environment = dict(os.environ) | {"RELAY_URL": relay, "LEASE_SECONDS": "5"}
    with (
        tempfile.TemporaryDirectory(dir=folder, prefix="workers-") as logs,
        Processes(Path(logs), environment) as processes,
    ):
        processes.start("routine", *_CELERY, "-n", "routine@%h", "-Q", "routine", "-c", "2")
        processes.start("urgent", *_CELERY, "-n", "urgent@%h", "-Q", "urgent", "-c", "1")
        processes.wait_until(
            lambda: queue.consumed() >= {"routine", "urgent"}, what="The workers", seconds=60
        )
        yield processes


class Week:
    """Readers with their rules in Python, beside the rows."""

    def __init__(self, chance: random.Random, *, readers: int, topics: int) -> None:
        self._chance = chance
        self._topics = [_topic(number) for number in range(topics)]
        self.due: set[tuple[int, int]] = set()
        self.released: list[Dispatch] = []
        made = Subscriber.objects.bulk_create(self._reader(number) for number in range(readers))
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

    def release(self) -> None:
        """One brief; note who is to get it, whenever."""
        chance = self._chance
        named = chance.sample(self._topics, chance.randint(1, 3))
        number = len(self.released)
        document = Document(
            source_id=f"trial-{number}",
            headline=f"Ferries run again between the islands, part {number}",
            summary="The line reopened on Monday after nine weeks. Nobody had planned for it.",
            topics=tuple(topic.name for topic in named),
            blocks=(Section("", ("The line reopened on Monday.",)),),
            urgent=chance.random() < 0.1,
        )
        brief = intake.store(document, by="trial").brief
        reach = Vocabulary().reach(brief.topics)
        for reader, rules in self._rules.items():
            if any(rule.lets_through(reach) for rule in rules):
                self.due.add((reader, brief.pk))
        self.released.append(dispatching.release(brief, by="trial"))

    def change_cadences(self, *, share: float) -> None:
        """Some readers take the same topics at another cadence."""
        for pk in self._chance.sample(sorted(self._rules), round(share * len(self._rules))):
            reader = Subscriber.objects.get(pk=pk)
            old = self._rules[pk][0]
            new = replace(old, cadence=self._chance.choice(OTHERS[Cadence(old.cadence)]))
            if new in self._rules[pk]:
                continue
            row = next(each for each in consent.live(reader) if Rule.of(each) == old)
            consent.subscribe(reader, new, source="trial")
            consent.leave(reader, [row], source="trial")
            self._rules[pk][0] = new

    def digest(self, now: datetime, *, victims: Callable[[], list[psutil.Process]] | None) -> int:
        """What beat does at that time, until every run is gathered. Kills the carriers amid one; 1 if so."""
        killed, deadline = 0, time.monotonic() + PATIENCE
        digests.digest(now)
        posted_at = time.monotonic()
        while DigestRun.objects.filter(finished_at=None).exists():
            if victims and not killed and _is_amid():
                for child in victims():
                    with suppress(psutil.NoSuchProcess):
                        child.kill()
                killed = 1
            if time.monotonic() > deadline:
                raise TimeoutError(f"the run of {now} is not finished")
            if time.monotonic() - posted_at > 1:
                digests.digest(now)
                sweeping.sweep()
                posted_at = time.monotonic()
            time.sleep(0.005)
        return killed

    def settle(self) -> None:
        """Wait until every dispatch is done, sweeping as beat would."""
        deadline = time.monotonic() + PATIENCE * 4
        while Dispatch.objects.exclude(state="done").exists():
            if time.monotonic() > deadline:
                raise TimeoutError("some dispatches are not done")
            sweeping.sweep()
            time.sleep(2)

    def verdict(self, letters: Sequence[Letter]) -> dict[str, Any]:
        """What came against what was due, by the rows and by the sink."""
        accepted = Delivery.objects.filter(state="accepted")
        came = Counter(
            accepted.exclude(dispatch__brief=None).values_list("subscriber", "dispatch__brief")
        )
        at_once = came.total()
        came.update(
            accepted.filter(dispatch__kind="digest").values_list(
                "subscriber", "dispatch__contents__brief"
            )
        )
        seal, domain = sealer(Purpose.MESSAGE_ID), settings.MAIL_DOMAIN
        ids = Counter(
            f"<{seal(*each)}@{domain}>" for each in accepted.values_list("subscriber", "dispatch")
        )
        taken = Counter(letter.message_id for letter in letters)
        found = {
            "readers": len(self._rules),
            "releases": len(self.released),
            "due": len(self.due),
            "came_at_once": at_once,
            "came_in_digests": came.total() - at_once,
            "lost": len(self.due - came.keys()),
            "not_due": len(came.keys() - self.due),
            "twice": sum(times > 1 for times in came.values()),
            "owed_still": Owed.objects.count(),
            "runs": DigestRun.objects.count(),
            "digest_dispatches": Dispatch.objects.filter(kind="digest").count(),
            "digest_letters": accepted.filter(dispatch__kind="digest").count(),
            "letters_in_the_sink": taken.total(),
            "letters_missing": len(ids.keys() - taken.keys()),
            "letters_again_under_one_message_id": sum(n - 1 for n in taken.values()),
        }
        wrong = ("lost", "not_due", "twice", "owed_still", "letters_missing")
        return found | {"exactly_once": not any(found[key] for key in wrong)}

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


def _is_amid() -> bool:
    amid = DigestRun.objects.filter(finished_at=None, lease_until__isnull=False, readers__gt=0)
    return amid.exists()


def _topic(number: int) -> Any:
    return topics.add(f"Topic {number}")[0]
