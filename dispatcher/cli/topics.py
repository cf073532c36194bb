"""`dispatcher topic`: the vocabulary."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dispatcher.cli.files import read_lines
from dispatcher.cli.output import AsJson, counted, say, say_rows
from dispatcher.local.stack import ground

app = typer.Typer(help="The topics that briefs are about and readers follow.", no_args_is_help=True)


@app.command("add")
def add(
    name: Annotated[str, typer.Argument(help="The topic's name, as readers see it.")],
    alias: Annotated[
        list[str] | None, typer.Option(help="Another name for it; may be repeated.")
    ] = None,
) -> None:
    """Add one topic."""
    with ground():
        from dispatcher.briefs import topics

        topic, is_new = topics.add(name, aliases=alias or ())
        say(f"{'Added' if is_new else 'Known already:'} {topic.name} ({topic.slug})")


@app.command("import")
def import_(
    file: Annotated[
        Path, typer.Argument(help="One name a line; `Name | alias, alias`; indented is a child.")
    ],
) -> None:
    """Load a vocabulary. What is known already stays."""
    lines = read_lines(file)
    with ground():
        from dispatcher.briefs import topics

        count = topics.import_lines(lines)
        say(f"{counted(count.added, 'topic')} added, {count.kept} known already.")


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """All topics with their web names."""
    with ground():
        from dispatcher.briefs.models import Topic

        rows = [
            {
                "slug": topic.slug,
                "name": topic.name,
                "parent": topic.parent.slug if topic.parent else None,
                "aliases": topic.aliases,
                "state": "retired" if topic.retired_at else "live",
            }
            for topic in Topic.objects.select_related("parent").order_by("name")
        ]
        say_rows(
            rows, as_json=as_json, empty="No topics yet. Load some: dispatcher topic import FILE"
        )
