"""In front of Django: what a process has answered for a feed before goes out from its memory, at once.

Django decides what an address means, and hands over with its answer what may be kept (`hand_over`,
`keep_as_it_is`). Kept things are good while nothing was published (`freshness`); then the first who asks
has Django look again, and the others go on with what there is. Hosts that Django refuses never get here.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db import close_old_connections, connection
from django.http import HttpRequest
from django.http.request import split_domain_port, validate_host

from dispatcher import metrics
from dispatcher.feeds import noting, publishing
from dispatcher.feeds.freshness import Freshness
from dispatcher.feeds.served import Served
from dispatcher.feeds.serving import VARY, Answer, Headers, Prepared
from dispatcher.feeds.stock import Stock

log = logging.getLogger(__name__)

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]
Noting = Callable[[str, Environ], None]
Key = tuple[str, bool]

UNDER = "/feeds/"
DOCUMENT_OCTETS = 96_000_000
WORD_OCTETS = 4_000_000  # of what is not a document, which anybody may ask for endlessly
_WORD_SECONDS = 60.0
_PAUSE = 5.0  # after Django could not look again
_KEPT_STATUSES = {200, 304, 301, 404, 410}
_HANDED = "dispatcher.feeds.handed"
_NOT_OURS = {
    "content-type",
    "content-length",
    "content-encoding",
    "last-modified",
    "date",
    "server",
}


@dataclass(frozen=True, slots=True)
class _Handed:
    """What a view lets the shelf keep; without a document, its answer as it is. No channel: not counted."""

    served: Served | None
    channel: str


def hand_over(request: HttpRequest, served: Served, *, channel: str) -> None:
    """This document is the answer to any GET of this path, whatever its query; `channel` is what is counted.

    What is kept nowhere counts for nobody, else a stranger would fill Valkey with channels of their own.
    Nothing is taken of a reader's own feed: whether it still is theirs, only Django knows.
    """
    if served.is_private:
        return
    request.META[_HANDED] = _Handed(served, channel if served.is_kept else "")


def keep_as_it_is(request: HttpRequest) -> None:
    """The view's answer, a sentence or a redirect, is the answer to any GET of this path for a minute."""
    request.META[_HANDED] = _Handed(None, "")


@dataclass(slots=True)
class _Kept:
    """A document with its answers, or a word that is said as it is."""

    prepared: Prepared | None
    word: Answer | None
    channel: str
    generation: int | None
    kept_at: float
    look_at: float = field(default=0.0)  # from when on somebody may look again

    @property
    def size(self) -> int:
        return self.prepared.size if self.prepared else len(self.word.body if self.word else b"")

    def may_look(self) -> bool:
        """Whether the caller is the one who has Django look again. Of two threads at once both may."""
        now = time.monotonic()
        if now < self.look_at:
            return False
        self.look_at = now + _PAUSE
        return True


