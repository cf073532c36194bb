"""Who asks, by IP address: the nearest one that is no proxy of ours.

X-Forwarded-For can be written by anybody; it is read from its end, and only as far as every hop before
was named in TRUSTED_PROXIES.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

from django.conf import settings
from django.http import HttpRequest


def ip_of(request: HttpRequest) -> str:
    """The visitor's address; empty when the server does not say. All without one count as one visitor."""
    return nearest(request.headers.get("X-Forwarded-For", ""), request.META.get("REMOTE_ADDR", ""))


def nearest(forwarded_for: str, remote: str) -> str:
    """The same, from the header and from who is connected."""
    hops = [*forwarded_for.split(",")[-20:], remote]
    found = ""
    for hop in reversed(hops):
        ip = _address(hop)
        if ip is None:
            return found
        found = str(ip)
        if not any(ip in network for network in settings.TRUSTED_PROXIES):
            return found
    return found


def network_of(visitor: str) -> str:
    """An address of IPv4; of IPv6 the /64, for that is what one household has (RFC 6177 §2)."""
    try:
        ip = ip_address(visitor)
    except ValueError:
        return ""
    if isinstance(ip, IPv6Address):
        return str(ip.ipv4_mapped or f"{int(ip) >> 64:x}")
    return str(ip)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        ip = ip_address(text.strip())
    except ValueError:
        return None
    return (ip.ipv4_mapped if isinstance(ip, IPv6Address) else None) or ip
