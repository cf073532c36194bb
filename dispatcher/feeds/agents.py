"""What a User-Agent says of who polls a feed: a reader's own program, an aggregator with a number, a robot.

Everything in it may be forged; how far a number is believed is `reach`'s.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# As Feedly says it, and nearly all others: "Feedly/1.0 (+http://…; 1234 subscribers; like …)". NewsBlur and
# Feedbin put it between dashes, with a feed's number of theirs before it; some say readers or users.
_NUMBER = re.compile(
    r"(?<![\w.,-])([0-9][0-9,]{0,11}) ?(?:subscriber|reader|user)s?\b", re.IGNORECASE
)
_ROBOT = re.compile(
    r"bot\b|crawl|spider|slurp|preview|monitor|uptime|pingdom|scan|validator|headless|externalhit"
    r"|^(?:curl|wget|python|aiohttp|httpx|go-http-client|java|libwww|okhttp|apache-httpclient)\b",
    re.IGNORECASE,
)
_COMPATIBLE = re.compile(r"^Mozilla/\S+ \(compatible; ?")
_NAME = re.compile(r"[A-Za-z][A-Za-z ._]{0,39}")
# Several fetchers of one house speak of the same people.
_HOUSES = ("newsblur", "feedly", "feedbin", "inoreader", "oldreader", "bazqux", "feedspot")


@dataclass(frozen=True, slots=True)
class Agent:
    """`subscribers` is what an aggregator says that it fetches for, None for all others."""

    product: str
    subscribers: int | None = None
    is_robot: bool = False


def read(user_agent: str) -> Agent:
    """Never fails; who does not say what it is counts as a robot."""
    said = _COMPATIBLE.sub("", user_agent.strip())
    lower = said.lower()
    name = _NAME.match(said)
    product = next(
        (house for house in _HOUSES if house in lower.replace(" ", "")),
        name[0].lower().strip(" ._") if name else "",
    )
    number = _NUMBER.search(said)
    if number and product:
        return Agent(product, int(number[1].replace(",", "")))
    return Agent(product, is_robot=not product or bool(_ROBOT.search(said)))
