"""What a round left behind: the sink's notes, the deliveries by a query of our own, and what was done.

It is gathered here and judged elsewhere; the product's own sums are asked only to be held against it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bench.chaos.round import Round, Strike
from bench.sink_faults import Faults
from bench.sink_notes import Letter, Notes
from dispatcher.audience.tokens import Purpose, unseal
from dispatcher.errors import BadToken
from dispatcher.mailing import ledger

SQL_DELIVERIES = """
SELECT s.address, d.state FROM dispatcher_delivery d JOIN dispatcher_subscriber s ON s.id = d.subscriber_id
WHERE d.dispatch_id = %s
"""
SQL_DISPATCH = "SELECT state, audience FROM dispatcher_dispatch WHERE id = %s"


@dataclass(frozen=True, slots=True)
class Account:
    """What the database says of one dispatch; `deliveries` are states by address."""

    brief: int
    state: str
    audience: int
    deliveries: Mapping[str, str]
    balances: bool  # by the product's own sums
    is_cancelled: bool = False


@dataclass(frozen=True, slots=True)
class Evidence:
    """Accounts in the order of release. `letters` come with the dispatch of their Message-ID, or 0."""

    audience: frozenset[str]
    accounts: Mapping[int, Account]
    letters: Sequence[tuple[int, Letter]]
    notes: Notes = field(default_factory=Notes)
    strikes: Sequence[Strike] = ()
    refusing: Faults = field(default_factory=Faults)
    in_flight: int = 1  # letters of one connection that may be in doubt


def gather(this: Round) -> Evidence:
    """Everything that a round left behind."""
    notes = this.relay.notes(after=this.place)
    return Evidence(
        audience=this.people.audience,
        accounts={dispatch: _account(this, dispatch) for dispatch in this.dispatches},
        letters=[(_dispatch_of(letter), letter) for letter in notes.letters],
        notes=notes,
        strikes=this.strikes,
        refusing=this.refusing,
        in_flight=this.ground.in_flight if this.is_distant else 1,
    )


def _account(this: Round, dispatch: int) -> Account:
    ((state, audience),) = this.engines.rows(SQL_DISPATCH, dispatch)
    return Account(
        brief=this.briefs[dispatch],
        state=state,
        audience=audience,
        deliveries=dict(this.engines.rows(SQL_DELIVERIES, dispatch)),
        balances=ledger.tally(dispatch).balances,
        is_cancelled=dispatch in this.cancelled,
    )


def _dispatch_of(letter: Letter) -> int:
    token = letter.message_id.strip("<>").partition("@")[0]
    try:
        return unseal(Purpose.MESSAGE_ID, token, count=2)[1]
    except BadToken:
        return 0
