"""What is ready to be sent for one address: bytes in every coding, and what its headers say.

A pure value: the publisher makes it, `serving` decides what of it a client gets.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Served:
    """A document in all its codings; a coding that is not offered is empty.

    `etag` is that of the identity bytes, quoted; the codings have their own, made from it. `links` is
    the whole Link header, empty for none; `page_url` is where people in a browser are led, empty for
    nowhere. `last_modified` is aware, in whole seconds; what is kept nowhere has none, since nobody
    knows what was served before. Of a private one no cache but the reader's own keeps a copy, and no
    search engine takes note.
    """

    content_type: str
    body: bytes
    gzip: bytes
    br: bytes
    etag: str
    last_modified: datetime | None
    links: str = ""
    page_url: str = ""
    is_private: bool = False
    max_age: int = 300  # readers that honour it poll no more often, so a brief waits no longer

    @property
    def is_kept(self) -> bool:
        """Whether it lies anywhere; of what does not, anybody can make up as much as they like."""
        return self.last_modified is not None
