"""`dispatcher reader`: add, import, export, find, look up, suppress, erase."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from dispatcher.cli.output import AsJson, counted, errors, note, say, say_json, say_rows
from dispatcher.cli.who import me
from dispatcher.local.stack import ground

app = typer.Typer(help="Readers and their rules.", no_args_is_help=True)


@app.command("add")
def add(  # noqa: PLR0917  options, all given by name
    address: Annotated[str, typer.Argument(help="The mail address.")],
    topic: Annotated[
        list[str] | None, typer.Option(help="A topic to follow; may be repeated.")
    ] = None,
    match: Annotated[str, typer.Option(help="any or all of the topics.")] = "any",
    without: Annotated[list[str] | None, typer.Option(help="A topic to leave out.")] = None,
    cadence: Annotated[str, typer.Option(help="at once, daily or weekly.")] = "at once",
    name: Annotated[str, typer.Option(help="The reader's name.")] = "",
) -> None:
    """Add a reader who asked you; without --topic the reader follows everything."""
    with ground():
        from dispatcher.audience import consent, rules
        from dispatcher.briefs.topics import Vocabulary

        vocabulary = Vocabulary()
        rule = rules.parse(
            ",".join(topic or ["*"]),
            match,
            ",".join(without or []),
            cadence,
            resolve=vocabulary.resolve,
        )
        reader = consent.add(address, rule, source=me(), name=name)
        names = {pk: known.name for pk, known in vocabulary.by_id.items()}
        say(f"{reader.address} follows {rules.in_words(rule, names)}.")


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="CSV in UTF-8 with the columns address and topics.")],
    rejects: Annotated[Path | None, typer.Option(help="Where refused rows go.")] = None,
    as_json: AsJson = False,
) -> None:
    """Import readers who gave their consent. Nobody who left or is suppressed comes back."""
    with ground():
        from dispatcher.audience import importing

        columns = (
            TextColumn("Importing"),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(),
        )
        with Progress(
            *columns,
            TextColumn("{task.fields[rows]:,} rows"),
            console=errors,
            transient=True,
            disable=not errors.is_terminal,
        ) as shown:
            task = shown.add_task("", rows=0)
            done = importing.import_csv(
                file,
                source=f"{file.name}, imported by {me()}",
                rejects=rejects,
                report=lambda so_far: shown.update(
                    task, completed=so_far.done, total=so_far.total, rows=so_far.rows
                ),
            )
        if as_json:
            say_json(
                {
                    name: getattr(done, name)
                    for name in ("rows", "readers", "rules", "rejected", "rejects_file")
                }
            )
            return
        say(
            f"{counted(done.rows, 'row')}: {counted(done.readers, 'new reader')},"
            f" {counted(done.rules, 'new rule')}, {done.rejected:,} refused."
        )
        if done.rejects_file:
            say(f"The refused rows and why: {done.rejects_file}")


@app.command("export")
def export() -> None:
    """Write all live rules as CSV to stdout, in the form that import reads."""
    with ground():
        from dispatcher.audience.models import Subscription
        from dispatcher.briefs.topics import Vocabulary

        vocabulary = Vocabulary()
        writer = csv.writer(sys.stdout)
        writer.writerow(
            [
                "address",
                "name",
                "topics",
                "match",
                "except",
                "cadence",
                "language",
                "timezone",
                "state",
            ]
        )
        rows = (
            Subscription.objects.filter(ended_at=None).select_related("subscriber").order_by("pk")
        )
        for rule in rows.iterator(chunk_size=2000):
            reader = rule.subscriber
            slugs = [vocabulary.by_id[pk].slug for pk in rule.topics]
            excepted = [vocabulary.by_id[pk].slug for pk in rule.except_topics]
            writer.writerow(
                [
                    *(
                        reader.address,
                        reader.name,
                        ";".join(slugs) or "*",
                        rule.match,
                        ";".join(excepted),
                    ),
                    *(rule.cadence, reader.language, reader.timezone, reader.state),
                ]
            )


@app.command("list")
def list_(
    search: Annotated[str, typer.Option(help="A part of the address.")] = "",
    state: Annotated[str, typer.Option(help="active, left, pending, paused or suppressed.")] = "",
    topic: Annotated[str, typer.Option(help="Who follows this topic by name.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Readers, the newest first."""
    with ground():
        from dispatcher.audience import browsing
        from dispatcher.briefs.topics import Vocabulary

        if state and state not in browsing.STATES:
            raise typer.BadParameter(f"--state is one of {', '.join(browsing.STATES)}.")
        topic_id = next(iter(Vocabulary().resolve([topic]))) if topic else None
        leaf = browsing.leaf(search=search, state=state, topic=topic_id, limit=limit)
        rules = browsing.live_rules(leaf.readers)
        rows = [
            {
                "address": reader.address,
                "name": reader.name,
                "state": browsing.stands(reader),
                "rules": rules.get(reader.pk, []),
                "since": reader.created_at,
            }
            for reader in leaf.readers
        ]
        begin = "No readers yet. Import them, dispatcher reader import FILE, or add one."
        is_sifted = search or state or topic
        say_rows(rows, as_json=as_json, empty="No reader is like that." if is_sifted else begin)
        if leaf.older_than and not as_json:
            note("There are more: give a larger --limit, or --search, --state or --topic.")


