"""Where a stranger may have us call: an http address whose every IP address is one of the public internet.

Whoever names a callback could name our own database instead (server-side request forgery). So the host is
resolved here, once, and the call goes to an address that was looked at; a second look-up could answer
otherwise (DNS rebinding). Networks of the operator's own are let through by OUTBOUND_NETWORKS.
"""

from __future__ import annotations

import queue
import re
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from django.conf import settings

LONGEST_URL = 2_000
LONGEST_CALLED = 8_000  # with what is added to it: a topic, a challenge
_IP = IPv4Address | IPv6Address

# Where servers stand that are no web servers, and that might take a request for something else.
_OTHERS = frozenset(
    {1433, 1521, 2049, 2375, 2376, 2379, 3306, 3389, 4369, 5432, 5672, 5984, 6000, 6379, 6443}
    | {6667, 9042, 9092, 9200, 9300, 10250, 11211, 27017, 50000}
)
_ORDINARY = ip_network("2000::/3")  # what is given out of IPv6 (IANA)
_SIXTOFOUR = ip_network("2002::/16")  # RFC 3056 §2: an IPv4 address follows
_TEREDO = ip_network("2001::/32")
_NAT64 = ip_network("64:ff9b::/96")  # RFC 6052 §2.1: an IPv4 address ends it
# Public by their number, and yet of the machine's own surroundings.
_NEAR = tuple(
    ip_network(each)
    for each in ("192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15", "168.63.129.16/32")
)


class Unfit(Exception):  # noqa: N818  it reads as what is wrong
    """An address that is not called; the text is one sentence for whoever gave it."""


class NoAnswer(Exception):  # noqa: N818
    """Nobody answered, or not in time, or no HTTP; the text says how."""


@dataclass(frozen=True, slots=True)
class Place:
    """An address that may be called: `target` is the path and query."""

    is_https: bool
    host: str
    port: int
    target: str

    @property
    def authority(self) -> str:
        """As the Host header has it: the port only where it is not the usual one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.is_https else 80) else f"{host}:{self.port}"


def parse(url: str) -> Place:
    """What the address names. Whether its host may be called is for `resolve`. Raises Unfit."""
    if len(url) > LONGEST_CALLED:
        raise Unfit(f"The address is longer than {LONGEST_CALLED:,} characters.")
    if not re.fullmatch(r"[!-~]+", url) or re.search(r'[\\^`{|}<>"]', url):
        raise Unfit("The address holds characters that must be percent-encoded.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Unfit("The address cannot be read.") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise Unfit("The address must begin with http:// or https:// and name a host.")
    if "@" in parts.netloc:
        raise Unfit("The address must not hold a user name or password.")
    if "#" in url:
        raise Unfit("The address must not have a fragment.")
    is_https = parts.scheme == "https"
    port = (443 if is_https else 80) if port is None else port
    if not (port in {80, 443} or (port >= 1024 and port not in _OTHERS)):
        raise Unfit(f"Nothing is called at port {port}.")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Place(is_https, parts.hostname, port, target)


def check_number(place: Place) -> None:
    """Raise Unfit if the host is an IP address, in whichever spelling, that may not be called.

    Asks nobody, so that it can be told at once.
    """
    try:
        found = socket.getaddrinfo(place.host, place.port, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return  # a name
    if not all(is_allowed(str(each[4][0])) for each in found):
        raise Unfit(f"{place.host} is not on the public internet.")


def resolve(place: Place, *, within: float, anywhere: bool = False) -> list[str]:
    """The IP addresses of the host, in the order in which they are to be tried.

    Every one must be public: a name that has also a private one is not called at all. `anywhere` is for
    addresses that the operator has set. Raises Unfit, and NoAnswer when there is none within so many
    seconds.
    """
    found = list(dict.fromkeys(_looked_up(place, within)))
    for ip in found:
        if not anywhere and not is_allowed(ip):
            raise Unfit(f"{place.host} is not on the public internet.")
    return found


def is_allowed(text: str) -> bool:
    """Whether this IP address may be called: global, or of a network that the operator allows.

    An IPv6 address that stands for one of IPv4 is judged by that one too.
    """
    try:
        ip: _IP = ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if any(ip.version == own.version and ip in own for own in settings.OUTBOUND_NETWORKS):
        return True
    meant = _meant(ip)
    return is_allowed(str(meant)) if meant else _is_public(ip)


def _meant(ip: _IP) -> IPv4Address | None:
    """The address of IPv4 that one of IPv6 stands for."""
    if isinstance(ip, IPv4Address):
        return None
    if ip in _NAT64 or int(ip) >> 32 == 0:  # ::/96 is the old way to write one (RFC 4291 §2.5.5.1)
        return IPv4Address(int(ip) & 0xFFFF_FFFF)
    return ip.ipv4_mapped or ip.sixtofour


def _is_public(ip: _IP) -> bool:
    if isinstance(ip, IPv6Address) and (ip not in _ORDINARY or _is_within(ip, _TEREDO)):
        return False
    is_near = any(ip.version == near.version and ip in near for near in _NEAR)
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or is_near)


def _is_within(ip: IPv6Address, network: object) -> bool:
    return isinstance(network, IPv6Network) and ip in network


def _looked_up(place: Place, within: float) -> Iterator[str]:
    """The resolver has no deadline of its own, so it is waited for in a thread and left when late."""
    answer: queue.SimpleQueue[list[str] | OSError | UnicodeError] = queue.SimpleQueue()

    def look() -> None:
        try:
            found = socket.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)
            answer.put([str(each[4][0]) for each in found])
        except (OSError, UnicodeError) as fault:
            answer.put(fault)

    threading.Thread(target=look, name="resolver", daemon=True).start()
    try:
        said = answer.get(timeout=max(within, 0.001))
    except queue.Empty:
        raise NoAnswer(f"{place.host} could not be looked up in time") from None
    if not isinstance(said, list):
        raise NoAnswer(f"{place.host} could not be looked up")
    yield from said
