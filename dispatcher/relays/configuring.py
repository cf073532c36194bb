"""The relays as the operator wrote them: RELAY_URL for the simple case, RELAYS_FILE for all the rest.

Reads values into `Relay` and `MailApi`, and says in one line what cannot be one. The file itself is read,
and `${NAME}` in it filled in from the environment, by `settings`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from django.conf import settings

from dispatcher.errors import RelayUnreachable
from dispatcher.relays.domains import FAMILIES, Groups
from dispatcher.relays.relay import OWN_MACHINE, AnyRelay, Limits, MailApi, Relay, WarmUp

_PERIODS = {"s": 1, "min": 60, "hour": 3_600, "day": 86_400}
_RATE = re.compile(r"(?P<letters>\d{1,9})/(?P<period>s|min|hour|day)")
_ANY_KIND = frozenset(
    ("kind", "name", "order", "weight", "timeout", "messages", "rate", "groups", "warm_up")
)
_SMTP = _ANY_KIND | {"url", "user", "password", "tls", "final_timeout", "in_flight"}
_ANYMAIL = _ANY_KIND | {"backend", "options"}


class Wrong(ValueError):  # noqa: N818  it reads as what is wrong
    """One line about a value that cannot be used; secrets are left out."""


def configured() -> list[AnyRelay]:
    """The relays, in order. Raises RelayUnreachable if there is none, or one cannot be read."""
    try:
        if settings.RELAYS_FILE:
            return _of_file(settings.RELAYS)
        relays: list[AnyRelay] = [
            Relay.of(
                url,
                timeout=settings.RELAY_TIMEOUT,
                final_timeout=settings.RELAY_FINAL_TIMEOUT,
            )
            for url in settings.RELAY_URLS
        ]
        _check_names(relays, "RELAY_URL")
    except ValueError as fault:
        raise RelayUnreachable(str(fault)) from None
    if not relays:
        raise RelayUnreachable("No relay is set. Set RELAY_URL, or start everything: dispatcher up")
    return relays


def groups() -> Groups:
    """The table of recipient domains, with those of the file. Raises RelayUnreachable."""
    try:
        return Groups(_further_domains(settings.RELAYS))
    except ValueError as fault:
        raise RelayUnreachable(str(fault)) from None


def where() -> str:
    """What an operator looks at when no relay takes letters."""
    return f"RELAYS_FILE {settings.RELAYS_FILE}" if settings.RELAYS_FILE else "RELAY_URL"


def _of_file(content: Mapping[str, Any]) -> list[AnyRelay]:
    _check_keys(content, {"relay", "groups"}, where())
    tables = content.get("relay", [])
    if not isinstance(tables, list) or not tables:
        raise Wrong(f"{where()}: it has no relay; begin each with [[relay]].")
    known = Groups(_further_domains(content)).names
    relays = [_relay(table, f"{where()}: relay {n}", known) for n, table in enumerate(tables, 1)]
    _check_names(relays, where())
    return sorted(relays, key=lambda relay: relay.order)


def _further_domains(content: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    found = {}
    for name, table in _table(content, "groups", where()).items():
        at = f"{where()}: groups.{name}"
        if not isinstance(table, Mapping):
            raise Wrong(
                f'{at} must be a table like [groups.{name}] with domains = ["example.org"].'
            )
        _check_keys(table, {"domains"}, at)
        domains = table.get("domains")
        if not isinstance(domains, list) or not all(isinstance(d, str) and d for d in domains):
            raise Wrong(f'{at}: domains must be a list like ["example.org"].')
        try:
            found[name] = tuple(domain.encode("idna").decode().lower() for domain in domains)
        except UnicodeError:
            raise Wrong(f"{at}: one of the domains is none.") from None
    return {name: (*FAMILIES.get(name, ()), *domains) for name, domains in found.items()}


def _relay(table: Mapping[str, Any], at: str, known: frozenset[str]) -> AnyRelay:
    if not isinstance(table, Mapping):
        raise Wrong(f"{at} must be a table.")
    name = _value(table, "name", at, str, "")
    at = f"{at} ({name})" if name else at
    kind = table.get("kind", "smtp")
    if kind not in {"smtp", "anymail"}:
        raise Wrong(f'{at}: kind must be "smtp" or "anymail", not {kind!r}.')
    _check_keys(table, _SMTP if kind == "smtp" else _ANYMAIL, at)
    common: dict[str, Any] = {
        "order": _value(table, "order", at, int, 0, least=0),
        "weight": _value(table, "weight", at, int, 1),
        "timeout": _value(table, "timeout", at, int, settings.RELAY_TIMEOUT),
        "messages": _value(table, "messages", at, int, 1_000),
        "limits": _limits(table, at, known),
    }
    if kind == "anymail":
        return _mail_api(table, at, name, common)
    return _smtp(table, at, name, common)


def _smtp(table: Mapping[str, Any], at: str, name: str, common: Mapping[str, Any]) -> Relay:
    url = _value(table, "url", at, str)
    try:
        relay = Relay.of(url)
    except ValueError as fault:
        raise Wrong(f"{at}: {str(fault).replace('RELAY_URL', 'url')}") from None
    tls = table.get("tls", "")
    if tls not in {"", "required", "opportunistic"}:
        raise Wrong(f'{at}: tls must be "required" or "opportunistic", not {tls!r}.')
    user = _value(table, "user", at, str, relay.user)
    password = _value(table, "password", at, str, relay.password)
    if not (user + password).isascii() or bool(user) != bool(password):
        raise Wrong(f"{at}: user and password go together, and are of ASCII characters.")
    is_far = relay.host not in OWN_MACHINE
    return replace(
        relay,
        **common,
        label=name,
        user=user,
        password=password,
        needs_tls=tls == "required" or (not tls and bool(user) and is_far),
        final_timeout=_value(table, "final_timeout", at, int, settings.RELAY_FINAL_TIMEOUT),
        in_flight=_value(table, "in_flight", at, int, 1),
    )


def _mail_api(table: Mapping[str, Any], at: str, name: str, common: Mapping[str, Any]) -> MailApi:
    backend = _value(table, "backend", at, str)
    full = backend if "." in backend else f"anymail.backends.{backend}.EmailBackend"
    options = _table(table, "options", at)
    return MailApi(name=name or backend, backend=full, options=options, **common)


def _limits(table: Mapping[str, Any], at: str, known: frozenset[str]) -> Limits:
    by_group = _table(table, "groups", at)
    for group in by_group:
        if group not in known:
            names = ", ".join(sorted(known))
            raise Wrong(f"{at}: groups.{group} is no group of domains; there are {names}.")
    return Limits(
        rate=_rate(table["rate"], f"{at}: rate") if "rate" in table else None,
        groups={group: _rate(text, f"{at}: groups.{group}") for group, text in by_group.items()},
        warm_up=_warm_up(table, at) if "warm_up" in table else None,
    )


def _rate(text: Any, at: str) -> float:
    """Letters a second."""
    found = _RATE.fullmatch(text) if isinstance(text, str) else None
    if found is None or not int(found["letters"]):
        raise Wrong(f'{at} must look like "20/s", "3000/min", "500/hour" or "50000/day".')
    return int(found["letters"]) / _PERIODS[found["period"]]


def _warm_up(table: Mapping[str, Any], at: str) -> WarmUp:
    plan = _table(table, "warm_up", at)
    _check_keys(plan, {"start", "daily"}, f"{at}: warm_up")
    start, daily = plan.get("start"), plan.get("daily")
    if not isinstance(start, date) or isinstance(start, datetime):
        raise Wrong(f"{at}: warm_up.start must be a date like 2026-01-31, without quotes.")
    if not isinstance(daily, list) or not daily or not all(type(n) is int and n > 0 for n in daily):
        raise Wrong(f"{at}: warm_up.daily must be a list of letters a day, like [50, 100, 500].")
    return WarmUp(start, tuple(daily))


_NEEDED: Any = object()


def _value(
    table: Mapping[str, Any],
    key: str,
    at: str,
    kind: type,
    default: Any = _NEEDED,
    *,
    least: int = 1,
) -> Any:
    """The value of a key, of that type. Raises Wrong."""
    value = table.get(key, default)
    if value is _NEEDED:
        raise Wrong(f"{at}: {key} is missing.")
    if kind is int and (type(value) is not int or value < least):
        raise Wrong(f"{at}: {key} must be a whole number from {least}.")
    if kind is str and (not isinstance(value, str) or (default is _NEEDED and not value)):
        raise Wrong(f"{at}: {key} must be a text in quotes.")
    return value


def _table(content: Mapping[str, Any], key: str, at: str) -> Mapping[str, Any]:
    table = content.get(key, {})
    if not isinstance(table, Mapping):
        raise Wrong(f"{at}: {key} must be a table.")
    return table


def _check_keys(table: Mapping[str, Any], known: set[str] | frozenset[str], at: str) -> None:
    for key in table:
        if key not in known:
            raise Wrong(f"{at}: {key} is no key there; there are {', '.join(sorted(known))}.")


def _check_names(relays: Sequence[AnyRelay], at: str) -> None:
    names = [relay.name for relay in relays]
    for name in names:
        if names.count(name) > 1:
            raise Wrong(f"{at}: two relays are called {name}; give each a name of its own.")
        if len(name) > 100 or not name.isprintable():
            raise Wrong(
                f"{at}: the name {name[:100]!r} is too long, or not of printable characters."
            )