class Shelf:
    """The WSGI application around Django's. `note` is told of every feed that somebody got."""

    def __init__(self, application: Application, freshness: Freshness, *, note: Noting) -> None:
        self._application = application
        self._freshness = freshness
        self._note = note
        self._documents: Stock[Key, _Kept] = Stock(DOCUMENT_OCTETS)
        self._words: Stock[Key, _Kept] = Stock(WORD_OCTETS)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        path: str = environ.get("PATH_INFO", "")
        if not path.startswith(UNDER) or environ["REQUEST_METHOD"] not in {"GET", "HEAD"}:
            return self._application(environ, start_response)
        scheme = environ.get("HTTP_X_FORWARDED_PROTO", "http")
        if scheme not in {"http", "https"} or not _is_allowed(environ.get("HTTP_HOST", "")):
            return self._application(environ, start_response)
        # Policies for browsers hang on whether it was TLS (RFC 6797 §7.2), nothing else on who asks.
        key = (path, "https" in {scheme, environ["wsgi.url_scheme"]})
        kept = self._documents.get(key) or self._words.get(key)
        if kept is not None and (self._is_good(kept) or not kept.may_look()):
            return self._send(kept, environ, start_response, by="memory")
        return self._made(key, kept, environ, start_response)

    @property
    def octets(self) -> int:
        """How much is kept."""
        return self._documents.octets + self._words.octets

    def _is_good(self, kept: _Kept) -> bool:
        generation = self._freshness.generation()
        if kept.word and time.monotonic() > kept.kept_at + _WORD_SECONDS:
            return False
        return generation is not None and kept.generation == generation

    def _send(
        self, kept: _Kept, environ: Environ, start_response: StartResponse, *, by: str
    ) -> Sequence[bytes]:
        method = environ["REQUEST_METHOD"]
        answer = kept.word
        if kept.prepared:
            answer = kept.prepared.answer(
                method,
                if_none_match=environ.get("HTTP_IF_NONE_MATCH"),
                if_modified_since=environ.get("HTTP_IF_MODIFIED_SINCE"),
                accept_encoding=environ.get("HTTP_ACCEPT_ENCODING"),
            )
            if method == "GET" and kept.channel:
                self._note(kept.channel, environ)
        assert answer is not None  # noqa: S101
        metrics.count_feed(by, answer.status)
        start_response(answer.line, list(answer.headers))
        return (answer.body,) if method == "GET" and answer.body else ()

    def _made(
        self, key: Key, kept: _Kept | None, environ: Environ, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Django's answer, kept when it may be; what was kept before when Django can give none."""
        generation = (
            self._freshness.generation()
        )  # before Django looks: what comes later is seen later
        said = _Said()
        body = self._application(environ, said.start_response)
        if kept is not None and said.status >= 500:
            _close(body)
            log.warning("%s cannot be looked at again, what is known is served on", key[0])
            return self._send(kept, environ, start_response, by="memory")
        if kept is not None:
            self._documents.drop(key)
            self._words.drop(key)
        handed: _Handed | None = environ.get(_HANDED)
        if handed is None or not said.is_same_for_all():
            metrics.count_feed("django", said.status)
            return said.go_on(body, start_response)
        prepared, word = None, None
        if handed.served is not None:
            prepared = Prepared(handed.served, said.more())
        elif environ["REQUEST_METHOD"] == "GET":
            word = Answer(said.status, tuple(said.headers), b"".join(body))
        else:
            return said.go_on(body, start_response)
        _close(body)
        fresh = _Kept(prepared, word, handed.channel, generation, time.monotonic())
        (self._documents if prepared else self._words).put(key, fresh)
        return self._send(fresh, environ, start_response, by="django")


def around(application: Application) -> Shelf:
    """The shelf as a web process has it, with threads that start at the first request."""
    notes = noting.Notes()
    return Shelf(application, Freshness(_generation), note=notes.add)


def _generation() -> int:
    """Asked for in a thread that Django does not know, so its connection is looked after here."""
    close_old_connections()
    try:
        return publishing.generation()
    except BaseException:
        connection.close()
        raise


class _Said:
    """Takes what an application says with `start_response` (PEP 3333)."""

    def __init__(self) -> None:
        self.status = 500
        self.headers: list[tuple[str, str]] = []
        self._line = ""

    def start_response(self, line: str, headers: list[tuple[str, str]], *_: Any) -> None:
        self._line, self.headers = line, headers
        self.status = int(line.split(" ", 1)[0])

    def is_same_for_all(self) -> bool:
        """Whether the answer is no error, and hangs on nothing but the path and the coding."""
        named = {name.lower(): value for name, value in self.headers}
        is_for_all = "set-cookie" not in named and named.get("vary", VARY).lower() == VARY.lower()
        return self.status in _KEPT_STATUSES and is_for_all

    def more(self) -> Headers:
        """What Django's middleware adds to every answer, such as policies."""
        return tuple(each for each in self.headers if each[0].lower() not in _NOT_OURS)

    def go_on(self, body: Iterable[bytes], start_response: StartResponse) -> Iterable[bytes]:
        start_response(self._line, self.headers)
        return body


@lru_cache(maxsize=256)
def _is_allowed(host: str) -> bool:
    """As Django decides it. What it would refuse, with its own words, is left to it."""
    domain, _ = split_domain_port(host)
    return bool(domain) and validate_host(domain, settings.ALLOWED_HOSTS)


def _close(body: Iterable[bytes]) -> None:
    close = getattr(body, "close", None)
    if close is not None:
        close()
