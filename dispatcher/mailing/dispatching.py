"""The desk's verbs on a dispatch: release, pause, resume, cancel. Who may do it is the doors' matter.

A release stores who, when and the exact letter, and every verb notes who did it and when. Verbs are
conditional updates, so that two at the same moment cannot both win.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils import timezone

from dispatcher import queue
from dispatcher.audience import browsing
from dispatcher.briefs import revising
from dispatcher.briefs.models import Brief, Revision
from dispatcher.briefs.topics import Vocabulary
from dispatcher.errors import (
    AlreadyReleased,
    BriefGone,
    NobodyFollows,
    NoSuchDispatch,
    UnreadyBrief,
    WrongState,
)
from dispatcher.mailing import composing, matching
from dispatcher.mailing.matching import Audience
from dispatcher.mailing.models import Act, Dispatch

State = Dispatch.State
# Between looking and releasing readers come and go; beyond this it is another audience than was shown.
DRIFT_SHARE, DRIFT_READERS = 0.05, 5


class AudienceChanged(WrongState):
    """The release would reach others than were shown."""


@dataclass(frozen=True, slots=True)
class Prospect:
    """What a release would do now: to how many readers, on which topics, in which lane."""

    audience: Audience
    topics: tuple[str, ...]
    lane: str


def prospect(brief: Brief) -> Prospect:
    """Look ahead at a release without doing it. Raises UnreadyBrief."""
    brief = revising.ahead(brief)
    vocabulary = Vocabulary()
    return Prospect(
        audience=matching.count(vocabulary.reach(brief.topics), brief=brief),
        topics=tuple(vocabulary.names(brief.topics)),
        lane=lane_of(brief),
    )


def lane_of(brief: Brief) -> str:
    return Dispatch.Lane.URGENT if brief.urgent else Dispatch.Lane.ROUTINE


def release(
    brief: Brief,
    *,
    by: str,
    at: datetime | None = None,
    to_feeds_alone: bool = False,
    shown: int | None = None,
) -> Dispatch:
    """Let a brief's current revision go, now or at a time, to the readers of its topics and the feeds.

    With `to_feeds_alone` nobody is mailed. `shown` is the number of readers that was agreed to. Raises
    AlreadyReleased, BriefGone, UnreadyBrief, NobodyFollows, AudienceChanged, WrongState for a time in the past,
    QueueUnreachable; then nothing is stored. A second release is refused.
    """
    revision = brief.current
    if revision is None:
        raise UnreadyBrief("The brief has no content yet; hand it in first.")
    if at is not None and at <= timezone.now():
        raise WrongState(
            f"{at:%Y-%m-%d %H:%M %Z} is in the past; leave the time out to release now."
        )
    refuse_withdrawn(brief)
    _refuse_second(brief)
    brief = revising.ahead(brief)
    reach = Vocabulary().reach(brief.topics)
    audience = Audience(0, {}) if to_feeds_alone else matching.count(reach, brief=brief)
    readers = audience.readers
    if not to_feeds_alone and not readers and not audience.in_digests:
        raise NobodyFollows(
            "No reader follows the topics of this brief. Release it to the feeds alone"
            " (--feeds-only), or import readers first."
        )
    if shown is not None and abs(readers - shown) > max(DRIFT_READERS, DRIFT_SHARE * shown):
        raise AudienceChanged(
            f"It was {_counted(shown)} when you looked and is {readers:,} now: a topic or its"
            " readers have changed. Look at whom it goes to, then release it."
        )
    queue.check_reachable()
    languages = [] if to_feeds_alone else browsing.languages()
    letter = composing.compose_variants(brief, revision, languages=languages, day=at)
    try:
        with transaction.atomic():
            dispatch = _store(
                brief, revision, reach, letter.to_bytes(), by=by, at=at, by_mail=not to_feeds_alone
            )
            to = "the feeds alone" if to_feeds_alone else _counted(readers)
            if audience.in_digests:
                to += f" at once and {_counted(audience.in_digests)} in digests"
            note(dispatch, Act.What.RELEASED, by=by, words=f"to {to}")
    except IntegrityError:
        _refuse_second(brief)
        raise
    return dispatch


def start(dispatch: Dispatch) -> bool:
    """Begin a scheduled dispatch: its brief becomes public, its audience is looked for. Once only."""
    with transaction.atomic():
        # The brief first, as a retraction does, which ends dispatches under its lock.
        Brief.objects.select_for_update(no_key=True).filter(dispatches=dispatch).first()
        due = Dispatch.objects.filter(pk=dispatch.pk, state=State.SCHEDULED)
        if not due.update(state=State.MATCHING):
            return False
        _make_public(dispatch)
    return True


def pause(dispatch_id: int, *, by: str) -> Dispatch:
    """Hold a dispatch: batches not begun stay where they are, those in hand stop within seconds."""
    with transaction.atomic():
        dispatch = _change(dispatch_id, (State.MATCHING, State.SENDING), State.PAUSED, "be paused")
        note(dispatch, Act.What.PAUSED, by=by)
    return dispatch


def resume(dispatch_id: int, *, by: str) -> Dispatch:
    """Let a paused dispatch go on where it stood."""
    with transaction.atomic():
        dispatch = _change(dispatch_id, (State.PAUSED,), State.MATCHING, "be resumed")
        note(dispatch, Act.What.RESUMED, by=by)
        if dispatch.matched_at:
            dispatch.state = State.SENDING
            dispatch.save(update_fields=["state"])
        queue.match(dispatch.pk, lane=dispatch.lane)
        batches = dispatch.batches.exclude(state="done").order_by("number")
        batches.update(posted_at=timezone.now())
        for batch_id in batches.values_list("pk", flat=True):
            queue.carry(batch_id, lane=dispatch.lane)
    return dispatch


def cancel(dispatch_id: int, *, by: str) -> Dispatch:
    """Stop a dispatch for good; letters not handed over stay waiting and are never sent."""
    stoppable = (State.SCHEDULED, State.MATCHING, State.SENDING, State.PAUSED)
    with transaction.atomic():
        dispatch = _change(dispatch_id, stoppable, State.CANCELLED, "be cancelled")
        Dispatch.objects.filter(pk=dispatch_id).update(finished_at=timezone.now())
        note(dispatch, Act.What.CANCELLED, by=by)
    return dispatch


def note(dispatch: Dispatch, what: str, *, by: str, words: str = "") -> None:
    """Enter in the acts of a dispatch what somebody just did; in the same transaction as the deed."""
    Act.objects.create(dispatch=dispatch, what=what, by=by[:150], note=words[:300])


def find(dispatch_id: int) -> Dispatch:
    """Raises NoSuchDispatch."""
    rows = Dispatch.objects.select_related("brief", "revision").defer("letter")
    dispatch = rows.filter(pk=dispatch_id).first()
    if dispatch is None:
        raise NoSuchDispatch(f"There is no dispatch {dispatch_id}; see `dispatcher dispatch list`.")
    return dispatch


def _store(
    brief: Brief,
    revision: Revision,
    reach: list[int],
    letter: bytes,
    *,
    by: str,
    at: datetime | None,
    by_mail: bool,
) -> Dispatch:
    locked = Brief.objects.select_for_update(no_key=True).get(pk=brief.pk)
    refuse_withdrawn(locked)
    if locked.current_id != revision.pk:
        raise WrongState("The brief has changed in this moment; look at it again, then release it.")
    dispatch = Dispatch.objects.create(
        brief=brief,
        revision=revision,
        lane=lane_of(brief),
        state=State.SCHEDULED if at else State.MATCHING,
        topics=reach,
        content_hash=revision.content_hash,
        letter=letter,
        by_mail=by_mail,
        released_by=by,
        scheduled_for=at,
    )
    if at is None:
        _make_public(dispatch)
    return dispatch


def _make_public(dispatch: Dispatch) -> None:
    brief = revising.locked(dispatch.brief_id or 0)
    now = timezone.now().replace(microsecond=0)
    if brief.released_at is None:
        brief.released_at = now
    revision = dispatch.revision
    if brief.released is None:
        brief.released = revision
        if revision is not None and brief.current_id != revision.pk:  # edited since it was released
            revising.follow_revision(brief, revision)
            brief.published_at = revision.document.published_at
    elif revision is not None and revising.is_newer(brief, revision):  # else corrected since
        brief.released, brief.amended_at = revision, revising.next_moment(brief)
        revising.follow_revision(brief, revision)
    brief.published_at = brief.published_at or now
    brief.save()
    queue.match(dispatch.pk, lane=dispatch.lane)
    queue.publish(brief.pk)


def refuse_withdrawn(brief: Brief) -> None:
    """Raise BriefGone for a brief that goes to nobody any more."""
    if brief.withdrawn_at is not None:
        raise BriefGone(
            f"This brief was withdrawn on {brief.withdrawn_at:%Y-%m-%d %H:%M %Z}, so it goes to nobody;"
            " correct it to bring it back."
        )


def _refuse_second(brief: Brief) -> None:
    earlier = brief.dispatches.exclude(state=State.CANCELLED).first()
    if earlier is not None and earlier.state == State.SCHEDULED:
        raise AlreadyReleased(
            f"This brief is scheduled for {earlier.scheduled_for:%Y-%m-%d %H:%M %Z}; to change that,"
            f" first `dispatcher dispatch cancel {earlier.pk}`."
        )
    if earlier is not None:
        raise AlreadyReleased(
            f"This brief was released by {earlier.released_by} on {earlier.released_at:%Y-%m-%d %H:%M %Z};"
            f" see `dispatcher dispatch show {earlier.pk}`."
        )


def _change(dispatch_id: int, allowed: tuple[str, ...], state: str, verb: str) -> Dispatch:
    changed = Dispatch.objects.filter(pk=dispatch_id, state__in=allowed).update(state=state)
    dispatch = find(dispatch_id)
    if not changed:
        raise WrongState(f"Dispatch {dispatch_id} is {dispatch.state}, so it cannot {verb}.")
    return dispatch


def _counted(readers: int) -> str:
    return f"{readers:,} reader{'' if readers == 1 else 's'}"
