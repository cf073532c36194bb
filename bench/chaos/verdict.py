"""What became of a round: the sink's notes against the deliveries, and both against who must get it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field

from bench.chaos.evidence import Account, Evidence
from bench.sink_faults import Fate
from bench.sink_notes import SENT, Letter

Taken = defaultdict[int, defaultdict[str, list[Letter]]]  # by dispatch and recipient
OPEN = {"waiting", "carrying", "deferred"}
SHOWN = 5


@dataclass(slots=True)
class Verdict:
    """Letters by what is wrong with them.

    `lost`: should have gone and did not, or the ledger says so. `doubled`: taken again; `allowed`: how
    many may be, one for each connection that was struck. `strangers`: to somebody who must get none.
    `wrong`: taken, or refused for good, and the ledger says otherwise.
    """

    readers: int = 0
    accepted: int = 0
    lost: int = 0
    doubled: int = 0
    allowed: int = 0
    strangers: int = 0
    wrong: int = 0
    balances: bool = True
    ended: bool = True
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return not self.broken()

    def broken(self) -> list[str]:
        """The promises that were not kept, in words."""
        claims = {
            f"{self.lost} lost": not self.lost,
            f"{self.doubled} doubled, {self.allowed} allowed": self.doubled <= self.allowed,
            f"{self.strangers} strangers": not self.strangers,
            f"{self.wrong} told wrong": not self.wrong,
            "the ledger does not balance": self.balances,
            "not ended": self.ended,
        }
        more = len(self.problems) - SHOWN
        return [
            *(words for words, holds in claims.items() if not holds),
            *self.problems[:SHOWN],
            *([f"and {more} more"] if more > 0 else []),
        ]


def judge(evidence: Evidence) -> Verdict:
    """Hold everything against everything."""
    found = Verdict()
    taken: Taken = defaultdict(lambda: defaultdict(list))
    for dispatch, letter in evidence.letters:
        if dispatch not in evidence.accounts or letter.recipient not in evidence.audience:
            found.strangers += 1
        else:
            taken[dispatch][letter.recipient].append(letter)
    due: dict[int, set[str]] = {}
    for dispatch, account in evidence.accounts.items():
        if account.brief not in due:
            due[account.brief] = set(evidence.audience)
            found.readers += len(evidence.audience)
        _judge_account(evidence, account, due[account.brief], taken[dispatch].keys(), found)
    _judge_doubles(evidence, taken, found)
    return found


def _judge_account(
    evidence: Evidence, account: Account, due: set[str], taken: Collection[str], found: Verdict
) -> None:
    """One dispatch; what it brought is no longer due for the next one of its brief."""
    told = account.deliveries
    accepted = {address for address, state in told.items() if state == "accepted"}
    found.accepted += len(accepted)
    found.balances &= account.audience == len(told) and account.balances
    found.ended &= account.state == ("cancelled" if account.is_cancelled else "done")
    found.balances &= not ({"carrying"} if account.is_cancelled else OPEN) & set(told.values())
    found.strangers += len(told.keys() - due)
    found.lost += len(accepted - set(taken))
    found.wrong += len(set(taken) - accepted)
    due -= accepted
    if not account.is_cancelled:
        refused = {each for each in due if evidence.refusing.fate(each) is Fate.HARD}
        found.lost += len(due - refused)
        found.wrong += sum(told.get(each) != "failed" for each in refused)


def _judge_doubles(evidence: Evidence, taken: Taken, found: Verdict) -> None:
    """At most one (`in_flight`) for each connection that was struck or whose answer was dropped."""
    struck = _struck(evidence)
    found.allowed = len(struck) * evidence.in_flight
    by_reader: dict[tuple[int, str], list[Letter]] = defaultdict(list)
    for dispatch, readers in taken.items():
        for recipient, letters in readers.items():
            by_reader[evidence.accounts[dispatch].brief, recipient] += letters
            if len({letter.message_id for letter in letters}) > 1:
                words = f"{recipient} got dispatch {dispatch} under several Message-IDs"
                found.problems.append(words)
    again = Counter(letter.connection for letters in by_reader.values() for letter in letters[:-1])
    found.doubled = again.total()
    for connection, number in sorted(again.items()):
        most = evidence.in_flight if connection in struck else 0
        if number > most:
            found.problems.append(
                f"{number} letters of connection {connection} went out again, {most} may"
            )


def _struck(evidence: Evidence) -> set[int]:
    """The connections of which one letter may be in doubt."""
    struck = {letter.connection for _, letter in evidence.letters if letter.answer != SENT}
    for strike in evidence.strikes:
        struck |= {
            each.number
            for each in evidence.notes.connections.values()
            if each.is_open(strike.at) and (strike.spares_connections or each.is_lost)
        }
    return struck
