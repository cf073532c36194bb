"""A feed as it is ready to be sent, whole and in every content coding."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Served:
    """What one address answers. `etag` is that of the plain bytes, quoted; a coding has one of its own.

    `links` is the HTTP Link header, empty for none; `max_age` is in seconds.
    """

    content_type: str
    body: bytes
    gzip: bytes
    br: bytes
    etag: str
    last_modified: datetime
    links: str
    is_private: bool
    max_age: int
