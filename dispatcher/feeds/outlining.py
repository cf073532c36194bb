"""All feeds as OPML 2.0, which feed readers import at once."""

from __future__ import annotations

from django.conf import settings
from lxml import etree

from dispatcher.briefs import public
from dispatcher.feeds import addressing, describing
from dispatcher.feeds.building import Format
from dispatcher.feeds.channels import ALL, URGENT, Channel, of_topic
from dispatcher.feeds.markup import one_line


def opml() -> bytes:
    """Each feed once, in Atom; the same bytes for the same topics. `text` and `title` are the same."""
    root = etree.Element("opml", version="2.0")
    head = etree.SubElement(root, "head")
    etree.SubElement(head, "title").text = one_line(f"{settings.PUBLISHER_NAME}: feeds")
    body = etree.SubElement(root, "body")
    _outline(body, ALL)
    _outline(body, URGENT)
    for name, group in (
        ("Kinds", addressing.kinds()),
        ("Topics", map(of_topic, public.topics_in_use())),
    ):
        folder = etree.SubElement(body, "outline", text=name, title=name)
        for channel in group:
            _outline(folder, channel)
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True, pretty_print=True)


def _outline(parent: etree._Element, channel: Channel) -> None:
    etree.SubElement(
        parent,
        "outline",
        type="rss",  # OPML's word for any feed
        text=one_line(channel.title),
        title=one_line(channel.title),
        xmlUrl=channel.url(Format.ATOM),
        htmlUrl=describing.page_of(channel),
    )
