"""What the alert letter is told: one brief, its publisher, its topics.

The templates read the document by its attributes only, so this room needs to know no other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Protocol


class Document(Protocol):
    """The parts of a brief that a letter shows.

    A block has a `heading` and either `paragraphs` (clean inline HTML; those of a quotation stand
    with a `name` and a `role`) or `entries`, each with `title`, `source` and `url`.
    """

    @property
    def headline(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def blocks(self) -> tuple[object, ...]: ...
    @property
    def language(self) -> str: ...
    @property
    def published_at(self) -> datetime | None: ...


@dataclass(frozen=True, slots=True)
class TopicLink:
    name: str
    url: str


@dataclass(frozen=True, slots=True)
class Publisher:
    """Who sends the letter; `address` is postal, without the name, lines parted by newlines."""

    name: str
    address: str
    home_url: str
    help_url: str = ""
    accent_light: str = ""
    accent_dark: str = ""


@dataclass(frozen=True, slots=True)
class AlertContext:
    """The context of the alert letter; `slots` are added by whoever renders.

    `preheader` is the line that inboxes show behind the subject, `chrome` the language of our own
    words. `page_url` and `preheader` may be empty.
    """

    document: Document
    publisher: Publisher
    topics: tuple[TopicLink, ...] = ()
    page_url: str = ""
    preheader: str = ""
    urgent: bool = False
    chrome: str = "en"

    def mapping(self) -> Mapping[str, object]:
        return {field.name: getattr(self, field.name) for field in fields(self)}
