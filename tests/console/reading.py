"""A page as a person reads it: its text in one line, its links and what its buttons say."""

from __future__ import annotations

from typing import Any

from lxml import html


class Page:
    def __init__(self, response: Any) -> None:
        self.status = response.status_code
        self.root: Any = html.fromstring(response.content.decode())
        for part in self.root.iter("dd", "div", "dt", "li", "p", "td", "th"):
            part.tail = f"{part.tail or ''} "  # as far apart as they look

    @property
    def text(self) -> str:
        return _line(self.root.text_content())

    @property
    def heading(self) -> str:
        return _line(self.root.xpath("//h1")[0].text_content())

    @property
    def buttons(self) -> list[str]:
        return [_line(button.text_content()) for button in self.root.xpath("//main//button")]

    @property
    def links(self) -> dict[str, str]:
        return {_line(link.text_content()): link.get("href") for link in self.root.xpath("//a")}

    @property
    def rows(self) -> list[str]:
        return [_line(row.text_content()) for row in self.root.xpath("//tbody/tr")]

    def said(self, id_: str) -> str:
        (found,) = self.root.xpath("//*[@id=$id]", id=id_)
        return _line(found.text_content())

    def value(self, name: str) -> str:
        (found,) = self.root.xpath("//*[@name=$name]", name=name)
        return str(found.text if found.tag == "textarea" else found.get("value"))


def _line(text: str) -> str:
    return " ".join(text.split())
