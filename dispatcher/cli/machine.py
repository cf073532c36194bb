"""`dispatcher up`, `demo`, `migrate` and `doctor`: the product on this machine."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Annotated

import typer

from dispatcher.cli.following import OUTCOMES, follow
from dispatcher.cli.output import AsJson, note, say, say_hanging, say_json
from dispatcher.cli.telling import print_ledger
from dispatcher.local.processes import Processes
from dispatcher.local.stack import Addresses, everything, ground

Port = Annotated[int, typer.Option(help="The web port; another free one is taken if it is busy.")]


def up(port: Port = 8000) -> None:
    """Start everything on this machine and stay: servers, mailbox, web, workers, beat."""
    with _ended_by_signals(), everything(port=port) as (where, addresses, processes):
        _say_addresses(addresses)
        say(f"Data     {where.folder}")
        say("Add yourself in another terminal: dispatcher staff add NAME · Ctrl-C stops everything")
        _stay(processes)


def demo(
    once: Annotated[bool, typer.Option("--once", help="Do it, print the ledger, and end.")] = False,
    readers: Annotated[
        int, typer.Option(min=1, max=1_000_000, help="How many sample readers.")
    ] = 1_000,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object as the last line.")
    ] = False,
    port: Port = 8000,
) -> None:
    """Show the whole way of a brief with sample topics, briefs and readers."""
    started = time.monotonic()
    with _ended_by_signals(), everything(port=port) as (where, addresses, processes):
        from dispatcher.local import demo as script
        from dispatcher.mailing.ledger import Tally

        outcome = script.run(
            where.folder, addresses, readers=readers, started=started, say=say, follow=follow
        )
        print_ledger(Tally(**{name: outcome["tally"][name] for name in ("audience", *OUTCOMES)}))
        mailbox, seconds = outcome["mailbox"], outcome["seconds"]["release_to_balanced"]
        say(
            f"{mailbox['letters']:,} letters in the mailbox, each to another reader whose rules match,"
            f" none to anyone else; the brief is in {len(outcome['feeds'])} feeds."
        )
        say(f"From release to balanced ledger: {seconds} s.")
        if as_json:
            say_json(outcome)
        if not once:
            _say_addresses(addresses)
            name, password = script.staff_account()
            say(
                f"Sign in at the desk as {name} with the password {password} · Ctrl-C stops everything"
            )
            _stay(processes)


def migrate() -> None:
    """Bring the tables of DATABASE_URL up to date. Repeats change nothing."""
    with ground():
        from django.core.management import call_command

        call_command("migrate", verbosity=1, interactive=False)


def doctor(as_json: AsJson = False) -> None:
    """Check what sending needs, and say what to do about what is missing."""
    with ground() as where:
        from dispatcher.local import checkup

        found = []
        folder = where.folder if where.is_embedded else None
        for check in checkup.examine(folder=folder, is_up=where.owner == "up"):
            found.append(check)
            if not as_json:
                say_hanging(f"{'well' if check.is_well else 'ILL '}  {check.what:18}", check.words)
        ill = sum(not check.is_well for check in found)
        if as_json:
            say_json({"is_well": not ill, "checks": [asdict(check) for check in found]})
        else:
            say("")
            say(f"ILL: {ill} of {len(found)}." if ill else "All is well.")
    raise typer.Exit(1 if ill else 0)


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP end the block as Ctrl-C does, so that everything is stopped on the way out."""

    def end(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)
    try:
        yield
    except KeyboardInterrupt:
        note("Stopping …")


def _say_addresses(addresses: Addresses) -> None:
    say("")
    say(f"Desk     {addresses.web}/desk/")
    say(f"Pages    {addresses.web}/")
    say(f"Feeds    {addresses.web}/feeds/")
    say(f"API      {addresses.web}/api/docs")
    say(f"Mailbox  {addresses.mailbox or f'(none: letters go to {addresses.relay})'}")


def _stay(processes: Processes) -> None:
    while True:
        time.sleep(1)
        for name in processes.revive():
            note(f"{name} had ended and was started again.")
