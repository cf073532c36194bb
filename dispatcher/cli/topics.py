"""`dispatcher topic`: the vocabulary."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dispatcher.cli.files import read_lines
from dispatcher.cli.output import AsJson, counted, note, say, say_rows
from dispatcher.cli.who import me
from dispatcher.errors import Refusal
from dispatcher.local.stack import ground

if TYPE_CHECKING:
    from dispatcher.briefs.models import Topic

Slug = Annotated[str, typer.Argument(help="The topic's web name, see `dispatcher topic list`.")]
Why = Annotated[str, typer.Option("--note", help="Why, in a sentence to its readers.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]

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
                "state": _state(topic),
            }
            for topic in Topic.objects.select_related("parent", "merged_into").order_by("name")
        ]
        say_rows(
            rows, as_json=as_json, empty="No topics yet. Load some: dispatcher topic import FILE"
        )


@app.command("merge")
def merge(
    slug: Slug,
    into: Annotated[str, typer.Argument(help="The web name of the topic that it becomes part of.")],
    why: Why = "",
    yes: Yes = False,
) -> None:
    """Make one topic part of another: its readers follow that one, its page and feeds lead there."""
    with ground():
        from dispatcher.briefs import curating

        topic, target = curating.find(slug), curating.find(into)
        if topic.merged_into_id != target.pk:
            readers = _readers(topic.pk)
            _confirm(f"Merge {topic.name} and its {readers} into {target.name} for good?", yes=yes)
        is_new = curating.merge(slug, into, by=me(), note=why)
        say(f"{topic.name} is part of {target.name}{' now' if is_new else ' already'}.")


@app.command("retire")
def retire(slug: Slug, why: Why = "", yes: Yes = False) -> None:
    """End a topic: its page and feeds say so, and no new brief bears it. `reinstate` undoes it."""
    with ground():
        from dispatcher.briefs import curating

        topic = curating.find(slug)
        if topic.retired_at is None:
            _confirm(f"Retire {topic.name} and its {_readers(topic.pk)}?", yes=yes)
        is_new = curating.retire(slug, by=me(), note=why)
        say(f"{topic.name} is retired{'' if is_new else ' already'}.")
        note(f"To take it back: dispatcher topic reinstate {slug}")


@app.command("reinstate")
def reinstate(slug: Slug) -> None:
    """Take a retired topic into use again; the rules of its readers count again."""
    with ground():
        from dispatcher.briefs import curating

        is_new = curating.reinstate(slug, by=me())
        say(f"{curating.find(slug).name} is in use{' again' if is_new else ' already'}.")


@app.command("rename")
def rename(
    slug: Slug, name: Annotated[str, typer.Argument(help="What readers see from now on.")]
) -> None:
    """Give a topic another name. Its web name stays, and the old name still means it."""
    with ground():
        from dispatcher.briefs import curating

        is_new = curating.rename(slug, name, by=me())
        say(f"{slug} is called {curating.find(slug).name}{' now' if is_new else ' already'}.")


def _state(topic: Topic) -> str:
    if topic.merged_into is not None:
        return f"part of {topic.merged_into.slug}"
    return "retired" if topic.retired_at else "live"


def _readers(topic_id: int) -> str:
    from dispatcher.audience import browsing

    return counted(browsing.followers([topic_id])[topic_id], "reader")


def _confirm(asked: str, *, yes: bool) -> None:
    if not yes and not sys.stdin.isatty():
        raise Refusal(f"{asked} Say so with --yes.")
    if not yes and not typer.confirm(asked):
        raise Refusal("Nothing was changed.")
