"""`dispatcher dispatch`: what was released, how far it is, and holding it."""

from __future__ import annotations

import sys
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from dispatcher.cli.output import AsJson, console, counted, say, say_json, say_rows, shown
from dispatcher.errors import Refusal
from dispatcher.local.stack import ground

if TYPE_CHECKING:
    from dispatcher.mailing.ledger import Tally
    from dispatcher.mailing.models import Dispatch

app = typer.Typer(help="Released sendings and their ledgers.", no_args_is_help=True)
DispatchId = Annotated[int, typer.Argument(help="The number, see `dispatcher dispatch list`.")]
OUTCOMES = ("waiting", "carrying", "accepted", "deferred", "failed", "unknown")


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """All dispatches, newest first."""
    with ground():
        from dispatcher.mailing.models import Dispatch

        rows = [
            {
                "id": dispatch.pk,
                "headline": dispatch.brief.headline,
                "state": dispatch.state,
                "lane": dispatch.lane,
                "audience": dispatch.audience,
                "released": dispatch.released_at,
                "by": dispatch.released_by,
            }
            for dispatch in Dispatch.objects.select_related("brief").defer("letter").order_by("-pk")
        ]
        say_rows(
            rows,
            as_json=as_json,
            empty="Nothing was released yet: dispatcher release BRIEF",
            right=["audience"],
        )


@app.command("show")
def show(
    dispatch_id: DispatchId,
    watch: Annotated[bool, typer.Option("--watch", help="Follow it until it ends.")] = False,
    as_json: AsJson = False,
) -> None:
    """One dispatch and its ledger, counted from the deliveries."""
    with ground():
        from dispatcher.mailing import dispatching, ledger

        dispatch = dispatching.find(dispatch_id)
        if watch:
            follow(dispatch_id)
            dispatch = dispatching.find(dispatch_id)
        sums = ledger.tally(dispatch_id)
        if as_json:
            say_json(described(dispatch) | {"tally": asdict(sums), "balances": sums.balances})
            return
        for name, value in described(dispatch).items():
            say(f"{name:10} {shown(value)}".rstrip())
        print_ledger(sums)


@app.command("pause")
def pause(dispatch_id: DispatchId) -> None:
    """Hold a dispatch where it stands."""
    with ground():
        from dispatcher.mailing import dispatching

        say(
            f"Dispatch {dispatching.pause(dispatch_id).pk} is paused. Go on: dispatcher dispatch resume {dispatch_id}"
        )


@app.command("resume")
def resume(dispatch_id: DispatchId) -> None:
    """Let a paused dispatch go on."""
    with ground():
        from dispatcher.mailing import dispatching

        dispatch = dispatching.resume(dispatch_id)
        say(f"Dispatch {dispatch.pk} is {dispatch.state}.")


@app.command("cancel")
def cancel(
    dispatch_id: DispatchId,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Stop a dispatch for good."""
    with ground():
        from dispatcher.mailing import dispatching, ledger

        dispatch = dispatching.find(dispatch_id)
        left = ledger.tally(dispatch_id)
        asked = f"Cancel dispatch {dispatch_id}? {counted(left.open, 'reader')} will not get it."
        if dispatch.scheduled_for and dispatch.state == dispatch.State.SCHEDULED:
            asked = f"Cancel dispatch {dispatch_id}, scheduled for {shown(dispatch.scheduled_for)}?"
        if not yes and not sys.stdin.isatty():
            raise Refusal(f"{asked} Say so with --yes.")
        if not yes and not typer.confirm(asked):
            raise Refusal("Not cancelled.")
        dispatching.cancel(dispatch_id)
        left = ledger.tally(dispatch_id)
        say(
            f"Dispatch {dispatch_id} is cancelled. {counted(left.waiting + left.deferred, 'letter')}"
            f" will not be sent; {left.carrying:,} were with a worker and may still go."
        )


def described(dispatch: Dispatch) -> dict[str, Any]:
    """What there is to say about a dispatch besides its ledger."""
    return {
        "id": dispatch.pk,
        "brief": dispatch.brief.public_id,
        "headline": dispatch.brief.headline,
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
    say(
        f"{verdict}: {counted(sums.counted, 'delivery', 'deliveries')} for an audience of {sums.audience:,}."
    )


def follow(dispatch_id: int, *, poll: float = 0.25) -> None:
    """Show the progress of a dispatch until it is done, cancelled or paused."""
    from dispatcher.mailing import dispatching, ledger

    progress = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    )
    task = progress.add_task("Preparing", total=None)
    with Live(progress, console=console, transient=not console.is_terminal):
        while True:
            dispatch = dispatching.find(dispatch_id)
            sums = ledger.tally(dispatch_id)
            words = "Sending" if dispatch.matched_at else "Preparing"
            progress.update(
                task,
                description=words,
                completed=sums.counted - sums.open,
                total=sums.audience or None,
            )
            if dispatch.state in {"done", "cancelled", "paused"}:
                progress.update(task, description=dispatch.state.capitalize(), total=sums.audience)
                return
            time.sleep(poll)
