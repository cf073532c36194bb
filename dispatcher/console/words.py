"""The desk's words for states, outcomes and reasons, and the sentences about progress.

Texts in, texts out: figures come from `reporting`, and pages decide where a sentence stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from dispatcher.briefs.models import Revision
from dispatcher.mailing.ledger import Tally
from dispatcher.mailing.models import Act, Delivery, Dispatch
from dispatcher.mailing.reporting import DRAFT, WITHDRAWN, Progress, Times
from dispatcher.mailing.timeline import Event
from dispatcher.mailing.troubles import Faulty, Reason

State = Dispatch.State
Outcome = Delivery.State


@dataclass(frozen=True, slots=True)
class Chip:
    """A word and a shape, so that colour is never alone; `tone` names a token."""

    word: str
    shape: str
    tone: str


CHIPS: Mapping[str, Chip] = {
    DRAFT: Chip("Draft", "ring", "ink-soft"),
    State.SCHEDULED: Chip("Scheduled", "clock", "accent"),
    State.MATCHING: Chip("Preparing", "half", "accent"),
    State.SENDING: Chip("Sending", "arrow", "accent"),
    State.PAUSED: Chip("Paused", "bars", "warn"),
    State.DONE: Chip("Sent", "check", "good"),
    State.CANCELLED: Chip("Cancelled", "cross", "bad"),
    WITHDRAWN: Chip("Withdrawn", "cross", "bad"),
    Dispatch.Kind.DIGEST: Chip("Digests", "bars", "ink-soft"),
    # Readers
    "pending": Chip("Not confirmed", "clock", "warn"),
    "active": Chip("Active", "check", "good"),
    "left": Chip("Left", "ring", "ink-soft"),
    "suppressed": Chip("Suppressed", "cross", "bad"),
    # Why an address is suppressed, and what came back
    "bounced": Chip("Bounced", "cross", "bad"),
    "complaint": Chip("Complaint", "bars", "bad"),
    "opt-out": Chip("Opt-out", "bars", "warn"),
    "erased": Chip("Erased", "ring", "ink-soft"),
    "by hand": Chip("By hand", "half", "ink-soft"),
    "hard bounce": Chip("Hard bounce", "cross", "bad"),
    "soft bounce": Chip("Soft bounce", "clock", "warn"),
    "refused by policy": Chip("By policy", "half", "warn"),
    "feedback": Chip("Feedback", "query", "ink-soft"),
    "note": Chip("Note", "query", "ink-soft"),
    "believed": Chip("Believed", "check", "bad"),
    "dismissed": Chip("Dismissed", "ring", "good"),
    "undecided": Chip("Waits for you", "query", "warn"),
    # Deliveries
    Outcome.WAITING: Chip("Waiting", "ring", "ink-soft"),
    Outcome.CARRYING: Chip("Being handed over", "arrow", "accent"),
    Outcome.ACCEPTED: Chip("Accepted", "check", "good"),
    Outcome.DEFERRED: Chip("Put off", "clock", "warn"),
    Outcome.FAILED: Chip("Failed", "cross", "bad"),
    Outcome.UNKNOWN: Chip("In doubt", "query", "warn"),
}

OUTCOMES: Mapping[str, str] = {
    Outcome.ACCEPTED: "the relay took the letter",
    Outcome.FAILED: "refused for good, or no longer to be sent",
    Outcome.UNKNOWN: "handed over, but the answer was lost",
    Outcome.DEFERRED: "refused for now, will be tried again",
    Outcome.CARRYING: "with a worker at this moment",
    Outcome.WAITING: "not begun",
}

EXCLUDED: Mapping[str, str] = {
    "suppressed": "the address is suppressed",
    "left": "the reader has left",
    "paused": "the reader has paused letters",
    "pending": "the reader has not confirmed the address",
    "had it already": "the reader has it from a dispatch that was cancelled",
}


ACTS: Mapping[str, str] = {
    Act.What.RELEASED: "Released",
    Act.What.PAUSED: "Paused",
    Act.What.RESUMED: "Resumed",
    Act.What.CANCELLED: "Cancelled",
    Act.What.REPLACED: "Stopped, to go anew",
    Act.What.SENT_REST: "Sent the rest again:",
    Act.What.ACCEPTED: "Took as accepted:",
}


# What was done to a brief that is public.
AMENDED: Mapping[str, str] = {
    Revision.Change.CORRECTION: "Corrected",
    Revision.Change.RETAGGING: "Put under other topics",
    Revision.Change.RETRACTION: "Withdrawn",
}


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One outcome of a ledger; `before` is the share that stands ahead of it in the bar, 0 to 1."""

    outcome: str
    word: str
    meaning: str
    number: int
    share: float
    before: float


def ledger(tally: Tally) -> list[LedgerRow]:
    """The ledger in the order of its bar: what is over first, what has not begun last."""
    rows: list[LedgerRow] = []
    before = 0.0
    for outcome, meaning in OUTCOMES.items():
        number: int = getattr(tally, outcome)
        share = number / tally.counted if tally.counted else 0.0
        rows.append(LedgerRow(outcome, CHIPS[outcome].word, meaning, number, share, before))
        before += share
    return rows


def progress(dispatch: Dispatch, so_far: Progress, *, next_try: str = "") -> str:
    """How far a dispatch is, in one line. Never "delivered": all we know is what a relay took."""
    sums = so_far.tally
    of = f"{so_far.settled:,} of {sums.audience:,}"
    match dispatch.state:
        case State.SCHEDULED:
            return "Waits for its time"
        case State.MATCHING:
            found = plural(sums.audience, "reader")
            said = f"Preparing, {so_far.prepared:.0%}: {found} found"
            return f"{said}, {so_far.settled:,} sent" if so_far.settled else said
        case State.SENDING:
            return _sending(so_far, of, next_try)
        case State.PAUSED | State.CANCELLED:
            unsent = plural(sums.open, "letter")
            rest = f"{unsent} not sent" if dispatch.state == State.CANCELLED else f"{unsent} held"
            return f"{CHIPS[dispatch.state].word} at {of}; {rest}"
    return _sent(sums)


