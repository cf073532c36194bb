"""`dispatcher brief`, and what is done with one brief: preview, test-send, release, explain."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dispatcher.cli.files import read_file
from dispatcher.cli.output import AsJson, counted, note, say, say_json, say_rows, shown
from dispatcher.cli.who import me
from dispatcher.errors import Refusal, WrongState
from dispatcher.local.stack import Ground, ground

if TYPE_CHECKING:
    from dispatcher.briefs.models import Brief
    from dispatcher.mailing.dispatching import Prospect

app = typer.Typer(help="Briefs: hand in, look at, list.", no_args_is_help=True)
BriefId = Annotated[
    str, typer.Argument(help="The brief's id or source id, see `dispatcher brief list`.")
]


@app.command("add")
def add(
    file: Annotated[
        Path, typer.Argument(help="Pasted text, Markdown, JSON or HTML; `-` reads stdin.")
    ],
    topic: Annotated[
        list[str] | None, typer.Option(help="A topic, instead of those in the file.")
    ] = None,
    urgent: Annotated[bool, typer.Option("--urgent", help="It overtakes everything else.")] = False,
    source_id: Annotated[str, typer.Option(help="The publisher's own id of the piece.")] = "",
    as_json: AsJson = False,
) -> None:
    """Hand a brief in. The same brief twice is one brief, a changed one a new revision."""
    raw = read_file(file)
    with ground():
        from dispatcher.briefs import intake

        done = intake.hand_in(
            raw, by=me(), topic_names=topic or (), urgent=urgent or None, source_id=source_id
        )
        if as_json:
            say_json(_row(done.brief) | {"outcome": done.outcome, "revision": done.revision.number})
            return
        words = {
            "new": "New brief",
            "changed": f"Revision {done.revision.number} of",
            "same": "Known already:",
        }
        say(f"{words[done.outcome]} {done.brief.public_id} “{done.brief.headline}”")
        document = done.revision.document
        say(f"{counted(len(document.blocks), 'block')}; topics: {', '.join(document.topics)}")
        if done.brief.released_id and done.outcome == "changed":
            note(
                "It was released already: readers keep the released revision. To change what they see:"
                f" dispatcher brief correct {done.brief.public_id} {file}"
            )


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """All briefs, newest first."""
    with ground():
        from dispatcher.briefs.models import Brief

        rows = [_row(brief) for brief in Brief.objects.order_by("-pk")]
        say_rows(
            rows, as_json=as_json, empty="No briefs yet. Hand one in: dispatcher brief add FILE"
        )


@app.command("show")
def show(brief_id: BriefId, as_json: AsJson = False) -> None:
    """One brief: what it says and where it stands."""
    with ground():
        from dispatcher.briefs import intake
        from dispatcher.briefs.document import to_json

        brief = intake.find(brief_id)
        revision = brief.released or brief.current
        assert revision is not None  # noqa: S101  intake stores both together
        if as_json:
            say_json(
                _row(brief) | {"revision": revision.number, "document": to_json(revision.document)}
            )
            return
        for name, value in _row(brief).items():
            say(f"{name:10} {shown(value)}".rstrip())
        said = f"{revision.number}, {revision.change} by {revision.by}"
        say(f"{'revision':10} {said}{f': {revision.note}' if revision.note else ''}")
        for block in revision.document.blocks:
            size = len(getattr(block, "paragraphs", ()) or getattr(block, "entries", ()))
            say(f"  {type(block).__name__:10} {block.heading or '(no heading)'} ({size})")


@app.command("preview")
def preview(
    brief_id: BriefId,
    out: Annotated[Path, typer.Option(help="The folder to write to.")] = Path("preview"),
) -> None:
    """Write the letter as a reader would get it: .html, .txt and .eml."""
    with ground():
        from dispatcher.briefs import intake
        from dispatcher.mailing import composing

        brief = intake.find(brief_id)
        assert brief.current is not None  # noqa: S101  intake stores both together
        letter = composing.sample(brief, brief.current)
        try:
            out.mkdir(parents=True, exist_ok=True)
            (out / f"{brief.public_id}.html").write_text(letter.html, encoding="utf-8")
            (out / f"{brief.public_id}.txt").write_text(letter.text, encoding="utf-8")
            (out / f"{brief.public_id}.eml").write_bytes(letter.message)
        except OSError as fault:
            raise Refusal(f"{out} cannot be written: {fault.strerror}.") from None
        say(f"Subject: {letter.subject}")
        for kind in ("html", "txt", "eml"):
            path = out / f"{brief.public_id}.{kind}"
            say(f"{path} ({path.stat().st_size:,} octets)")


def release(
    brief_id: BriefId,
    at: Annotated[str, typer.Option(help="When, like `2026-03-02 14:05`; now if left out.")] = "",
    feeds_only: Annotated[bool, typer.Option(help="Mail nobody.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Let a brief go to the readers of its topics and to the feeds."""
    with ground() as where:
        from dispatcher.briefs import intake
        from dispatcher.mailing import dispatching

        brief = intake.find(brief_id)
        when = _time(at)
        shown = None
        if not yes:
            prospect = None if feeds_only else dispatching.prospect(brief)
            shown = prospect.audience.readers if prospect else None
            _confirm(brief, prospect, when)
        dispatch = dispatching.release(
            brief, by=me(), at=when, to_feeds_alone=feeds_only, shown=shown
        )
        if as_json:
            say_json({"dispatch": dispatch.pk, "state": dispatch.state, "lane": dispatch.lane})
        else:
            say(
                f"Dispatch {dispatch.pk} is {dispatch.state}. Watch it: dispatcher dispatch show {dispatch.pk} --watch"
            )
        _warn_if_nobody_carries(where)


