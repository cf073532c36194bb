"""A scanner follows every link of every letter, and every link that it then sees, and submits nothing."""

from __future__ import annotations

import email
import email.policy
import html
import re
from email.message import EmailMessage

import pytest
from django.apps import apps
from django.test import Client

from dispatcher.audience import access, joining, moving
from dispatcher.audience.joining import Wish
from dispatcher.audience.rules import EVERYTHING, Cadence
from dispatcher.audience.tokens import Purpose, seal
from dispatcher.briefs.models import Brief
from dispatcher.mailing import composing, noticing, sealing
from dispatcher.mailing.addressing import addressees
from dispatcher.mailing.models import Delivery, Dispatch, Notice
from tests.mailing.test_digests import MONDAY, release, run, start
from tests.makers import make_brief, make_dispatch, make_reader, make_topic

pytestmark = pytest.mark.django_db
SITE = "http://news.example.org"
MOST = 300  # pages


def links_of(octets: bytes) -> set[str]:
    """Every address of ours in a letter: in its headers, its text and its HTML."""
    message = email.message_from_bytes(octets, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    parts = [str(value) for value in message.values()]
    parts += [str(part.get_content()) for part in message.walk() if not part.is_multipart()]
    return set(re.findall(rf"{SITE}(/[^\s\"'<>]*)", html.unescape(" ".join(parts))))


def links_on(page: str) -> set[str]:
    """Where a page of ours leads to on this site, by its links and by its forms."""
    found = re.findall(r'(?:href|action|src)="([^"]*)"', page)
    paths = {html.unescape(each).removeprefix(SITE) for each in found}
    return {path for path in paths if path[:1] == "/" and not path.startswith("/static/")}


def rows() -> str:
    models = apps.get_app_config("dispatcher").get_models()
    return repr([sorted(map(repr, model._default_manager.values_list())) for model in models])


def letters() -> list[bytes]:
    """One of every kind, with links that work."""
    reader = make_reader("ada@example.org", any_of=[make_topic("Tides")])
    sign_up = joining.ask(Wish("bob@example.org", EVERYTHING, "a test"), ip="")
    change = moving.ask(reader, "ada@new.example.org")
    page = f"{SITE}/reader/{access.manage_token(reader.pk)}"
    links = {
        "confirm": f"{SITE}/join/confirm/{seal(Purpose.JOIN, sign_up.pk)}",
        "address": f"{SITE}/move/{seal(Purpose.MOVE, change.pk)}",
    }
    written = [
        noticing.letter(
            Notice.objects.create(
                kind=kind,
                address=reader.address,
                reader=reader,
                link=links.get(kind, page),
                facts={"rules": "Briefs on Tides.", "days": "7"},
            )
        )
        for kind in Notice.Kind.values
    ]
    brief: Brief = make_brief("High water", topics=[make_topic("Tides")])
    dispatch: Dispatch = make_dispatch(brief)
    assert brief.current
    compiled = composing.compose(brief, brief.current)
    (addressee,) = addressees(dispatch, [reader.pk]).values()
    written.append(sealing.stamper(compiled)(composing.values_of(dispatch)(addressee, "en")))
    start()
    daily = make_reader("bea@example.org", any_of=[make_topic("Fog")], cadence=Cadence.DAILY)
    release("Fog over the quays", make_topic("Fog"))
    assert run(MONDAY) == 1
    digest = Delivery.objects.get(subscriber=daily).dispatch
    (addressee,) = addressees(digest, [daily.pk]).values()
    write, language = sealing.Writers(composing.compiled(digest.pk))[addressee.language]
    written.append(write(composing.values_of(digest)(addressee, language)))
    return written


def test_it_changes_nothing(client: Client) -> None:
    to_see = {link for letter in letters() for link in links_of(letter)}
    kinds = {link.split("/")[1] for link in to_see}
    assert {"leave", "reader", "join", "move", "briefs", "feeds"} <= kinds
    before, seen = rows(), set[str]()
    while to_see and len(seen) < MOST:
        link = to_see.pop().split("#")[0]
        if link in seen:
            continue
        seen.add(link)
        for ask in (client.head, client.get):
            answer = ask(link)
            assert answer.status_code < 500, link
        if answer.get("Content-Type", "").startswith("text/html"):
            to_see |= links_on(answer.content.decode())
    assert len(seen) > 20
    assert not to_see
    assert rows() == before