def _sending(so_far: Progress, of: str, next_try: str) -> str:
    sums = so_far.tally
    if sums.deferred and not sums.waiting + sums.carrying:
        return f"Sent {of} · {sums.deferred:,} put off{next_try and f' until {next_try}'}"
    left = so_far.seconds_left
    return f"Sending {of}" if left is None else f"Sending {of} · {estimate(left)}"


def _sent(sums: Tally) -> str:
    if not sums.audience:
        return "Published to the feeds alone"
    failed = f", {sums.failed:,} failed" if sums.failed else ""
    doubt = f", {sums.unknown:,} in doubt" if sums.unknown else ""
    return f"Sent: {sums.accepted:,} of {plural(sums.audience, 'letter')} accepted{failed}{doubt}"


def times(found: Times) -> list[tuple[str, str]]:
    """How quickly it went, row by row: what was reached, and how long after the release."""
    named = {
        "First letter": found.first,
        "50 %": found.half,
        "95 %": found.most,
        "99 %": found.nearly_all,
        "100 %": found.all,
    }
    return [
        (name, "not yet" if seconds is None else span(seconds)) for name, seconds in named.items()
    ]


def span(seconds: float) -> str:
    """0.4 s, 12 s, 2 min 5 s, 3 h 10 min, 2 days 4 h: two parts at most."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return _parts(whole, 60, "min", 1, "s")
    if round(whole / 60) < 48 * 60:
        return _parts(whole, 3600, "h", 60, "min")
    return _parts(whole, 86_400, "days", 3600, "h")


def _parts(seconds: int, large: int, large_unit: str, small: int, small_unit: str) -> str:
    most, left = divmod(round(seconds / small), large // small)
    return f"{most} {large_unit} {left} {small_unit}" if left else f"{most} {large_unit}"


def where(reason: Reason) -> str:
    """Of what mailboxes letters are that were answered alike."""
    if reason.domains == 1:
        return f"all at {reason.domain}"
    return f"most at {reason.domain}, {reason.domains:,} domains in all"


def broke(batch: Faulty) -> str:
    """What is the matter with a batch that breaks whoever carries it."""
    still = "stands still" if batch.stands_still else "has not got through yet"
    often = "once" if batch.faults == 1 else f"{batch.faults:,} times in a row"
    return (
        f"Batch {batch.number} with {plural(batch.letters, 'letter')} {still}: it broke down {often},"
        f" last with “{batch.fault}”."
    )


def estimate(seconds: float) -> str:
    """About how long it still takes."""
    if seconds < 45:
        return "less than a minute left"
    if seconds < 50 * 60:
        return f"about {plural(max(round(seconds / 60), 1), 'minute')} left"
    return f"about {plural(max(round(seconds / 3600), 1), 'hour')} left"


def share(part: float) -> str:
    """A share in per cent; what is there never reads as nothing."""
    if 0 < part < 0.0005:
        return "< 0.1 %"
    return f"{part:.1%}".replace("%", " %")


def balance(tally: Tally) -> str:
    """Whether the sum over the outcomes is the audience, said outright."""
    if tally.balances:
        return f"The ledger balances: {plural(tally.audience, 'reader')}, {plural(tally.counted, 'outcome')}."
    return (
        f"The ledger does not balance: {plural(tally.audience, 'reader')},"
        f" {plural(tally.counted, 'outcome')}. Tell whoever runs this installation."
    )


def left_out(excluded: Mapping[str, int]) -> str:
    """8 readers are left out: 5 …, 3 …"""
    said = [
        f"{number:,} because {EXCLUDED.get(reason, reason)}" for reason, number in excluded.items()
    ]
    return "; ".join(said)


def plural(value: int, one: str, many: str = "") -> str:
    """1 reader, 1,234 readers."""
    return f"{value:,} {one if value == 1 else many or one + 's'}"


def listed(names: tuple[str, ...], joint: str = "or") -> str:
    """A, B or C."""
    *most, last = names or ("",)
    return f"{', '.join(most)} {joint} {last}" if most else last


def until(moment: datetime, now: datetime) -> str:
    """In 20 minutes, in 3 hours, in 2 days."""
    minutes = max(round((moment - now).total_seconds() / 60), 1)
    if minutes < 90:
        return f"in {plural(minutes, 'minute')}"
    if minutes < 36 * 60:
        return f"in {plural(round(minutes / 60), 'hour')}"
    return f"in {plural(round(minutes / 1440), 'day')}"


CONSENTS: Mapping[str, str] = {
    "asked": "Asked to read",
    "confirmed": "Confirmed",
    "imported": "Imported",
    "added by staff": "Added by staff",
    "left": "Left",
    "returned": "Came back",
    "changed": "Changed what comes",
    "moved": "Moved to another address",
    "erased": "Erased",
    "paused": "Paused",
    "resumed": "Resumed",
}
NOTICES: Mapping[str, str] = {
    "welcome": "Welcome",
    "address": "Link to confirm a new address",
    "moved": "Word of a new address",
    "farewell": "Farewell",
    "page": "Link to their page",
}


def event(of: Event) -> str:
    """What happened between a reader and us, in a few words."""
    match of.kind:
        case "consent":
            return CONSENTS[of.what]
        case "notice":
            return f"Letter: {NOTICES[of.what]}"
        case "suppression":
            return f"{of.what.capitalize()}:"
    return of.what.capitalize()