def test_send(brief_id: BriefId, address: Annotated[str, typer.Argument(help="Where to.")]) -> None:
    """Send a test letter to one address; it counts nowhere."""
    with ground():
        from dispatcher.briefs import intake
        from dispatcher.mailing import trying

        say(f"Sent to {address}: {trying.send_test(intake.find(brief_id), address)}")


def explain(
    brief_id: BriefId,
    address: Annotated[str, typer.Argument(help="Whose.")],
    as_json: AsJson = False,
) -> None:
    """Say why an address did or did not get a brief."""
    with ground():
        from dispatcher.briefs import intake
        from dispatcher.mailing import explaining

        sentences = explaining.explain(intake.find(brief_id), address)
        say_json(sentences) if as_json else say("\n".join(sentences))


def _confirm(brief: Brief, prospect: Prospect | None, when: datetime | None) -> None:
    at = f" at {when:%A %-d %B %Y, %H:%M %Z}" if when else " now"
    whom = "the feeds alone"
    if prospect is not None:
        whom = f"{counted(prospect.audience.readers, 'reader')} of {' or '.join(prospect.topics)}"
        if later := prospect.audience.in_digests:
            whom += f" at once, {counted(later, 'reader')} in a digest"
    asked = f"Release “{brief.headline}” to {whom}{at}?"
    for reason, number in prospect.audience.excluded.items() if prospect else ():
        note(f"{number:,} more follow these topics but are left out: {reason}.")
    if not sys.stdin.isatty():
        raise Refusal(f"{asked} Say so with --yes.")
    if not typer.confirm(asked):
        raise Refusal("Not released.")


def _time(text: str) -> datetime | None:
    from django.utils import timezone

    if not text:
        return None
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise WrongState(f"{text!r} is no time; write it like 2026-03-02 14:05.") from None
    return when if when.tzinfo else timezone.make_aware(when)


def _warn_if_nobody_carries(where: Ground) -> None:
    if where.is_embedded and where.owner != "up":
        note("Nothing is running that sends it. Start it: dispatcher up")


def _row(brief: Brief) -> dict[str, Any]:
    from dispatcher.briefs.topics import Vocabulary

    return {
        "id": brief.public_id,
        "headline": brief.headline,
        "kind": brief.kind + (" (urgent)" if brief.urgent else ""),
        "topics": Vocabulary().names(brief.topics),
        "published": brief.published_at,
        "released": brief.released_at,
        "amended": brief.amended_at,
        "withdrawn": brief.withdrawn_at,
        "source_id": brief.source_id,
    }
