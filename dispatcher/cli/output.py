"""How answers are printed: tables and sentences for people, JSON for programs."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

console = Console(highlight=False, soft_wrap=True)
errors = Console(stderr=True, highlight=False, soft_wrap=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def complain(sentence: str) -> int:
    """One line on stderr; the exit status to end with."""
    errors.print(
        " ".join(sentence.split()), markup=False, style="red" if sys.stderr.isatty() else None
    )
    return 1


def note(sentence: str) -> None:
    """News that is not the answer goes to stderr, so that pipes stay clean."""
    errors.print(sentence, markup=False)


def say(sentence: str) -> None:
    console.print(sentence, markup=False)


def say_hanging(label: str, words: str) -> None:
    """The words beside a label, broken to the width of the terminal; a pipe gets one line."""
    width = min(console.width, 100) if sys.stdout.isatty() else 10_000
    lines = textwrap.wrap(
        words, max(30, width - len(label)), break_long_words=False, break_on_hyphens=False
    )
    for line in lines or [""]:
        say(f"{label}{line}")
        label = " " * len(label)


def counted(number: int, one: str, more: str = "") -> str:
    """`1 reader`, `4,182 readers`."""
    return f"{number:,} {one if number == 1 else more or one + 's'}"


def say_json(value: object) -> None:
    typer.echo(json.dumps(value, default=_plain, ensure_ascii=False))


def say_rows(
    rows: Sequence[Mapping[str, Any]], *, as_json: bool, empty: str, right: Sequence[str] = ()
) -> None:
    """A table whose columns are the keys of the rows, or a JSON list; `empty` says how to begin."""
    if as_json:
        say_json(rows)
        return
    if not rows:
        say(empty)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in rows[0]:
        table.add_column(name, justify="right" if name in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(shown(value) for value in row.values()))
    Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else 200).print(table)


def shown(value: Any) -> str:
    """A value as a person reads it, in one line."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, Mapping):
        return ", ".join(f"{number:,} {name}" for name, number in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return str(value)


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value)
