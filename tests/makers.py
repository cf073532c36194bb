"""Rows for tests, made by the verbs where there is one; everything has a usual value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.text import slugify

from dispatcher.audience import consent
from dispatcher.audience.models import Subscriber, Subscription
from dispatcher.audience.rules import Cadence, Rule
from dispatcher.briefs import intake, topics
from dispatcher.briefs.document import Block, Document, Quotation, Section
from dispatcher.briefs.models import Brief, Topic
from dispatcher.mailing.models import Batch, Delivery, DigestBrief, DigestRun, Dispatch

PASSWORD = "correct horse battery"
BLOCKS: tuple[Block, ...] = (
    Section("Latest Developments", ("The ferry line reopened on Monday after nine weeks.",)),
    Quotation("Expert Analysis", ("Nobody planned for it.",), "Ada Example", "harbour analyst"),
)
_numbers = count(1)


def make_staff(name: str = "ada") -> User:
    """Someone who may sign in at the desk with `PASSWORD`."""
    return User.objects.create_user(name, password=PASSWORD)


def make_topic(name: str = "Harbours", *, parent: Topic | None = None) -> Topic:
    """The topic of that name; repeats return it."""
    return topics.add(name, parent=parent)[0]


def make_reader(
    address: str = "",
    *,
    any_of: Sequence[Topic] = (),
    all_of: Sequence[Topic] | None = None,
    none_of: Sequence[Topic] = (),
    cadence: str = Cadence.AT_ONCE,
    state: str = Subscriber.State.ACTIVE,
    **fields: Any,
) -> Subscriber:
    """A reader with one rule, or none when no topics are given; `all_of=()` follows every brief."""
    address = address or f"reader{next(_numbers)}@example.org"
    reader = Subscriber.objects.create(address=address, state=state, **fields)
    if any_of or all_of is not None:
        wanted = any_of if all_of is None else all_of
        rule = Rule(
            match=Subscription.Match.ANY if all_of is None else Subscription.Match.ALL,
            topics=frozenset(topic.pk for topic in wanted),
            except_topics=frozenset(topic.pk for topic in none_of),
            cadence=cadence,
        )
        consent.subscribe(reader, rule, source="made for a test")
    return reader


def make_brief(
    headline: str = "Ferries run again between the islands",
    *,
    topics: Sequence[Topic] = (),
    by: str = "ada",
    **document: Any,
) -> Brief:
    """A brief handed in and not released. `document` are fields of Document."""
    document.setdefault("source_id", f"{slugify(headline)[:60]}-{next(_numbers)}")
    document.setdefault("blocks", BLOCKS)
    names = tuple(topic.name for topic in topics or (make_topic(),))
    return intake.store(Document(headline=headline, topics=names, **document), by=by).brief


def make_dispatch(
    brief: Brief | None = None,
    *,
    state: str = Dispatch.State.SENDING,
    deliveries: Mapping[str, int] | None = None,
    **fields: Any,
) -> Dispatch:
    """The row of a released dispatch, whose letter nobody can send.

    `deliveries` are numbers by state; each goes to a reader of its own, and all are in one batch.
    """
    brief = brief or make_brief()
    assert brief.current
    made = Dispatch.objects.create(
        brief=brief,
        revision=brief.current,
        state=state,
        lane=fields.pop("lane", Dispatch.Lane.URGENT if brief.urgent else Dispatch.Lane.ROUTINE),
        topics=fields.pop("topics", brief.topics),
        content_hash=brief.current.content_hash,
        letter=fields.pop("letter", b""),
        released_by=fields.pop("released_by", "ada"),
        audience=fields.pop("audience", sum((deliveries or {}).values())),
        **fields,
    )
    if state not in {Dispatch.State.SCHEDULED, Dispatch.State.CANCELLED}:
        Brief.objects.filter(pk=brief.pk).update(
            released=brief.current, released_at=timezone.now(), published_at=timezone.now()
        )
    for outcome, number in (deliveries or {}).items():
        make_deliveries(made, outcome, number)
    return made


def make_digest(*briefs: Brief, title: str = "Your daily digest: 2 March 2026") -> Dispatch:
    """The row of a digest that holds these briefs, whose letter nobody can send."""
    at = timezone.now()
    run, _ = DigestRun.objects.get_or_create(
        cadence="daily", window=at, defaults={"since": at, "finished_at": at}
    )
    made = Dispatch.objects.create(
        kind=Dispatch.Kind.DIGEST,
        run=run,
        title=title,
        state=Dispatch.State.SENDING,
        lane=Dispatch.Lane.ROUTINE,
        topics=sorted({topic for brief in briefs for topic in brief.topics}),
        letter=b"",
        released_by="the clock",
    )
    for brief in briefs:
        assert brief.current
        DigestBrief.objects.create(
            dispatch=made, brief=brief, revision=brief.current, topics=brief.topics
        )
    return made


def make_deliveries(
    dispatch: Dispatch, state: str, number: int = 1, **fields: Any
) -> list[Delivery]:
    """Deliveries of a dispatch in that state, each to a new reader."""
    batch, _ = Batch.objects.get_or_create(dispatch=dispatch, number=1)
    readers = Subscriber.objects.bulk_create(
        Subscriber(address=f"reader{next(_numbers)}@example.org", state=Subscriber.State.ACTIVE)
        for _ in range(number)
    )
    return Delivery.objects.bulk_create(
        Delivery(dispatch=dispatch, subscriber=reader, batch=batch, state=state, **fields)
        for reader in readers
    )
