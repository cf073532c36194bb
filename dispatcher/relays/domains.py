"""Which large receiver a recipient's domain belongs to, so that all its domains share one pace.

A table of the families that limit senders as one; `[groups]` in RELAYS_FILE adds domains of yours, such
as a company's own that one of them hosts. MX records are not asked: a look-up for each new domain costs
more than the few hosted domains it would find.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

FAMILIES: Mapping[str, tuple[str, ...]] = {
    "gmail": ("gmail.com", "googlemail.com"),
    "microsoft": ("windowslive.com", "passport.com"),
    "yahoo": ("aol.com", "aim.com", "att.net", "sky.com", "verizon.net"),
    "apple": ("icloud.com", "me.com", "mac.com"),
    "gmx": ("web.de", "mail.com"),
}
# Families with a domain in many countries: hotmail.fr, live.co.uk, yahoo.com.br.
_EVERYWHERE = re.compile(
    r"(?:(?P<microsoft>outlook|hotmail|live|msn)|(?P<yahoo>yahoo|ymail|rocketmail|aol)|(?P<gmx>gmx))"
    r"\.(?:com?\.)?[a-z]{2,4}"
)
_KEPT = 50_000  # answers; a list has about a tenth as many domains as readers


class Groups:
    """The table, with further domains by group. A new group's name may be any."""

    def __init__(self, further: Mapping[str, tuple[str, ...]] | None = None) -> None:
        self._named: dict[str, str] = {}
        for table in (FAMILIES, further or {}):
            self._named |= {domain: name for name, domains in table.items() for domain in domains}
        self.names = frozenset(FAMILIES) | frozenset(further or {})
        self._known: dict[str, str] = {}

    def of(self, address: str) -> str:
        """The group of an address's domain, which is in A-label form; empty for none."""
        domain = address[address.rfind("@") + 1 :]
        group = self._known.get(domain)
        return self._find(domain) if group is None else group

    def _find(self, domain: str) -> str:
        lower = domain.lower()
        found = _EVERYWHERE.fullmatch(lower)
        group = self._named.get(lower) or (found and found.lastgroup) or ""
        if len(self._known) >= _KEPT:
            self._known.clear()
        self._known[domain] = group
        return group
