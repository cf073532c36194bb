"""`dispatcher bounce` and `dispatcher bounces`: mail that comes back."""

from __future__ import annotations

import asyncio
import signal
import sys
from datetime import timedelta
from typing import Annotated

import typer

from dispatcher.cli.output import AsJson, complain, note, say, say_rows
from dispatcher.cli.who import me
from dispatcher.local.stack import ground

TRY_AGAIN = 75  # EX_TEMPFAIL: the mail server keeps the message
LARGEST = 1024 * 1024  # octets that are read of a message

app = typer.Typer(help="Mail that comes back: bounces, complaints, notes.", no_args_is_help=True)


def bounce(
    to: Annotated[str, typer.Option(help="The address it came to, if the server tells.")] = "",
) -> None:
    """Take one message that came back, on standard input. For a mail server's pipe."""
    octets = sys.stdin.buffer.read(LARGEST)
    while sys.stdin.buffer.read(LARGEST):
        pass  # or the server would take a closed pipe for a failure
    try:
        with ground():
            from dispatcher.mailing import receipts

            say(receipts.take(octets, to=to, source="pipe"))
    except Exception as fault:  # noqa: BLE001  whatever it is, the message must not be lost
        complain(f"Not taken, try again later: {' '.join(str(fault).split())[:200]}")
        raise typer.Exit(TRY_AGAIN) from None


@app.command("listen")
def listen(
    host: Annotated[str, typer.Option(help="The address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port.")] = 2525,
    lmtp: Annotated[bool, typer.Option("--lmtp", help="Speak LMTP (RFC 2033), not SMTP.")] = False,
) -> None:
    """Take messages that come back from a mail server, until Ctrl-C."""
    with ground():
        asyncio.run(_serve(host, port, by_lmtp=lmtp))


async def _serve(host: str, port: int, *, by_lmtp: bool) -> None:
    from django.conf import settings

    from dispatcher.errors import Refusal
    from dispatcher.mailing import receiving

    try:
        server = await receiving.listen(host, port, by_lmtp=by_lmtp)
    except OSError as fault:
        raise Refusal(f"Cannot listen at {host}:{port} ({fault.strerror}).") from None
    at = ", ".join(f"{name[0]}:{name[1]}" for name in (s.getsockname() for s in server.sockets))
    say(f"Taking {'LMTP' if by_lmtp else 'SMTP'} at {at} for bounces+…@{settings.MAIL_DOMAIN}")
    if not settings.INBOUND_MAIL:
        note("Set INBOUND_MAIL=yes so that letters name unsubscribe+… there as well.")
    told_to_end = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told_to_end.set)
    async with server:
        await told_to_end.wait()


@app.command("list")
def list_(
    address: Annotated[str, typer.Option(help="Of this address alone.")] = "",
    notes: Annotated[bool, typer.Option("--notes", help="What is tied to no letter.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 50,
    as_json: AsJson = False,
) -> None:
    """What came back, the last first, and whether the address was suppressed for it."""
    with ground():
        from dispatcher.mailing import returned
        from dispatcher.mailing.models import Receipt

        kind = Receipt.Kind.NOTE.value if notes else ""
        rows = [
            {
                "at": row.at,
                "what": row.kind,
                "address": row.address,
                "status": row.status,
                "said": row.diagnostic,
                "by": row.source,
                "suppressed": row.has_suppressed,
            }
            for row in returned.leaf(address=address, kind=kind, limit=limit).receipts
        ]
        say_rows(rows, as_json=as_json, empty="Nothing has come back.")


@app.command("fuses")
def fuses_(as_json: AsJson = False) -> None:
    """Relays that refused too many letters of a dispatch to be believed; what is open stands first."""
    with ground():
        from dispatcher.mailing import fuses

        rows = [
            {
                "fuse": fuse.pk,
                "relay": fuse.relay,
                "of": fuse.sending,
                "handed over": fuse.handed_over,
                "refused": fuse.refused,
                "since": fuse.blown_at,
                "verdict": fuse.verdict or "none yet",
                "by": fuse.by,
            }
            for fuse in fuses.last()
        ]
        say_rows(
            rows,
            as_json=as_json,
            empty="No relay has refused too many letters.",
            right=["fuse", "handed over", "refused"],
        )


@app.command("believe")
def believe(fuse: Annotated[int, typer.Argument(help="Its number.")]) -> None:
    """Believe what a relay refused: those mailboxes are not there, their addresses are suppressed."""
    _decide(fuse, "believed")


@app.command("dismiss")
def dismiss(fuse: Annotated[int, typer.Argument(help="Its number.")]) -> None:
    """Take what a relay refused for its own fault: nobody is suppressed, its letters may go again."""
    _decide(fuse, "dismissed")


def _decide(number: int, verdict: str) -> None:
    with ground():
        from dispatcher.mailing import fuses

        is_news = fuses.decide(number, verdict, by=me())
        fuses.settle(at_most=timedelta.max)
        say(f"What fuse {number} holds is {verdict}{'.' if is_news else ' already.'}")
        if verdict == "dismissed" and is_news:
            fuse = fuses.find(number)
            if fuse.dispatch_id:
                note(
                    f"Once the relay is mended: dispatcher dispatch resume {fuse.dispatch_id} --rest"
                )
