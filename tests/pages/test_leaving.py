"""Unsubscribing from a letter: looking is harmless, one click ends it, a person can take it back."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.apps import apps
from django.test import Client
from pytest_django import Settings

from dispatcher.audience import consent
from dispatcher.audience.models import Consent, Subscriber
from dispatcher.audience.rules import Cadence, Rule
from dispatcher.audience.tokens import Purpose, seal
from dispatcher.briefs.models import Topic
from dispatcher.feeds.models import FeedChannel, FeedDocument
from dispatcher.mailing.models import Dispatch
from dispatcher.pages import private
from tests.makers import make_brief, make_dispatch, make_reader, make_topic
from tests.pages.reading import page, parsed, texts

pytestmark = pytest.mark.django_db

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def stranger() -> Client:
    """A mail provider: no cookie, no CSRF token, and the server checks."""
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def harbours(db: None) -> Topic:
    return make_topic("Harbours")


@pytest.fixture
def tides(db: None) -> Topic:
    return make_topic("Tides")


@pytest.fixture
def dispatch(harbours: Topic) -> Dispatch:
    return make_dispatch(make_brief(topics=[harbours]))


@pytest.fixture
def reader(harbours: Topic, tides: Topic) -> Subscriber:
    """Follows harbours at once, harbours by the week, and tides at once."""
    reader = make_reader("ada@example.org", any_of=[harbours])
    weekly = Rule(topics=frozenset({harbours.pk}), cadence=Cadence.WEEKLY)
    consent.subscribe(reader, weekly, source="made for a test")
    consent.subscribe(reader, Rule(topics=frozenset({tides.pk})), source="made for a test")
    return reader


@pytest.fixture
def link(reader: Subscriber, dispatch: Dispatch) -> str:
    return f"/leave/{seal(Purpose.LEAVE, reader.pk, dispatch.pk)}"


def live(reader: Subscriber) -> list[tuple[str, ...]]:
    names = dict(Topic.objects.values_list("pk", "name"))
    return [(*(names[pk] for pk in rule.topics), rule.cadence) for rule in consent.live(reader)]


def every_row() -> dict[str, list[object]]:
    """All that the database holds of ours."""
    return {
        model.__name__: list(model._default_manager.order_by("pk").values())
        for model in apps.get_app_config("dispatcher").get_models()
        if model not in {FeedChannel, FeedDocument}  # feeds are made when they are first asked for
    }


def test_a_scanner_that_follows_every_link_changes_nothing(
    stranger: Client, link: str, reader: Subscriber
) -> None:
    before = every_row()
    to_see, seen = {link, f"/reader/{seal(Purpose.MANAGE, reader.pk)}", "/"}, set()
    while to_see:
        address = to_see.pop()
        seen.add(address)
        is_form = address.startswith("/feeds/choose")  # asked without its fields
        assert stranger.head(address, follow=True).status_code == (422 if is_form else 200)
        response = stranger.get(address, follow=True)
        if response.headers.get("Content-Type", "").startswith("text/html"):
            links = parsed(response.content).xpath("//a/@href | //link/@href | //form/@action")
            local = {str(one).removeprefix("http://news.example.org") for one in links}
            pages = {one for one in local if one.startswith("/") and "/static/" not in one}
            to_see |= pages - seen
    assert len(seen) > 5
    assert every_row() == before


def test_one_click_ends_the_rules_behind_the_letter_and_says_so_plainly(
    stranger: Client, link: str, reader: Subscriber
) -> None:
    response = stranger.post(link, ONE_CLICK)
    assert response.status_code == 200
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    assert not response.cookies
    assert live(reader) == [("Harbours", "weekly"), ("Tides", "at once")]
    assert reader.consents.get().act == Consent.Act.LEFT
    assert "one-click" in reader.consents.get().source


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("List-Unsubscribe=One-Click", "application/x-www-form-urlencoded"),
        (
            '--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n',
            "multipart/form-data; boundary=x",
        ),
        ("", "text/plain"),
        ("List-Unsubscribe=One-Click", "text/plain"),
    ],
)
def test_one_click_works_in_every_form_that_providers_send(
    stranger: Client, link: str, reader: Subscriber, body: str, content_type: str
) -> None:
    assert stranger.post(link, body, content_type=content_type).status_code == 200
    assert ("Harbours", "at once") not in live(reader)


def test_one_click_again_is_answered_the_same_and_ends_nothing_more(
    stranger: Client, link: str, reader: Subscriber
) -> None:
    first = stranger.post(link, ONE_CLICK)
    second = stranger.post(link, ONE_CLICK)
    assert (first.status_code, first.content) == (second.status_code, second.content)
    assert len(live(reader)) == 2
    assert reader.consents.count() == 1


def test_one_click_of_a_reader_who_is_gone_or_of_an_unknown_dispatch_is_answered_alike(
    stranger: Client, harbours: Topic
) -> None:
    gone = stranger.post(f"/leave/{seal(Purpose.LEAVE, 999_999, 999_999)}", ONE_CLICK)
    assert gone.status_code == 200
    reader = make_reader(any_of=[harbours])
    lost = stranger.post(f"/leave/{seal(Purpose.LEAVE, reader.pk, 999_999)}", ONE_CLICK)
    assert lost.status_code == 200
    assert live(reader) == []


def test_one_click_is_never_refused_however_often_and_without_a_cache(
    stranger: Client, link: str, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    monkeypatch.setattr(private, "POSTS_AN_HOUR", 1)
    for _ in range(4):
        assert stranger.post(link, ONE_CLICK).status_code == 200
    with_dead_cache(settings)
    assert stranger.post(link, ONE_CLICK).status_code == 200


def with_dead_cache(settings: Settings) -> None:
    backend = "django.core.cache.backends.redis.RedisCache"
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": "redis://127.0.0.1:1"}}


def test_the_page_asks_and_names_what_would_end_and_what_would_stay(
    client: Client, link: str
) -> None:
    read = page(client, link)
    assert texts(read, "//main//ul") == [
        "Briefs on Harbours At once, a letter for each",
        "Briefs on Harbours In a weekly digest Briefs on Tides At once, a letter for each",
    ]
    assert texts(read, "//main//button") == ["Unsubscribe"]


def test_the_button_leads_to_a_farewell_that_names_what_stopped_and_what_remains(
    stranger: Client, link: str, reader: Subscriber
) -> None:
    for _ in range(2):  # loading the farewell again presses the button again
        response = stranger.post(link, {"action": "leave"})
        assert response.status_code == 200
        read = parsed(response.content)
        assert texts(read, "//h1") == ["You are unsubscribed"]
        assert texts(read, "//main//ul") == [
            "Briefs on Harbours At once, a letter for each",
            "Briefs on Harbours In a weekly digest Briefs on Tides At once, a letter for each",
        ]
        assert texts(read, "//main//button") == ["Undo", "Stop everything", "Send"]
    assert len(live(reader)) == 2
    assert "You no longer get these" in texts(page(stranger, link), "//h1")[0]


def test_undo_brings_back_what_the_farewell_ended(
    stranger: Client, dispatch: Dispatch, harbours: Topic
) -> None:
    reader = make_reader(any_of=[harbours])
    link = f"/leave/{seal(Purpose.LEAVE, reader.pk, dispatch.pk)}"
    read = parsed(stranger.post(link, {"action": "leave"}).content)
    assert live(reader) == []
    (undo,) = texts(read, "//form[.//button[@value='undo']]/@action")
    answer = stranger.post(undo, {"action": "undo"})
    assert answer.status_code == 303
    assert live(reader) == [("Harbours", "at once")]
    assert "You are back" in page(stranger, answer["Location"]).text_content()


def test_a_reader_of_all_topics_leaves_by_any_letter(stranger: Client, dispatch: Dispatch) -> None:
    reader = make_reader(all_of=[])
    stranger.post(f"/leave/{seal(Purpose.LEAVE, reader.pk, dispatch.pk)}", ONE_CLICK)
    reader.refresh_from_db()
    assert live(reader) == []
    assert reader.state == Subscriber.State.LEFT


def test_a_letter_on_a_child_topic_ends_the_rule_on_its_parent(
    stranger: Client, harbours: Topic
) -> None:
    piers = make_topic("Piers", parent=harbours)
    dispatch = make_dispatch(make_brief(topics=[piers]), topics=[harbours.pk, piers.pk])
    reader = make_reader(any_of=[harbours])
    stranger.post(f"/leave/{seal(Purpose.LEAVE, reader.pk, dispatch.pk)}", ONE_CLICK)
    assert live(reader) == []


@pytest.mark.parametrize(
    "forge",
    [
        lambda reader, dispatch: "nonsense",
        lambda reader, dispatch: "%00%ff",
        lambda reader, dispatch: seal(Purpose.LEAVE, reader, dispatch)[:-1],
        lambda reader, dispatch: seal(Purpose.LEAVE, reader),
        lambda reader, dispatch: seal(Purpose.MANAGE, reader, dispatch),
        lambda reader, dispatch: "a" * 5_000,
    ],
)
def test_a_bad_link_gets_a_clear_page_and_ends_nothing(
    stranger: Client,
    reader: Subscriber,
    dispatch: Dispatch,
    forge: Callable[[int, int], str],
) -> None:
    address = f"/leave/{forge(reader.pk, dispatch.pk)}"
    for response in (stranger.get(address), stranger.post(address, ONE_CLICK)):
        assert response.status_code == 404
        assert "Open it again from the letter" in response.content.decode()
        assert_private(response.headers)
    assert len(live(reader)) == 3


def assert_private(headers: object) -> None:
    wanted = {
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Robots-Tag": "noindex",
    }
    assert {name: headers[name] for name in wanted} == wanted  # type: ignore[index]


def test_every_answer_behind_a_sealed_link_is_private(stranger: Client, link: str) -> None:
    for response in (
        stranger.get(link),
        stranger.post(link, {"action": "leave"}),
        stranger.post(link, ONE_CLICK),
        stranger.put(link),
    ):
        assert not response.cookies
        if response.status_code != 405:
            assert_private(response.headers)


def test_buttons_pressed_too_often_are_put_off_and_one_click_is_not(
    stranger: Client, link: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(private, "POSTS_AN_HOUR", 2)
    pressed = [stranger.post(link, {"action": "leave"}) for _ in range(3)]
    assert [response.status_code for response in pressed] == [200, 200, 429]
    assert pressed[2]["Retry-After"] == "3600"
    assert stranger.post(link, ONE_CLICK).status_code == 200


def test_without_a_cache_the_button_still_works(
    stranger: Client, link: str, reader: Subscriber, settings: Settings
) -> None:
    with_dead_cache(settings)
    assert stranger.post(link, {"action": "leave"}).status_code == 200
    assert len(live(reader)) == 2
