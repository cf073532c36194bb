"""`dispatcher staff`, `token` and `retention`: small matters of running an installation."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from dispatcher.cli.output import AsJson, note, say, say_rows
from dispatcher.errors import Refusal
from dispatcher.local.stack import ground

staff = typer.Typer(help="Who may sign in at the desk.", no_args_is_help=True)
token = typer.Typer(help="Bearer tokens of the API.", no_args_is_help=True)
retention = typer.Typer(help="What is not kept for ever.", no_args_is_help=True)


@staff.command("add")
def add_staff(name: Annotated[str, typer.Argument(help="The name to sign in with.")]) -> None:
    """Add someone, or set a new password. It is asked for, or read as a line from a pipe."""
    password = (
        typer.prompt("Password", hide_input=True, confirmation_prompt=True)
        if sys.stdin.isatty()
        else sys.stdin.readline().rstrip("\n")
    )
    with ground():
        from django.contrib.auth.models import User
        from django.contrib.auth.password_validation import validate_password
        from django.core.exceptions import ValidationError

        try:
            User.username_validator(name)
            validate_password(password)
        except ValidationError as refusal:
            raise Refusal(" ".join(refusal.messages)) from None
        user, is_new = User.objects.get_or_create(username=name, defaults={"is_staff": True})
        user.set_password(password)
        user.save()
        say(f"{name} can sign in at the desk." if is_new else f"{name} has a new password.")


@staff.command("list")
def list_staff(as_json: AsJson = False) -> None:
    """Everyone who may sign in."""
    with ground():
        from django.contrib.auth.models import User

        rows = [
            {"name": user.username, "last_sign_in": user.last_login, "active": user.is_active}
            for user in User.objects.order_by("username")
        ]
        say_rows(rows, as_json=as_json, empty="Nobody yet. Add someone: dispatcher staff add NAME")


@token.command("add")
def add_token(name: Annotated[str, typer.Argument(help="What it is for.")]) -> None:
    """Make a token. It is shown this once."""
    with ground():
        from dispatcher.api import tokens

        say(tokens.issue(name))
        note(f"Keep it safe: it is not shown again. Take it back: dispatcher token revoke {name}")


@token.command("revoke")
def revoke_token(name: Annotated[str, typer.Argument(help="Its name.")]) -> None:
    """Take a token back at once."""
    with ground():
        from dispatcher.api import tokens

        tokens.revoke(name)
        say(f"The token {name} opens nothing any more.")


@token.command("list")
def list_tokens(as_json: AsJson = False) -> None:
    """All tokens; what they are is not kept."""
    with ground():
        from dispatcher.api.models import ApiToken

        rows = [
            {
                "name": t.name,
                "made": t.created_at,
                "last_used": t.last_used_at,
                "revoked": t.revoked_at,
            }
            for t in ApiToken.objects.order_by("name")
        ]
        say_rows(rows, as_json=as_json, empty="No tokens yet. Make one: dispatcher token add NAME")


@retention.command("show")
def show_retention(as_json: AsJson = False) -> None:
    """What is kept for how long and why, and how much of it is due to go."""
    with ground():
        from dispatcher.mailing import retention as keeping

        due = keeping.due()
        rows = [
            {"what": one.name, "days": one.days, "due": due[one.name], "why": one.reason}
            for one in keeping.periods()
        ]
        say_rows(rows, as_json=as_json, empty="")


@retention.command("run")
def run_retention(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count what would go.")] = False,
) -> None:
    """Take what is past its period now; the workers do so once a day."""
    with ground():
        from dispatcher.mailing import retention as keeping

        for name, number in (keeping.due() if dry_run else keeping.tidy()).items():
            say(f"{number:>8,}  {name}")
