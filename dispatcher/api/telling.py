"""What the API answers, field by field, and how rows become it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any, Self

from ninja import Schema
from pydantic import Field

from dispatcher import links
from dispatcher.briefs.intake import Intake, Outcome
from dispatcher.briefs.models import Brief, Topic
from dispatcher.mailing import reporting, troubles
from dispatcher.mailing.amending import Amendment
from dispatcher.mailing.dispatching import Prospect
from dispatcher.mailing.models import Act, Dispatch


class Refused(Schema):
    """Any answer that is no success."""

    detail: str = Field(description="One line that says what is wrong and what to do.")
    code: str = Field(description="A word for programs.")


class TopicOut(Schema):
    slug: str
    name: str


class IntakeOut(Schema):
    id: str = Field(description="The brief's public id.", examples=["k3v9x2mq7d"])
    source_id: str
    outcome: Outcome = Field(description="`same`: known already, nothing was stored.")
    revision: int
    topics: list[TopicOut]
    url: str = Field(description="The brief's page; readers can open it once it is released.")

    @classmethod
    def of(cls, taken: Intake) -> Self:
        return cls(
            id=taken.brief.public_id,
            source_id=taken.brief.source_id,
            outcome=taken.outcome,
            revision=taken.revision.number,
            topics=_topics(taken.brief),
            url=links.brief_page(taken.brief.public_id),
        )


class BriefOut(Schema):
    id: str
    source_id: str
    headline: str
    kind: str
    urgent: bool
    language: str
    published_at: datetime | None
    topics: list[TopicOut]
    revision: int = Field(description="The newest: what a release would send.")
    released_revision: int | None = Field(description="What readers see; null before the release.")
    released_at: datetime | None
    amended_at: datetime | None = Field(description="When it was last corrected or retagged.")
    withdrawn_at: datetime | None = Field(description="Set while readers no longer see its text.")
    dispatches: list[int] = Field(description="Newest first.")
    url: str
    document: dict[str, Any] = Field(description="The newest revision, as a brief in JSON.")

    @classmethod
    def of(cls, brief: Brief) -> Self:
        assert brief.current is not None  # noqa: S101  intake stores both together
        return cls(
            id=brief.public_id,
            source_id=brief.source_id,
            headline=brief.headline,
            kind=brief.kind,
            urgent=brief.urgent,
            language=brief.language,
            published_at=brief.published_at,
            topics=_topics(brief),
            revision=brief.current.number,
            released_revision=brief.released.number if brief.released else None,
            released_at=brief.released_at,
            amended_at=brief.amended_at,
            withdrawn_at=brief.withdrawn_at,
            dispatches=list(brief.dispatches.order_by("-pk").values_list("pk", flat=True)),
            url=links.brief_page(brief.public_id),
            document=brief.current.content,
        )


class AmendmentOut(Schema):
    is_new: bool = Field(description="Whether anything changed; a repeat changes nothing.")
    stopped: list[int] = Field(description="Dispatches that a retraction ended.")
    under_way: list[int] = Field(
        description="Dispatches whose letters that have not left keep what was released."
    )
    brief: BriefOut

    @classmethod
    def of(cls, done: Amendment) -> Self:
        return cls(
            is_new=done.is_new,
            stopped=list(done.stopped),
            under_way=list(done.under_way),
            brief=BriefOut.of(done.brief),
        )


class AudienceOut(Schema):
    readers: int = Field(description="How many get it at once, counted just before the release.")
    in_digests: int = Field(description="How many more get it in their next digest.")
    excluded: dict[str, int] = Field(description="Readers who match and are left out, by reason.")


class ReleaseOut(Schema):
    dispatch: int
    state: Dispatch.State
    lane: Dispatch.Lane
    scheduled_for: datetime | None
    audience: AudienceOut

    @classmethod
    def of(cls, dispatch: Dispatch, prospect: Prospect) -> Self:
        return cls(
            dispatch=dispatch.pk,
            state=Dispatch.State(dispatch.state),
            lane=Dispatch.Lane(dispatch.lane),
            scheduled_for=dispatch.scheduled_for,
            audience=AudienceOut(
                readers=prospect.audience.readers,
                in_digests=prospect.audience.in_digests,
                excluded=dict(prospect.audience.excluded),
            ),
        )


class TallyOut(Schema):
    audience: int
    waiting: int
    carrying: int
    accepted: int
    deferred: int
    failed: int
    unknown: int


class TimesOut(Schema):
    """Seconds from the release until so much was accepted; null while it has not come to that."""

    first: float | None = Field(description="The first letter.")
    half: float | None
    most: float | None = Field(description="95 %.")
    nearly_all: float | None = Field(description="99 %.")
    all: float | None


class ActOut(Schema):
    at: datetime
    by: str
    what: Act.What
    note: str


class FaultyOut(Schema):
    number: int
    letters: int
    faults: int = Field(description="How often in a row carrying it broke down.")
    fault: str
    due_at: datetime


class DispatchOut(Schema):
    id: int
    kind: Dispatch.Kind
    headline: str = Field(description="Of its brief; of a digest, its subject.")
    brief: str | None = Field(description="The brief's public id; null for a digest.")
    briefs: list[str] = Field(description="The public ids of all that it holds.")
    revision: int | None
    lane: Dispatch.Lane
    state: Dispatch.State
    released_by: str
    released_at: datetime
    scheduled_for: datetime | None
    finished_at: datetime | None
    tally: TallyOut = Field(description="Deliveries by state, counted now.")
    balances: bool = Field(description="Whether the states add up to the audience.")
    excluded: dict[str, int] = Field(description="Readers who match and were left out, by reason.")
    rate: float | None = Field(description="Letters a second over the last minute.")
    seconds_left: float | None = Field(description="An estimate; null where there is none.")
    seconds_to_accepted: TimesOut
    faulty_batches: list[FaultyOut] = Field(description="Batches that break whoever carries them.")
    acts: list[ActOut] = Field(description="What was done to it, oldest first.")

    @classmethod
    def of(cls, dispatch: Dispatch) -> Self:
        so_far = reporting.progress(dispatch)
        tally = so_far.tally
        return cls(
            id=dispatch.pk,
            kind=Dispatch.Kind(dispatch.kind),
            headline=dispatch.headline,
            brief=dispatch.brief.public_id if dispatch.brief else None,
            briefs=reporting.briefs_of(dispatch),
            revision=dispatch.revision.number if dispatch.revision else None,
            lane=Dispatch.Lane(dispatch.lane),
            state=Dispatch.State(dispatch.state),
            released_by=dispatch.released_by,
            released_at=dispatch.released_at,
            scheduled_for=dispatch.scheduled_for,
            finished_at=dispatch.finished_at,
            tally=TallyOut(**asdict(tally)),
            balances=tally.balances,
            excluded=dispatch.excluded,
            rate=so_far.rate,
            seconds_left=so_far.seconds_left,
            seconds_to_accepted=TimesOut(**asdict(reporting.times(dispatch, tally))),
            faulty_batches=[FaultyOut(**asdict(batch)) for batch in troubles.faulty(dispatch)],
            acts=[
                ActOut(at=act.at, by=act.by, what=Act.What(act.what), note=act.note)
                for act in dispatch.acts.order_by("at", "pk")
            ],
        )


def _topics(brief: Brief) -> list[TopicOut]:
    found = Topic.objects.in_bulk(brief.topics)
    return [TopicOut(slug=found[pk].slug, name=found[pk].name) for pk in brief.topics]
