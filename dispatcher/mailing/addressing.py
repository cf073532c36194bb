"""Who a delivery goes to, seen at the moment it leaves: the address, and why this reader gets it.

Between matching and handing over, minutes or days may pass. A reader who left, was suppressed or
changed rules in between is not mailed, and the ledger says why.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from django.db import connection

from dispatcher.audience.models import Subscriber
from dispatcher.audience.rules import SQL_LETS_THROUGH, sql_matches
from dispatcher.briefs.topics import Vocabulary
from dispatcher.mailing.models import Dispatch

EVERY_BRIEF = "every brief"
OWN_WORDS = "before it was handed over"  # how a refusal ends that no relay gave

# A row for each rule of a reader that still lets the brief through, or one of a digest's, and one with NULL
# for a reader who has none. Whether a letter comes at once or in a digest was settled by matching.
_SQL_ADDRESSEES = """
SELECT r.id, r.address, r.name, r.language, r.link_version, r.state, r.paused_until > now(),
       EXISTS (SELECT FROM dispatcher_suppression x WHERE lower(x.address) = lower(r.address)), s.topics
FROM dispatcher_subscriber r LEFT JOIN dispatcher_subscription s
     ON s.subscriber_id = r.id AND {}
WHERE r.id = ANY(%(readers)s::bigint[])
"""
SQL_OF_BRIEF = _SQL_ADDRESSEES.format(SQL_LETS_THROUGH)
SQL_OF_DIGEST = _SQL_ADDRESSEES.format(f"""s.ended_at IS NULL AND EXISTS (
    SELECT FROM dispatcher_digestbrief c WHERE c.dispatch_id = %(dispatch)s AND {sql_matches("c.topics")})
""")


class Addressee(NamedTuple):
    """`follows` are the names of what made the letter come; `refused` says why it must not go."""

    subscriber_id: int
    address: str
    name: str
    language: str
    link_version: int = 0
    follows: tuple[str, ...] = ()
    refused: str = ""


def addressees(dispatch: Dispatch, subscriber_ids: Iterable[int]) -> dict[int, Addressee]:
    """The readers of these ids, in two queries however many there are."""
    called = Vocabulary().names_by_id()
    names = {pk: called[pk] for pk in dispatch.topics if pk in called}
    found: dict[int, Addressee] = {}
    parameters: dict[str, Any] = {
        "dispatch": dispatch.pk,
        "reach": dispatch.topics,
        "readers": list(subscriber_ids),
    }
    sql = SQL_OF_DIGEST if dispatch.kind == Dispatch.Kind.DIGEST else SQL_OF_BRIEF
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        for pk, address, name, language, version, state, is_paused, is_suppressed, topics in cursor:
            refused = _refusal(
                state,
                is_paused=is_paused,
                is_suppressed=is_suppressed,
                has_rule=topics is not None,
            )
            follows = () if refused else _followed(topics, names)
            if pk in found and not refused:
                follows = _both(found[pk].follows, follows)
            found[pk] = Addressee(pk, address, name, language, version, follows, refused)
    return found


def _followed(topics: Sequence[int], names: Mapping[int, str]) -> tuple[str, ...]:
    if not topics:
        return (EVERY_BRIEF,)
    return tuple(sorted({names[topic] for topic in topics if topic in names}))


def _both(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    if EVERY_BRIEF in one or EVERY_BRIEF in other:
        return (EVERY_BRIEF,)
    return tuple(sorted({*one, *other}))


def _refusal(state: str, *, is_paused: bool | None, is_suppressed: bool, has_rule: bool) -> str:
    if is_suppressed:
        return f"suppressed {OWN_WORDS}"
    if state != Subscriber.State.ACTIVE:
        return f"left {OWN_WORDS}"
    if is_paused:
        return f"paused {OWN_WORDS}"
    if not has_rule:
        return f"stopped following these topics {OWN_WORDS}"
    return ""
