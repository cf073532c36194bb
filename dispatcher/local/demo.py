"""The demonstration: sample topics, briefs and readers, one release, and a check of every claim.

Expected readers are worked out here reader by reader with the rule algebra in Python, and held
against what the mailbox really got: the SQL that matched them has no part in the check.
"""

from __future__ import annotations

import random
import secrets
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User

from dispatcher.audience import consent, importing, suppressing
from dispatcher.audience.models import Subscriber, Subscription
from dispatcher.audience.rules import Cadence, Rule
from dispatcher.audience.tokens import Purpose, unseal
from dispatcher.briefs import intake, topics
from dispatcher.briefs.models import Brief, Topic
from dispatcher.briefs.reading import read
from dispatcher.errors import BadToken, Refusal
from dispatcher.local import maildir
from dispatcher.local.stack import Addresses
from dispatcher.mailing import dispatching, ledger
from dispatcher.mailing.models import Delivery, Dispatch

SAMPLES = Path(__file__).parent / "samples"
BY = "the demonstration"
FIRST_NAMES = (
    "Ada",
    "Björn",
    "Chidi",
    "دانا",
    "Élodie",
    "Farah",
    "Grace",
    "Hiro",
    "Ingrid",
    "יעל",
    "Kofi",
    "Łucja",
)
LAST_NAMES = (
    "Alvarez",
    "Brook",
    "Castle",
    "Dune",
    "Elm",
    "Field",
    "Grove",
    "Hill",
    "Isle",
    "Lake",
    "Moor",
    "O'Shore",
)
FEEDS_WITHIN = 20.0


def run(
    folder: Path,
    addresses: Addresses,
    *,
    readers: int,
    started: float,
    say: Callable[[str], None],
    follow: Callable[[int], None],
) -> dict[str, Any]:
    """Load the samples, release a brief, follow it, check it. Raises Refusal if a claim is not kept.

    `say` prints a sentence, `follow` shows the progress of a dispatch until it has ended.
    """
    (folder / "demo").mkdir(exist_ok=True)
    say(_load_topics_and_briefs())
    say(_load_readers(folder / "demo" / "readers.csv", readers))
    brief = _hand_in()
    say(f"Releasing “{brief.headline}” …")
    released = time.monotonic()
    dispatch = dispatching.release(brief, by=BY)
    follow(dispatch.pk)
    seconds = time.monotonic() - released
    sums = ledger.tally(dispatch.pk)
    outcome = {
        "dispatch": _described(dispatching.find(dispatch.pk)),
        "tally": asdict(sums) | {"balances": sums.balances},
        "mailbox": _check_mailbox(addresses.maildir, dispatch),
        "feeds": _check_feeds(addresses.web, brief),
        "seconds": {
            "release_to_balanced": round(seconds, 2),
            "whole": round(time.monotonic() - started, 2),
        },
    }
    _refuse_broken(outcome)
    return outcome


def _described(dispatch: Dispatch) -> dict[str, Any]:
    return {
        "id": dispatch.pk,
        "brief": dispatch.brief.public_id if dispatch.brief else None,
        "headline": dispatch.headline,
        "state": dispatch.state,
        "lane": dispatch.lane,
        "excluded": dispatch.excluded,
    }


def staff_account() -> tuple[str, str]:
    """A name and a new password for the desk of the demonstration."""
    password = secrets.token_urlsafe(9)
    user, _ = User.objects.get_or_create(username="demo", defaults={"is_staff": True})
    user.set_password(password)
    user.save()
    return "demo", password


def _load_topics_and_briefs() -> str:
    count = topics.import_lines((SAMPLES / "topics.txt").read_text("utf-8").splitlines())
    for path in sorted((SAMPLES / "briefs").iterdir()):
        intake.hand_in(path.read_bytes(), by=BY, source_id=f"sample-{path.stem}")
    return f"Loaded {count.added + count.kept} topics and {Brief.objects.count()} briefs."


def _load_readers(path: Path, number: int) -> str:
    path.write_text("\n".join(_reader_rows(number)) + "\n", encoding="utf-8")
    done = importing.import_csv(path, source=BY)
    for reader in Subscriber.objects.filter(
        address__in=[_address(n) for n in range(0, number, 200)]
    ):
        suppressing.suppress(reader.address, reason="sample of a hard bounce")
    return f"Imported {done.readers:,} new of {number:,} sample readers with mixed rules."


