"""Reads pages back as a reader sees them."""

from __future__ import annotations

from typing import Any

from django.test import Client
from lxml import html


def page(client: Client, address: str) -> html.HtmlElement:
    response = client.get(address)
    assert response.status_code == 200
    return parsed(response.content)


def pressed(
    client: Client, address: str, form: dict[str, Any], *, status: int = 200
) -> html.HtmlElement:
    """The page that answers a form."""
    response = client.post(address, form)
    assert response.status_code == status
    return parsed(response.content)


def parsed(content: bytes) -> html.HtmlElement:
    return html.document_fromstring(content.decode())


def texts(read: html.HtmlElement, path: str) -> list[str]:
    """What stands at a path, words parted by single blanks."""
    found = read.xpath(path)
    assert isinstance(found, list)
    return [
        " ".join(str(one if isinstance(one, str) else one.xpath("string()")).split())
        for one in found
    ]
