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
    forwarded = request.headers.get("X-Forwarded-For", "").split(",")[-20:]
    hops = [*forwarded, request.META.get("REMOTE_ADDR", "")]
    nearest = ""
    for hop in reversed(hops):
        ip = _address(hop)
        if ip is None:
            return nearest
        nearest = str(ip)
        if not any(ip in network for network in settings.TRUSTED_PROXIES):
            return nearest
    return nearest


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        ip = ip_address(text.strip())
    except ValueError:
        return None
    return (ip.ipv4_mapped if isinstance(ip, IPv6Address) else None) or ip
