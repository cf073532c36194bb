"""The command line. Each command opens its ground, calls one verb, and prints the answer.

A refusal is one line on stderr and exit status 1, wrong usage is status 2.
"""

from __future__ import annotations

import sys

import typer

from dispatcher import __version__
from dispatcher.cli import (
    amending,
    bounces,
    briefs,
    dispatches,
    feeds,
    machine,
    people,
    readers,
    topics,
)
from dispatcher.cli.output import complain
from dispatcher.errors import Refusal

app = typer.Typer(
    name="dispatcher",
    help="Distribute briefs by mail and by feed to exactly the readers who follow their topics.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback(invoke_without_command=True)
def _root(
    version: bool = typer.Option(False, "--version", help="Print the version and end."),
) -> None:
    if version:
        typer.echo(f"dispatcher {__version__}")
        raise typer.Exit


app.command("up")(machine.up)
app.command("demo")(machine.demo)
app.command("migrate")(machine.migrate)
app.command("doctor")(machine.doctor)
app.add_typer(topics.app, name="topic")
briefs.app.command("correct")(amending.correct)
briefs.app.command("retag")(amending.retag)
briefs.app.command("retract")(amending.retract)
app.add_typer(briefs.app, name="brief")
app.command("preview")(briefs.preview)
app.command("release")(briefs.release)
app.command("test-send")(briefs.test_send)
app.add_typer(dispatches.app, name="dispatch")
app.command("explain")(briefs.explain)
app.add_typer(readers.app, name="reader")
app.command("bounce")(bounces.bounce)
app.add_typer(bounces.app, name="bounces")
app.add_typer(feeds.app, name="feeds")
app.add_typer(people.retention, name="retention")
app.add_typer(people.staff, name="staff")
app.add_typer(people.token, name="token")


def main() -> None:
    """The console script."""
    try:
        app()
    except Refusal as refusal:
        sys.exit(complain(str(refusal)))
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except Exception as fault:  # noqa: BLE001  _outage raises again what it does not know
        sys.exit(complain(_outage(fault)))


def _outage(fault: Exception) -> str:
    """The one line for a server that is away or a setting that is wrong; anything else is a bug."""
    from django.core.exceptions import ImproperlyConfigured
    from django.db import Error, OperationalError
    from redis.exceptions import RedisError

    words = " ".join(str(fault).split())
    if isinstance(fault, OperationalError):
        return (
            f"PostgreSQL does not answer ({words}). Start it or mend DATABASE_URL, then try again."
        )
    if isinstance(fault, RedisError):
        return f"Valkey does not answer ({words}). Start it or mend REDIS_URL, then try again."
    if isinstance(fault, ImproperlyConfigured):
        return words
    if isinstance(fault, Error) and "does not exist" in words:
        return "The database has no tables yet; run `dispatcher migrate` first."
    raise fault
