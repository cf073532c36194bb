"""How these tests speak to the API: JSON in and out, with a token."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.test import Client

from dispatcher.api import tokens

JSON = "application/json"
HEADLINE = "Ferries run again between the islands"


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    values: Any
    headers: dict[str, str]


class Publisher:
    """Someone who has a token, or says to."""

    def __init__(self, token: str | None = None) -> None:
        self.token = tokens.issue("press office") if token is None else token
        self._client = Client(raise_request_exception=False)

    def post(self, path: str, body: object = b"") -> Answer:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self._ask("POST", path, raw)

    def get(self, path: str) -> Answer:
        return self._ask("GET", path)

    def _ask(self, method: str, path: str, body: bytes = b"") -> Answer:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        got = self._client.generic(method, path, body, content_type=JSON, headers=headers)
        assert got.headers["Content-Type"].startswith(JSON), got.content[:300]
        return Answer(got.status_code, got.json(), dict(got.headers))


def brief(**fields: object) -> dict[str, object]:
    """A brief in JSON; fields given overrule."""
    return {
        "source_id": "ferries-1",
        "headline": HEADLINE,
        "kind": "Flash Brief",
        "published_at": "2026-03-02",
        "topics": ["Harbours"],
        "blocks": [
            {
                "type": "section",
                "heading": "Latest Developments",
                "paragraphs": ["The line reopened on Monday."],
            }
        ],
        **fields,
    }


def is_refusal(answer: Answer, status: int, code: str) -> bool:
    """One shape for every refusal: a line and a code."""
    assert answer.status == status, answer
    assert set(answer.values) == {"detail", "code"}, answer
    assert answer.values["code"] == code, answer
    detail = answer.values["detail"]
    assert isinstance(detail, str), answer
    assert detail, answer
    assert len(detail.splitlines()) == 1, answer
    return True
