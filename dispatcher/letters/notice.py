"""What the letters about a reader's own affairs are told, and their headers.

They are no bulk mail: only one that welcomes a reader says how to leave. The one link that such a letter
is about stands in the slot `manage_url`, so that it is compiled once for all who get it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from dispatcher.letters.alert import Publisher
from dispatcher.letters.headers import HeaderFacts, Headers, headers

_OF_LISTS = ("List-Id", "List-Unsubscribe", "List-Unsubscribe-Post", "List-Help", "List-Archive")
_OF_BULK = frozenset({*_OF_LISTS, "Precedence"})


@dataclass(frozen=True, slots=True)
class NoticeContext:
    """The context of a notice; `slots` are added by whoever renders.

    `language` is that of every word in it, `facts` are the sender's own, see `mailing.notices`.
    """

    publisher: Publisher
    language: str = "en"
    has_link: bool = False
    may_leave: bool = False
    facts: Mapping[str, str] = field(default_factory=dict)

    def mapping(self) -> Mapping[str, object]:
        own = {field.name: getattr(self, field.name) for field in fields(self)}
        return {**own, "chrome": self.language, "urgent": False, "preheader": ""}


def notice_headers(facts: HeaderFacts, *, may_leave: bool) -> Headers:
    """The headers of every letter of that kind, in order; those of a list only if it can be left.

    `Auto-Submitted` always stands among them, so that nothing answers (RFC 3834 §5).
    """
    every = headers(facts)
    return every if may_leave else {k: v for k, v in every.items() if k not in _OF_BULK}
