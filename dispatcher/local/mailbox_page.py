"""The pages of the embedded mailbox: the list, a letter, and what they carry along.

Paths and queries in, answers out; sockets are mailbox_web's. A letter is a stranger's HTML: it is shown
in a sandboxed frame of its own URL only, and everything else of it is escaped text.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from dispatcher.letters.tokens import tokens
from dispatcher.local.mailbox_index import Index
from dispatcher.local.mailbox_letter import Letter, framed, taken_apart
from dispatcher.local.maildir import Stored
from dispatcher.paths import TEMPLATE_ROOT

_PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src data:; frame-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'self'"
)
# Popups leave the sandbox, or the page behind a letter's link could not show its one button.
_LETTER_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; "
    "style-src 'unsafe-inline'; img-src data: https:; frame-ancestors 'self'"
)
_SHOWN_SOURCE = 200_000  # characters; the download has the rest


@dataclass(frozen=True, slots=True)
class Answer:
    body: bytes
    content_type: str = "text/html; charset=utf-8"
    status: HTTPStatus = HTTPStatus.OK
    headers: dict[str, str] = field(default_factory=dict)


class Pages:
    """Answers for one mailbox; `smtp_url` is where it takes mail, as people are told."""

    def __init__(self, index: Index, smtp_url: str) -> None:
        self._index = index
        self._environment = Environment(
            loader=FileSystemLoader(TEMPLATE_ROOT / "web" / "mailbox"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals.update(smtp_url=smtp_url, link=_link)
        self._environment.filters.update(moment=_moment, exactly=_exactly)

    def answer(self, target: str) -> Answer:
        """The answer to a GET of a request target (path and query)."""
        url = urlsplit(target)
        query = {name: values[-1].strip() for name, values in parse_qs(url.query).items()}
        match url.path.strip("/").split("/"):
            case [""]:
                return self._list(query)
            case ["count"]:
                body = json.dumps({"count": len(self._index)}).encode()
                return Answer(body, "application/json")
            case ["arrivals"]:
                new = max(0, len(self._index) - _number(query.get("since", "")))
                return self._page("arrivals.html", {"Refresh": "3"}, new=new)
            case ["style.css"]:
                sheet = self._environment.get_template("style.css").render(t=tokens())
                return Answer(sheet.encode(), "text/css; charset=utf-8")
            case ["letters", name, *rest] if len(rest) < 2:
                return self._letter(name, rest[0] if rest else "")
        return self._missing("There is no such page.")

    def _list(self, query: dict[str, str]) -> Answer:
        words = query.get("q", "")
        page = self._index.page(_number(query.get("page", "")), words=words)
        total = len(self._index)
        headers = {} if total else {"Refresh": "3"}
        return self._page(
            "list.html",
            headers,
            page=page,
            words=words,
            total=total,
            now=datetime.now().astimezone(),
        )

    def _letter(self, name: str, view: str) -> Answer:
        stored = self._index.get(name)
        if stored is None:
            return self._missing("There is no such letter.")
        try:
            data = stored.read()
        except FileNotFoundError:
            return self._missing("This letter is no longer in the folder.")
        if view == "raw":
            name = f'attachment; filename="{int(stored.received_at)}.eml"'
            return Answer(data, "text/plain; charset=utf-8", headers={"Content-Disposition": name})
        letter = taken_apart(data)
        if view == "frame" and letter.html is not None:
            body = framed(letter.html).encode("utf-8", "replace")
            return Answer(body, headers={"Content-Security-Policy": _LETTER_POLICY})
        view = view or ("html" if letter.html is not None else "text")
        if view not in {"html", "text", "source"}:
            return self._missing("There is no such view of a letter.")
        return self._view(stored, letter, view, data)

    def _view(self, stored: Stored, letter: Letter, view: str, data: bytes) -> Answer:
        source = data.decode("utf-8", "replace") if view == "source" else ""
        return self._page(
            "letter.html",
            stored=stored,
            letter=letter,
            view=view,
            source=source[:_SHOWN_SOURCE],
            is_cut=len(source) > _SHOWN_SOURCE,
            now=datetime.now().astimezone(),
        )

    def _missing(self, words: str) -> Answer:
        return self._page("missing.html", status=HTTPStatus.NOT_FOUND, words=words)

    def _page(
        self,
        template: str,
        headers: dict[str, str] | None = None,
        status: HTTPStatus = HTTPStatus.OK,
        **context: Any,
    ) -> Answer:
        body = self._environment.get_template(template).render(context).encode("utf-8", "replace")
        headers = {"Content-Security-Policy": _PAGE_POLICY} | (headers or {})
        return Answer(body, status=status, headers=headers)


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def _link(**query: Any) -> str:
    given = {name: value for name, value in query.items() if value}
    return "/?" + urlencode(given) if given else "/"


def _moment(seconds: float, now: datetime) -> str:
    at = datetime.fromtimestamp(seconds).astimezone()
    if at.date() == now.date():
        return f"today {at:%H:%M}"
    year = "" if at.year == now.year else f" {at.year}"
    return f"{at.day} {at:%b}{year}, {at:%H:%M}"


def _exactly(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).astimezone().isoformat(sep=" ", timespec="seconds")
