"""`dispatcher dispatch`: what was released, how far it is, and holding it."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated

import typer

from dispatcher.cli.following import follow
from dispatcher.cli.output import AsJson, counted, say, say_json, say_rows, shown
from dispatcher.cli.telling import everything, say_everything
from dispatcher.cli.who import me
from dispatcher.errors import Refusal
from dispatcher.local.stack import ground

app = typer.Typer(help="Released sendings and their ledgers.", no_args_is_help=True)
DispatchId = Annotated[int, typer.Argument(help="The number, see `dispatcher dispatch list`.")]


class InDoubt(StrEnum):
    AGAIN = "again"
    ACCEPT = "accept"
    LEAVE = "leave"


@app.command("list")
def list_(
    digests: Annotated[bool, typer.Option("--digests", help="Those of digests instead.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="How many.")] = 1_000,
    as_json: AsJson = False,
) -> None:
    """The last dispatches of briefs, newest first, or those of digests."""
    with ground():
        from dispatcher.mailing.models import Dispatch

        found = Dispatch.objects.select_related("brief").defer("letter").order_by("-pk")
        rows = [
            {
                "id": dispatch.pk,
                "headline": dispatch.headline,
                "state": dispatch.state,
                "lane": dispatch.lane,
                "audience": dispatch.audience,
                "released": dispatch.released_at,
                "by": dispatch.released_by,
            }
            for dispatch in (
                found.filter(kind="digest") if digests else found.exclude(kind="digest")
            )[:limit]
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
    """One dispatch and its ledger, counted from the deliveries, and what is in its way."""
    with ground():
        from dispatcher.mailing import dispatching

        dispatching.find(dispatch_id)
        if watch:
            follow(dispatch_id)
        dispatch = dispatching.find(dispatch_id)
        say_json(everything(dispatch)) if as_json else say_everything(dispatch)


@app.command("pause")
def pause(dispatch_id: DispatchId) -> None:
    """Hold a dispatch where it stands."""
    with ground():
        from dispatcher.mailing import dispatching

        dispatching.pause(dispatch_id, by=me())
        say(f"Dispatch {dispatch_id} is paused. Go on: dispatcher dispatch resume {dispatch_id}")


@app.command("resume")
def resume(
    dispatch_id: DispatchId,
    rest: Annotated[
        bool, typer.Option("--rest", help="Send again what failed through no fault of its reader.")
    ] = False,
    in_doubt: Annotated[
        InDoubt, typer.Option(help="With --rest: what becomes of letters in doubt.")
    ] = InDoubt.AGAIN,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Let a paused dispatch go on, or with --rest send what is left of one that is done or sending."""
    with ground():
        from dispatcher.mailing import dispatching

        if rest:
            _send_rest(dispatch_id, in_doubt, yes=yes)
            return
        dispatch = dispatching.resume(dispatch_id, by=me())
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
        _confirm(asked, yes=yes, otherwise="Not cancelled.")
        dispatching.cancel(dispatch_id, by=me())
        left = ledger.tally(dispatch_id)
        say(
            f"Dispatch {dispatch_id} is cancelled. {counted(left.waiting + left.deferred, 'letter')}"
            f" will not be sent; {left.carrying:,} were with a worker and may still go."
        )


def _send_rest(dispatch_id: int, in_doubt: InDoubt, *, yes: bool) -> None:
    from dispatcher.mailing import dispatching, resending

    left = resending.rest(dispatching.find(dispatch_id))
    with_doubtful = in_doubt is InDoubt.AGAIN
    letters = left.failed + with_doubtful * left.doubtful
    asked = f"Send {counted(letters, 'letter')} of dispatch {dispatch_id} again?"
    if with_doubtful and left.doubtful:
        asked += f" {left.doubtful:,} of them may have arrived."
    if in_doubt is InDoubt.ACCEPT and left.doubtful:
        asked += f" {left.doubtful:,} in doubt will count as accepted."
    if left.letters:
        _confirm(asked, yes=yes, otherwise="Nothing was sent.")
    if in_doubt is InDoubt.ACCEPT and left.doubtful:
        resending.accept_doubtful(dispatch_id, by=me(), shown=left.doubtful)
        say(f"{counted(left.doubtful, 'letter')} in doubt: taken as accepted.")
        if not left.failed:
            return
    sent = resending.send_rest(dispatch_id, by=me(), doubtful=with_doubtful, shown=letters or None)
    say(
        f"{counted(sent, 'letter')} of dispatch {dispatch_id} will go again."
        f" Watch: dispatcher dispatch show {dispatch_id} --watch"
    )


def _confirm(asked: str, *, yes: bool, otherwise: str) -> None:
    if not yes and not sys.stdin.isatty():
        raise Refusal(f"{asked} Say so with --yes.")
    if not yes and not typer.confirm(asked):
        raise Refusal(otherwise)