def _reader_rows(number: int) -> Iterable[str]:
    """The same rows on every run: rules of all kinds, most of them at once."""
    chance = random.Random(20260302)  # noqa: S311  samples
    slugs = sorted(Topic.objects.filter(retired_at=None).values_list("slug", flat=True))
    yield "address,name,topics,match,except,cadence"
    for n in range(number):
        wanted = chance.sample(slugs, chance.choice((1, 1, 2, 3, 5)))
        match = chance.choice(("any", "any", "any", "all"))
        unwanted = (
            [s for s in chance.sample(slugs, 1) if s not in wanted]
            if chance.random() < 0.15
            else []
        )
        cadence = chance.choice(("at once", "at once", "at once", "daily", "weekly"))
        everything = chance.random() < 0.05
        name = f"{chance.choice(FIRST_NAMES)} {chance.choice(LAST_NAMES)}"
        yield f"{_address(n)},{name},{'*' if everything else ';'.join(wanted)},{match},{';'.join(unwanted)},{cadence}"
        if chance.random() < 0.1:  # a second rule: two ways to the same brief are still one letter
            yield f"{_address(n)},{name},{chance.choice(slugs)},any,,at once"


def _address(number: int) -> str:
    return f"reader-{number:06}@example.org"


def _hand_in() -> Brief:
    """A brief that was not released yet: every run of the demonstration hands in its own."""
    paths = sorted((SAMPLES / "briefs").iterdir())
    earlier = Brief.objects.filter(source_id__startswith="demo-").count()
    document = read(paths[earlier % len(paths)].read_bytes(), topics=topics.known())
    document = replace(document, source_id=f"demo-{earlier + 1}", published_at=None)
    return intake.store(document, by=BY).brief


def _check_mailbox(folder: Path, dispatch: Dispatch) -> dict[str, Any]:
    """The letters of this dispatch in the mailbox against who should have them."""
    accepted = Delivery.objects.filter(dispatch=dispatch, state=Delivery.State.ACCEPTED)
    expected = set(_expected(dispatch))
    got = Counter(letter.to for letter in maildir.messages(folder) if _is_of(letter, dispatch))
    return {
        "letters": got.total(),
        "accepted": accepted.count(),
        "readers": len(got),
        "expected": len(expected),
        "missing": len(expected - got.keys()),
        "strangers": len(got.keys() - expected),
        "doubled": sum(number - 1 for number in got.values()),
    }


def _is_of(letter: maildir.Stored, dispatch: Dispatch) -> bool:
    token = letter.message_id.strip("<>").partition("@")[0]
    try:
        return unseal(Purpose.MESSAGE_ID, token, count=2)[1] == dispatch.pk
    except BadToken:
        return False  # a test letter, or another installation's


def _expected(dispatch: Dispatch) -> Iterable[str]:
    reach = frozenset(dispatch.topics)
    suppressed = consent.suppressed_among(Subscriber.objects.values_list("address", flat=True))
    rules = Subscription.objects.filter(ended_at=None, cadence=Cadence.AT_ONCE).select_related(
        "subscriber"
    )
    for subscription in rules.iterator(chunk_size=2000):
        reader = subscription.subscriber
        may = reader.state == Subscriber.State.ACTIVE and reader.address.lower() not in suppressed
        if may and Rule.of(subscription).lets_through(reach):
            yield reader.address


def _check_feeds(web: str, brief: Brief) -> dict[str, dict[str, Any]]:
    """Fetch the feeds that must hold the brief, until they do."""
    slugs = Topic.objects.filter(pk__in=brief.topics).values_list("slug", flat=True)
    keys = ["all", *(f"topics/{slug}" for slug in slugs)]
    found = {}
    deadline = time.monotonic() + FEEDS_WITHIN
    for key in (f"{key}.{form}" for key in keys for form in ("atom", "rss")):
        while True:
            with urllib.request.urlopen(f"{web}/feeds/{key}", timeout=10) as answer:  # noqa: S310  our own server
                body = answer.read()
            has_it = f"brief/{brief.public_id}".encode() in body
            found[key] = {"status": answer.status, "octets": len(body), "has_the_brief": has_it}
            if has_it or time.monotonic() > deadline:
                break
            time.sleep(0.2)
    return found


def _refuse_broken(outcome: dict[str, Any]) -> None:
    mailbox, tally = outcome["mailbox"], outcome["tally"]
    broken = [
        claim
        for claim, holds in {
            "the ledger balances": tally["balances"],
            "the mailbox holds the accepted letters": mailbox["letters"] == tally["accepted"],
            "nobody is missing": not mailbox["missing"],
            "nobody else got it": not mailbox["strangers"],
            "nobody got it twice": not mailbox["doubled"],
            "the feeds hold the brief": all(
                feed["has_the_brief"] for feed in outcome["feeds"].values()
            ),
        }.items()
        if not holds
    ]
    if broken:
        raise Refusal(f"Not kept: {', '.join(broken)}. See {outcome}.")
