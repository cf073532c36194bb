"""What `doctor` looks at: each part that sending needs, and what to do when it is not well.

Each check asks with a deadline and stands for itself, so that whatever is broken, the rest is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from django.db import Error
from redis.exceptions import RedisError

from dispatcher import health, queue, signs
from dispatcher.errors import RelayUnreachable
from dispatcher.feeds import listing, websub
from dispatcher.local import checkup_servers, checkup_settings
from dispatcher.mailing import sealing
from dispatcher.outbound import calling
from dispatcher.outbound.calling import NoAnswer, Unfit
from dispatcher.relays.pool import Pool, configured
from dispatcher.watching import alarms, facts
from dispatcher.watching.alarms import Alarm, Name

# What stands in a check of its own.
TOLD = {
    Name.POSTGRESQL_AWAY,
    Name.VALKEY_AWAY,
    Name.NO_WORKER,
    Name.NO_BEAT,
    Name.NO_SWEEP,
    Name.RELAY_AWAY,
}


@dataclass(frozen=True, slots=True)
class Check:
    """`words` say how it is, and what to do where it is not well."""

    what: str
    is_well: bool
    words: str


def examine(*, folder: Path | None, is_up: bool) -> Iterator[Check]:
    """One check a part, in the order in which they need each other.

    `folder` is the data folder of embedded servers, None without. Where they run for this command alone
    (not `is_up`), nobody else can be at work, and that is one check.
    """
    trouble = health.database_trouble()
    yield Check("PostgreSQL", not trouble, trouble or "answers, tables are up to date")
    yield from _servers()
    known = facts.gather()
    rings = alarms.judge(known)
    if folder is not None and not is_up:
        yield Check("at work", False, "Nothing is up on these data; start it: dispatcher up")
    elif known.signs is not None:
        yield from _workers(is_embedded=folder is not None)
        yield from _silences(rings, known.signs.ages)
    if folder is None or is_up:
        yield from _relays(rings)
        yield from _hubs()
        if not trouble:
            yield _feeds()
    yield _sealing()
    for what, is_well, words in checkup_settings.examine(folder):
        yield Check(what, is_well, words)
    if not trouble:
        yield _old()
    for alarm in rings:
        if alarm.name not in TOLD:
            yield Check("alarm", False, f"{alarm.words} {alarm.what_to_do}")


def _servers() -> Iterator[Check]:
    try:
        for what, is_well, words in checkup_servers.postgresql():
            yield Check(what, is_well, words)
    except Error:
        pass  # that it does not answer is said already
    try:
        for what, is_well, words in checkup_servers.valkey():
            yield Check(what, is_well, words)
    except (RedisError, OSError) as fault:
        words = f"does not answer ({fault}). Start it or mend REDIS_URL."
        yield Check("Valkey", False, words)


def _workers(*, is_embedded: bool) -> Iterator[Check]:
    try:
        consumed = queue.consumed()
    except (RedisError, OSError) as fault:
        yield Check("workers", False, f"They cannot be asked: {fault}")
        return
    how = "Start everything anew: dispatcher up"
    for name in queue.QUEUES:
        if name in consumed:
            yield Check(f"worker on {name}", True, "answers")
        else:
            start = how if is_embedded else f"Start one: celery -A workers worker -Q {name}"
            yield Check(f"worker on {name}", False, f"None answers. {start}")


def _silences(rings: tuple[Alarm, ...], ages: Mapping[str, float | None]) -> Iterator[Check]:
    for name, sign in ((Name.NO_BEAT, signs.BEAT), (Name.NO_SWEEP, signs.SWEEP)):
        alarm = next((alarm for alarm in rings if alarm.name is name), None)
        age = ages.get(sign)
        seen = "not seen yet" if age is None else f"seen {age:.0f} s ago"
        yield Check(sign, alarm is None, f"{alarm.words} {alarm.what_to_do}" if alarm else seen)


def _relays(rings: tuple[Alarm, ...]) -> Iterator[Check]:
    """Each is asked for itself; one that answers here may yet have refused the workers."""
    away = {alarm.about: alarm.words for alarm in rings if alarm.name is Name.RELAY_AWAY}
    try:
        relays = configured()
    except RelayUnreachable as refusal:
        yield Check("relay", False, str(refusal))
        return
    for relay in relays:
        pool = Pool([relay])
        try:
            pool.greet()
        except RelayUnreachable as refusal:
            yield Check("relay", False, str(refusal))
        else:
            words = f"{relay.name} takes letters"
            if relay.name in away:
                words = f"{relay.name} takes the connection now, but not long ago it did not. {away[relay.name]}"
            yield Check("relay", relay.name not in away, words)
        finally:
            pool.close()


def _hubs() -> Iterator[Check]:
    """Whether the hubs that our feeds name are there, ours by the address that readers know."""
    for hub in websub.hubs():
        is_own = hub == websub.own_hub()
        try:
            answer = calling.fetch(hub, seconds=5.0, anywhere=is_own)
        except (Unfit, NoAnswer) as fault:
            mend = "See PUBLIC_URL and web." if is_own else "See FEED_HUB_URL, OUTBOUND_NETWORKS."
            yield Check("hub", False, f"{hub} cannot be reached: {str(fault).rstrip('.')}. {mend}")
        else:
            is_well = answer.status < 500 and (answer.is_good or not is_own)
            words = "is there" if is_well else f"answers {answer.status}. See its log."
            yield Check("hub", is_well, f"{hub} {words}")


def _feeds() -> Check:
    behind = []
    if number := listing.late_briefs():
        said = "brief was" if number == 1 else "briefs were"
        behind.append(
            f"{number:,} {said} released or changed minutes ago, and feeds do not show it"
        )
    if number := listing.late_feeds():
        said = "feed changed and is" if number == 1 else "feeds changed and are"
        behind.append(f"{number:,} {said} not rendered, so whoever asks first waits")
    if not behind:
        return Check("feeds", True, "show every brief as it is")
    return Check("feeds", False, f"{'; '.join(behind)}. Sweeps mend this; see a worker's log.")


def _sealing() -> Check:
    try:
        is_signed = sealing.signer() is not None
    except ImproperlyConfigured as fault:
        return Check("DKIM", False, str(fault))
    trouble = sealing.alignment_trouble()
    if trouble:
        return Check("DKIM", False, f"{trouble[0].upper()}{trouble[1:]}.")
    words = (
        "letters are signed" if is_signed else "letters go unsigned, unless the relay signs them"
    )
    return Check("DKIM", True, words)


def _old() -> Check:
    old = checkup_servers.old_dispatches()
    if not old:
        return Check("dispatches", True, "none is open for longer than it should be")
    words = "; ".join(f"dispatch {number} is {state} since {day}" for number, state, day in old)
    return Check("dispatches", False, f"{words}. See: dispatcher dispatch show {old[0][0]}")
