"""`dispatcher feeds`: which there are, who reads them, and rendering them anew."""

from __future__ import annotations

from dataclasses import asdict

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from dispatcher.cli.output import AsJson, counted, errors, say, say_rows
from dispatcher.local.stack import ground

app = typer.Typer(help="The feeds: which there are, who reads them.", no_args_is_help=True)


@app.command("build")
def build() -> None:
    """Render all feeds anew. What has not changed keeps its bytes."""
    with ground():
        from dispatcher.feeds import publishing

        with Progress(
            TextColumn("Feeds"),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(),
            console=errors,
            transient=True,
            disable=not errors.is_terminal,
        ) as shown:
            bar = shown.add_task("", total=None)
            written = publishing.build_all(
                told=lambda done, of: shown.update(bar, completed=done, total=of)
            )
        say(f"{counted(written, 'feed document')} written.")


@app.command("list")
def list_feeds(as_json: AsJson = False) -> None:
    """Every feed that is kept.

    With its page, how many briefs it shows, when it last changed, and on which day somebody asked for it.
    """
    with ground():
        from dispatcher.feeds import listing

        say_rows(
            [asdict(one) for one in listing.kept()],
            as_json=as_json,
            empty="No feed is kept yet; release a brief, or make them: dispatcher feeds build",
            right=("entries",),
        )


@app.command("readership")
def show_readership(as_json: AsJson = False) -> None:
    """About how many read each feed, a day: the mean of 7 and of 30 days. An estimate."""
    with ground():
        from dispatcher.feeds import readership

        say_rows(
            [asdict(each) for each in readership.report()],
            as_json=as_json,
            empty="No day with readers of feeds is over yet; the first figures come a day after them.",
            right=("week", "month", "aggregated"),
        )


@app.command("subscribers")
def subscribers(as_json: AsJson = False) -> None:
    """Who gets our feeds pushed by our hub, until when, and what went wrong last."""
    with ground():
        from dispatcher.feeds.hub import standing

        rows = [
            {
                "feed": one.feed,
                "callback": one.callback,
                "signed": one.is_signed,
                "since": one.since,
                "until": one.until,
                "pushed": one.pushed_at,
                "trouble": one.trouble,
            }
            for one in standing.subscribers()
        ]
        say_rows(rows, as_json=as_json, empty="Nobody has asked our hub to push a feed.")
