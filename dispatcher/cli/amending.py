"""`dispatcher brief correct`, `retract` and `retag`: what changes of a brief that is public already."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dispatcher.cli.briefs import BriefId
from dispatcher.cli.files import read_file
from dispatcher.cli.output import AsJson, note, say, say_json
from dispatcher.cli.who import me
from dispatcher.errors import Refusal
from dispatcher.local.stack import ground

if TYPE_CHECKING:
    from dispatcher.briefs.models import Brief
    from dispatcher.mailing.amending import Amendment

Note = Annotated[str, typer.Option("--note", help="What changed or why, in a sentence to readers.")]
Topics = Annotated[
    list[str] | None, typer.Option("--topic", help="A topic it is about from now on; repeat it.")
]


def correct(
    brief_id: BriefId,
    file: Annotated[
        Path, typer.Argument(help="Pasted text, Markdown, JSON or HTML; `-` reads stdin.")
    ],
    *,
    said: Note = "",
    topic: Topics = None,
    urgent: Annotated[
        bool | None, typer.Option("--urgent/--routine", help="Otherwise as it was.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Put other content in the place of what readers see, or bring back what was withdrawn.

    Page and feeds change at once; no letter goes out about it.
    """
    raw = read_file(file)
    with ground():
        from dispatcher.briefs import intake
        from dispatcher.mailing import amending

        done = amending.correct(
            intake.find(brief_id), raw, by=me(), note=said, topic_names=topic or (), urgent=urgent
        )
        _tell(done, "Corrected", "Nothing to correct: readers see just this already.", as_json)


def retag(
    brief_id: BriefId, topic: Topics = None, said: Note = "", as_json: AsJson = False
) -> None:
    """Put a brief under other topics, all of them: its page and feeds follow at once."""
    with ground():
        from dispatcher.briefs import intake
        from dispatcher.mailing import amending

        done = amending.retag(intake.find(brief_id), topic or (), by=me(), note=said)
        _tell(done, "Retagged", "Nothing to retag: it is about these topics already.", as_json)


def retract(
    brief_id: BriefId,
    said: Note = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Withdraw a brief: letters that have not left stay, its page says that it is gone, and why.

    Only `correct` brings it back.
    """
    with ground():
        from dispatcher.briefs import intake
        from dispatcher.mailing import amending

        brief = intake.find(brief_id)
        if brief.released_at is not None and brief.withdrawn_at is None and not yes:
            _confirm(brief)
        done = amending.retract(brief, by=me(), note=said)
        _tell(done, "Withdrawn", "Nothing to withdraw: it is withdrawn already.", as_json)


def _confirm(brief: Brief) -> None:
    asked = f"Withdraw “{brief.headline}”? Letters that have left cannot be called back."
    if not sys.stdin.isatty():
        raise Refusal(f"{asked} Say so with --yes.")
    if not typer.confirm(asked):
        raise Refusal("Not withdrawn.")


def _tell(done: Amendment, did: str, nothing: str, as_json: bool) -> None:
    brief = done.brief
    if as_json:
        say_json(
            {
                "id": brief.public_id,
                "is_new": done.is_new,
                "amended": brief.amended_at,
                "withdrawn": brief.withdrawn_at,
                "stopped": done.stopped,
                "under_way": done.under_way,
            }
        )
        return
    say(f"{did}: {brief.public_id} “{brief.headline}”" if done.is_new else nothing)
    for number in done.stopped:
        say(f"Dispatch {number} is stopped; letters that have left cannot be called back.")
    for number in done.under_way:
        note(
            f"Letters of dispatch {number} that have not left keep what was released. To send this"
            f" instead: dispatcher dispatch cancel {number}, then dispatcher release {brief.public_id}"
        )
