"""What the command line answers about a dispatch: in lines for people, whole for programs."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from dispatcher.cli.following import OUTCOMES
from dispatcher.cli.output import counted, say, say_rows, shown

if TYPE_CHECKING:
    from dispatcher.mailing.ledger import Tally
    from dispatcher.mailing.models import Dispatch


def everything(dispatch: Dispatch) -> dict[str, Any]:
    """Everything there is to say about a dispatch, for programs."""
    from dispatcher.mailing import reporting, resending, troubles

    so_far = reporting.progress(dispatch)
    sums = so_far.tally
    return described(dispatch) | {
        "tally": asdict(sums),
        "balances": sums.balances,
        "proof": proof(sums),
        "rate": so_far.rate,
        "seconds_left": so_far.seconds_left,
        "seconds_to_accepted": asdict(reporting.times(dispatch, sums)),
        "rest": asdict(resending.rest(dispatch)),
        "reasons": [asdict(reason) for reason in troubles.reasons(dispatch)],
        "relays": [asdict(relay) for relay in troubles.relays(dispatch)],
        "faulty_batches": [asdict(batch) for batch in troubles.faulty(dispatch)],
        "acts": list(dispatch.acts.order_by("at", "pk").values("at", "by", "what", "note")),
    }


def say_everything(dispatch: Dispatch) -> None:
    """The same for people: facts, acts, times, the ledger, and what is in the way."""
    from dispatcher.console import words
    from dispatcher.mailing import reporting, resending, troubles

    so_far = reporting.progress(dispatch)
    for name, value in described(dispatch).items():
        said = ", ".join(value) if isinstance(value, list) else shown(value)
        say(f"{name:10} {said}".rstrip())
    for act in dispatch.acts.order_by("at", "pk"):
        did = f"{words.ACTS[act.what]} {act.note}".strip()
        say(f"{'act':10} {shown(act.at)} {did}, by {act.by}")
    times = words.times(reporting.times(dispatch, so_far.tally))
    say(f"{'accepted':10} " + " · ".join(f"{share} {after}" for share, after in times))
    print_ledger(so_far.tally)
    for batch in troubles.faulty(dispatch):
        say(f"{words.broke(batch)} Again {shown(batch.due_at)}.")
    rows = [
        {
            "letters": reason.letters,
            "outcome": reason.state,
            "relay": reason.relay,
            "words of one of them": reason.words,
            "again": reason.next_attempt_at,
        }
        for reason in troubles.reasons(dispatch)
    ]
    if rows:
        say_rows(rows, as_json=False, empty="", right=["letters"])
    if letters := resending.rest(dispatch).letters:
        say(
            f"{counted(letters, 'letter')} can be sent again:"
            f" dispatcher dispatch resume {dispatch.pk} --rest"
        )


def proof(sums: Tally) -> str:
    """The balance as it is counted: `audience 3 = 1 waiting + … + 0 unknown`."""
    parts = " + ".join(f"{getattr(sums, name):,} {name}" for name in OUTCOMES)
    return f"audience {sums.audience:,} {'=' if sums.balances else '≠'} {parts}"


def described(dispatch: Dispatch) -> dict[str, Any]:
    """What there is to say about a dispatch besides its ledger."""
    from dispatcher.mailing import reporting

    return {
        "id": dispatch.pk,
        "kind": dispatch.kind,
        "brief": dispatch.brief.public_id if dispatch.brief else None,
        "briefs": reporting.briefs_of(dispatch),
        "headline": dispatch.headline,
        "state": dispatch.state,
        "lane": dispatch.lane,
        "released": dispatch.released_at,
        "by": dispatch.released_by,
        "scheduled": dispatch.scheduled_for,
        "finished": dispatch.finished_at,
        "excluded": dispatch.excluded,
    }


def print_ledger(sums: Tally) -> None:
    """The sums as a table whose last line says whether they balance."""
    rows: list[dict[str, Any]] = [
        {"outcome": name, "readers": getattr(sums, name)} for name in OUTCOMES
    ]
    rows.append({"outcome": "sum", "readers": sums.counted})
    say_rows(rows, as_json=False, empty="", right=["readers"])
    verdict = "The ledger balances" if sums.balances else "THE LEDGER DOES NOT BALANCE"
    say(f"{verdict}: {proof(sums)}.")
