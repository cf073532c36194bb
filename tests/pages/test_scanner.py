"""A scanner follows every link of every letter, and every link that it then sees, and submits nothing.

It asks twice, and some cut links wrongly out of their text. A provider's one-click submits one thing.
"""

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
from dispatcher.audience.models import Subscription
from dispatcher.audience.rules import EVERYTHING, Cadence
from dispatcher.audience.tokens import Purpose, seal
from dispatcher.briefs.models import Brief
from dispatcher.feeds.models import FeedChannel, FeedDocument
from dispatcher.mailing import composing, noticing, sealing
from dispatcher.mailing.addressing import addressees
from dispatcher.mailing.models import Delivery, Dispatch, Notice
from tests.mailing.test_digests import MONDAY, release, run, start
from tests.makers import make_brief, make_dispatch, make_reader, make_topic

pytestmark = pytest.mark.django_db
SITE = "http://news.example.org"
MOST = 600  # pages
GARBAGE = (".", ")", "/", "%20", "%3E", "=", "0", "?utm_source=scan", "&amp;x=1", "%0D%0AX-Set: 1")


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
    """All there is, but for feeds as bytes: these are made when they are first asked for."""
    made = {FeedChannel, FeedDocument}
    models = [m for m in apps.get_app_config("dispatcher").get_models() if m not in made]
    return repr([sorted(map(repr, model._default_manager.values_list())) for model in models])


def letters() -> dict[str, bytes]:
    """One of every kind, with links that work."""
    reader = make_reader("ada@example.org", any_of=[make_topic("Tides")])
    sign_up = joining.ask(Wish("bob@example.org", EVERYTHING, "a test"), ip="")
    change = moving.ask(reader, "ada@new.example.org")
    page = f"{SITE}/reader/{access.manage_token(reader.pk)}"
    links = {
        "confirm": f"{SITE}/join/confirm/{seal(Purpose.JOIN, sign_up.pk)}",
        "address": f"{SITE}/move/{seal(Purpose.MOVE, change.pk)}",
    }
    written = {
        kind: noticing.letter(
            Notice.objects.create(
                kind=kind,
                address=reader.address,
                reader=make_reader("cy@example.org", any_of=[make_topic("Tides")])
                if kind == Notice.Kind.WELCOME
                else reader,
                link=links.get(kind, page),
                facts={"rules": "Briefs on Tides.", "days": "7"},
            )
        )
        for kind in Notice.Kind.values
    }
    brief: Brief = make_brief("High water", topics=[make_topic("Tides")])
    dispatch: Dispatch = make_dispatch(brief)
    assert brief.current
    compiled = composing.compose(brief, brief.current)
    (addressee,) = addressees(dispatch, [reader.pk]).values()
    written["alert"] = sealing.stamper(compiled)(composing.values_of(dispatch)(addressee, "en"))
    written["digest"] = digest_letter()
    return written


def digest_letter() -> bytes:
    start()
    daily = make_reader("bea@example.org", any_of=[make_topic("Fog")], cadence=Cadence.DAILY)
    release("Fog over the quays", make_topic("Fog"))
    assert run(MONDAY) == 1
    digest = Delivery.objects.get(subscriber=daily).dispatch
    (addressee,) = addressees(digest, [daily.pk]).values()
    write, language = sealing.Writers(composing.compiled(digest.pk))[addressee.language]
    return write(composing.values_of(digest)(addressee, language))


def test_it_changes_nothing(client: Client) -> None:
    written = letters()
    assert set(written) == {*Notice.Kind.values, "alert", "digest"}
    to_see = {link for letter in written.values() for link in links_of(letter)}
    kinds = {link.split("/")[1] for link in to_see}
    assert {"leave", "reader", "join", "move", "briefs", "feeds"} <= kinds
    to_see |= {link + tail for link in to_see for tail in GARBAGE}
    before, seen = rows(), set[str]()
    while to_see and len(seen) < MOST:
        link = to_see.pop().split("#")[0]
        if link in seen:
            continue
        seen.add(link)
        for ask in (client.head, client.get, client.get, client.head):
            answer = ask(link)
            assert answer.status_code < 500, link
        is_page = answer.get("Content-Type", "").startswith("text/html")
        if (
            is_page and answer.status_code < 400
        ):  # one that says there is none leads where the others do
            to_see |= links_on(client.get(link).content.decode())
    assert len(seen) > 20
    assert not to_see
    assert rows() == before


def test_one_click_without_a_cookie_is_answered_alike_twice_for_every_letter_that_offers_it() -> (
    None
):
    offered = {}
    for kind, octets in letters().items():
        head = email.message_from_bytes(octets, policy=email.policy.default)
        if "List-Unsubscribe" in head:
            assert head["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
            offered[kind] = str(head["List-Unsubscribe"]).split(">")[0].removeprefix(f"<{SITE}")
    assert set(offered) == {"alert", "digest", "welcome"}
    for kind, link in offered.items():
        live = Subscription.objects.filter(ended_at=None)
        before, answers = live.count(), []
        for _ in range(2):
            stranger = Client(enforce_csrf_checks=True)
            answer = stranger.post(
                link,
                "List-Unsubscribe=One-Click",
                content_type="application/x-www-form-urlencoded",
            )
            assert not answer.cookies
            answers.append((answer.status_code, answer.content))
            assert live.count() == before - 1, kind
        assert answers == [(200, b"You are unsubscribed.\n")] * 2