@app.command("show")
def show(
    address: Annotated[str, typer.Argument(help="The mail address.")], as_json: AsJson = False
) -> None:
    """One reader: rules, consent, last letters."""
    with ground():
        from dispatcher.audience import consent, rules
        from dispatcher.briefs.topics import Vocabulary
        from dispatcher.mailing.models import Delivery

        reader = consent.find(address)
        names = {pk: topic.name for pk, topic in Vocabulary().by_id.items()}
        letters = (
            Delivery.objects.filter(subscriber=reader)
            .select_related("dispatch__brief")
            .order_by("-pk")
        )
        facts: dict[str, str | list[str]] = {
            "address": reader.address,
            "name": reader.name,
            "state": reader.state,
            "suppressed": consent.suppressed(reader.address),
            "rules": [rules.in_words(rules.Rule.of(s), names) for s in consent.live(reader)],
            "consents": [
                f"{c.at:%Y-%m-%d %H:%M} {c.act} ({c.source})"
                for c in reader.consents.order_by("at")
            ],
            "letters": [f"{d.state}: {d.dispatch.headline} {d.text}".strip() for d in letters[:20]],
        }
        if as_json:
            say_json(facts)
            return
        for key, value in facts.items():
            said = "\n           ".join(value) if isinstance(value, list) else value
            say(f"{key:10} {said or 'none'}")


@app.command("suppress")
def suppress(
    address: Annotated[str, typer.Argument(help="The mail address.")],
    reason: Annotated[str, typer.Option(help="Why; kept with the date and your name.")],
) -> None:
    """Never mail an address again, whether it is a reader's or not."""
    with ground():
        from dispatcher.audience import suppressing

        is_new = suppressing.suppress(address, reason=reason, by=me())
        say(f"{address} is {'suppressed' if is_new else 'suppressed already'}.")


@app.command("lift")
def lift(
    address: Annotated[str, typer.Argument(help="The mail address.")],
    reason: Annotated[str, typer.Option(help="Why; kept with the date and your name.")],
) -> None:
    """Let a suppressed address be mailed again. Rules that ended stay ended."""
    with ground():
        from dispatcher.audience import suppressing

        is_lifted = suppressing.lift(address, reason=reason, by=me())
        say(f"{address} {'may be mailed again' if is_lifted else 'was not suppressed'}.")


@app.command("export-data")
def export_data(address: Annotated[str, typer.Argument(help="The mail address.")]) -> None:
    """All that is kept about a reader, as JSON."""
    with ground():
        from dispatcher.audience import consent
        from dispatcher.mailing import exporting

        say_json(exporting.export(consent.find(address).pk))


@app.command("erase")
def erase(
    address: Annotated[str, typer.Argument(help="The mail address.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Erase a reader for good. Sums stay, and nobody can bring the address back but its reader."""
    with ground():
        from dispatcher.audience import consent
        from dispatcher.mailing import erasing

        reader = consent.find(address)
        if not yes and typer.prompt("This cannot be undone. Type the address again") != address:
            errors.print("That was another address; nothing is erased.")
            raise typer.Exit(1)
        erasing.erase(reader.pk, by=me())
        say(f"{address} is erased.")
