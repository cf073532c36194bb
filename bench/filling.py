"""Readers by the hundred thousand, written with COPY: what an import would have made, in seconds.

Everybody follows one to seven of sixty topics at once. Besides, the first readers follow a topic that
stands for an audience of just that size, and the last few the urgent one.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from itertools import islice

import psycopg

from bench.sizes import Sizes

SUBJECTS = tuple(f"Subject {number}" for number in range(1, 61))
URGENT = "Urgent matters"
AUDIENCE = SUBJECTS[:3]  # any of these: about 18 readers of 100
_CHUNK = 10_000

SQL_TOPIC = """
INSERT INTO dispatcher_topic (slug, name, aliases) VALUES (%s, %s, '{}') RETURNING id
"""
SQL_SUBSCRIBERS = """
COPY dispatcher_subscriber (id, address, name, language, timezone, state, created_at) FROM STDIN
"""
SQL_SUBSCRIPTIONS = """
COPY dispatcher_subscription (subscriber_id, match, topics, except_topics, cadence, source, started_at, ended_reason)
FROM STDIN
"""
SQL_CONSENTS = """
INSERT INTO dispatcher_consent (subscriber_id, act, source, wording, ip_hash, at)
SELECT id, 'imported', 'bench', '', '', created_at FROM dispatcher_subscriber
"""
SQL_SEQUENCE = """
SELECT setval(pg_get_serial_sequence('dispatcher_subscriber', 'id'), %s)
"""
_AT = "2026-01-01 00:00:00+00"


def of_size(readers: int) -> str:
    """The topic that this many readers follow, in a database that has so many."""
    return f"Audience of {readers}"


def address(number: int) -> str:
    return f"reader-{number:07}@example.org"


def fill(connection: psycopg.Connection, readers: int, sizes: Sizes) -> None:
    """Write topics and readers 1 to `readers` into an empty database."""
    ids = {name: _topic(connection, name) for name in _names(sizes)}
    if not readers:
        return
    _copy(connection, SQL_SUBSCRIBERS, _subscribers(readers))
    _copy(connection, SQL_SUBSCRIPTIONS, _subscriptions(readers, ids, sizes))
    connection.execute(SQL_SEQUENCE, [readers])
    connection.execute(SQL_CONSENTS)
    connection.commit()
    connection.autocommit = True
    connection.execute("VACUUM (ANALYZE)")


def _names(sizes: Sizes) -> tuple[str, ...]:
    return (*SUBJECTS, URGENT, *map(of_size, sizes.audiences))


def _topic(connection: psycopg.Connection, name: str) -> int:
    row = connection.execute(SQL_TOPIC, [name.lower().replace(" ", "-"), name]).fetchone()
    assert row
    return int(row[0])


def _subscribers(readers: int) -> Iterator[str]:
    for number in range(1, readers + 1):
        yield f"{number}\t{address(number)}\tReader {number}\ten\tUTC\tactive\t{_AT}\n"


def _subscriptions(readers: int, ids: dict[str, int], sizes: Sizes) -> Iterator[str]:
    chance = random.Random(20260302)
    subjects = [ids[name] for name in SUBJECTS]
    audiences = [(size, ids[of_size(size)]) for size in sizes.audiences]
    for number in range(1, readers + 1):
        topics = chance.sample(subjects, chance.randint(1, 7))
        topics += [topic for size, topic in audiences if number <= size]
        if number > readers - sizes.urgent:
            topics.append(ids[URGENT])
        array = ",".join(map(str, sorted(topics)))
        yield f"{number}\tany\t{{{array}}}\t{{}}\tat once\tbench\t{_AT}\t\n"


def _copy(connection: psycopg.Connection, statement: str, lines: Iterable[str]) -> None:
    lines = iter(lines)
    with connection.cursor().copy(statement) as copy:
        while chunk := "".join(islice(lines, _CHUNK)):
            copy.write(chunk)
