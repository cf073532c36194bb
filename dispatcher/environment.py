"""The environment as settings: each function reads one variable and refuses what it cannot be.

Only this module looks at the environment; what the variables are called and mean is `settings`'.
Raises ImproperlyConfigured, in one line that names the variable.
"""

from __future__ import annotations

import os
import re
import tomllib
from datetime import date
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from psycopg import Error as PsycopgError
from psycopg.conninfo import conninfo_to_dict

from dispatcher import translating


def text(name: str, default: str = "") -> str:
    return os.environ.get(name, "").strip() or default


def number(name: str, default: int, *, least: int = 1) -> int:
    value = text(name, str(default))
    if not value.isdecimal() or int(value) < least:
        raise ImproperlyConfigured(f"{name} must be a whole number from {least}, not {value!r}.")
    return int(value)


def numbers(name: str, default: str) -> tuple[int, ...]:
    value = text(name, default)
    if not value or not all(part.isdecimal() for part in value.split()):
        raise ImproperlyConfigured(f"{name} must be whole numbers with spaces, not {value!r}.")
    return tuple(int(part) for part in value.split())


def flag(name: str) -> bool:
    value = text(name, "no").lower()
    if value not in {"yes", "no", "true", "false", "1", "0"}:
        raise ImproperlyConfigured(f"{name} must be yes or no, not {value!r}.")
    return value in {"yes", "true", "1"}


def choice(name: str, *choices: str) -> str:
    value = text(name, choices[0])
    if value not in choices:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(choices)}, not {value!r}.")
    return value


def day(name: str, default: str) -> str:
    value = text(name, default)
    try:
        return date.fromisoformat(value).isoformat()
    except ValueError:
        raise ImproperlyConfigured(
            f"{name} must be a date like 2026-01-31, not {value!r}."
        ) from None


def languages(value: str) -> tuple[str, ...]:
    """Language tags with spaces, each one that we have words in; all of those if empty."""
    ours = translating.languages()
    found = tuple(dict.fromkeys(translating.spoken(tag) for tag in value.replace(",", " ").split()))
    if "" in found:
        raise ImproperlyConfigured(
            f"LANGUAGES must be some of {', '.join(ours)} with spaces, not {value!r}."
        )
    return found or ours


def database(url: str) -> dict[str, Any]:
    """Django's form of a libpq connection URI; what libpq alone knows goes on as OPTIONS."""
    if not url:
        return {"ENGINE": "django.db.backends.postgresql", "NAME": "dispatcher"}
    try:
        parts: dict[str, Any] = dict(conninfo_to_dict(url))
    except PsycopgError:  # whose words may quote the password
        raise ImproperlyConfigured(
            "DATABASE_URL must look like postgresql://user:password@host:5432/name, with %40 for an @"
            " in the password and so on."
        ) from None
    named = {
        "NAME": "dbname",
        "USER": "user",
        "PASSWORD": "password",
        "HOST": "host",
        "PORT": "port",
    }
    database = {key: str(parts.pop(part)) for key, part in named.items() if part in parts}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        # What was sent to a server that is cut off is not waited for beyond the second (milliseconds).
        "OPTIONS": parts | {"connect_timeout": 5, "tcp_user_timeout": 15_000},
        **database,
    }


def relays(path: str) -> dict[str, Any]:
    """What the file at that path says; secrets stand in it as `${NAME}`, a variable's name."""

    def filled(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: filled(each) for key, each in value.items()}
        if isinstance(value, list):
            return [filled(each) for each in value]
        return re.sub(r"\$\{(\w+)\}", variable, value) if isinstance(value, str) else value

    def variable(found: re.Match[str]) -> str:
        if not text(found[1]):
            raise ImproperlyConfigured(
                f"{found[1]}, which RELAYS_FILE {path} asks for, is not set."
            )
        return text(found[1])

    if not path:
        return {}
    try:
        content: dict[str, Any] = filled(tomllib.loads(Path(path).read_text("utf-8")))
    except (OSError, ValueError) as fault:
        raise ImproperlyConfigured(f"RELAYS_FILE {path} cannot be read: {fault}") from None
    return content


def networks(name: str, default: str = "") -> tuple[IPv4Network | IPv6Network, ...]:
    try:
        return tuple(ip_network(each) for each in text(name, default).split())
    except ValueError as fault:
        raise ImproperlyConfigured(f"{name}: {fault}.") from None


def hubs(name: str) -> tuple[str, ...]:
    """Addresses of WebSub hubs; `own` among them is ours, `none` alone is no hub at all."""
    named = text(name, "own").split()
    if named == ["none"]:
        return ()
    for each in named:
        parts = urlsplit(each)
        is_url = parts.scheme in {"http", "https"} and parts.hostname and "@" not in parts.netloc
        if each != "own" and not (is_url and re.fullmatch(r"[!-~]+", each) and ">" not in each):
            raise ImproperlyConfigured(
                f"{name} must be none, own, or addresses of hubs with spaces, not {each!r}."
            )
    return tuple(dict.fromkeys(named))


def secret(name: str) -> str:
    """Every letter carries what was signed with it, so a short one could be guessed at leisure."""
    value = text(name)
    if value and len(value) < 32:
        raise ImproperlyConfigured(f"{name} must have at least 32 characters, chosen at random.")
    return value


def public_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ImproperlyConfigured(
            f"PUBLIC_URL must look like https://news.example.org, not {value!r}."
        )
    return value.rstrip("/")


def mail_host(host: str) -> str:
    """The host as a mail domain; one that could be none gives way to the example domain."""
    return host if re.search(r"\.[a-z]", host) else "example.org"
