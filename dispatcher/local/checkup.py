"""What `doctor` looks at: each part that sending needs, and what to do when it is not well."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.conf import settings

from dispatcher import health, queue
from dispatcher.errors import QueueUnreachable, RelayUnreachable
from dispatcher.relays.pool import Pool, configured


@dataclass(frozen=True, slots=True)
class Check:
    what: str
    is_well: bool
    words: str


def examine(*, is_embedded: bool) -> Iterator[Check]:
    """One check a part, in the order in which they need each other."""
    yield _database()
    try:
        queue.check_reachable()
        yield Check("queue", True, "Valkey answers")
        yield from _workers(is_embedded=is_embedded)
    except QueueUnreachable as refusal:
        yield Check("queue", False, str(refusal))
    yield _relay()
    yield Check(
        "public address",
        settings.SECURE or settings.DEBUG or settings.PUBLIC_HOST in {"127.0.0.1", "localhost"},
        settings.PUBLIC_URL
        + (
            ""
            if settings.SECURE
            else ", for this machine only; set PUBLIC_URL to an https address for readers"
        ),
    )


def _database() -> Check:
    trouble = health.database_trouble()
    return Check("database", not trouble, trouble or "PostgreSQL answers, tables are up to date")


def _workers(*, is_embedded: bool) -> Iterator[Check]:
    consumed = queue.consumed()
    for name in queue.QUEUES:
        yield Check(
            f"worker on {name}",
            name in consumed,
            "at work"
            if name in consumed
            else "none; start everything: dispatcher up"
            if is_embedded
            else f"none; start one: celery -A workers worker -Q {name}",
        )


def _relay() -> Check:
    try:
        pool = Pool(configured())
        try:
            return Check("relay", True, f"{pool.greet()} takes letters")
        finally:
            pool.close()
    except RelayUnreachable as refusal:
        return Check("relay", False, str(refusal))
