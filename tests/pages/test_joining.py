"""Signing up as people do it: a form, the same answer for everyone, a letter, a button."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as current
from django.test import Client
from django.utils import timezone

from dispatcher.audience import consent, editing, joining, suppressing
from dispatcher.audience.models import Consent, SignUp, Subscriber
from dispatcher.audience.rules import EVERYTHING, Cadence, Match, Rule
from dispatcher.audience.tokens import Purpose, seal
from dispatcher.briefs.models import Topic
from dispatcher.letters.words import words
from dispatcher.mailing import joining as mailing_joining
from dispatcher.mailing.models import Notice
from tests.makers import make_reader, make_topic
from tests.pages.reading import page, parsed, texts
from tests.pages.test_leaving import assert_private

pytestmark = pytest.mark.django_db


@pytest.fixture
def stranger() -> Client:
    return Client(enforce_csrf_checks=True, raise_request_exception=False)


@pytest.fixture
def iran(db: None) -> Topic:
    return make_topic("Iran")


def form(*topics: Topic, **fields: str) -> dict[str, object]:
    given = {"address": "ada@example.org", "cadence": "at once", **fields}
    return {**given, "topic": [topic.pk for topic in topics]}


def link(*kinds: str) -> str:
    """The path in the last letter, or the last of these kinds."""
    letters = Notice.objects.filter(kind__in=kinds) if kinds else Notice.objects.all()
    return letters.latest("pk").link.removeprefix("http://news.example.org")


def test_who_signs_up_is_no_reader_before_the_button_is_pressed(
    stranger: Client, iran: Topic
) -> None:
    answer = stranger.post("/join", form(iran, language="fr"))
    assert (answer.status_code, answer["Location"]) == (303, "/join/sent")
    assert not Subscriber.objects.exists()
    for _ in range(3):
        read = page(stranger, link())
        stranger.head(link())
    assert texts(read, "//button") == ["Confirmer"]
    assert texts(read, "//li") == ["Brèves sur Iran Immédiatement, un e-mail par brève"]
    assert not Subscriber.objects.exists()

    assert texts(parsed(stranger.post(link()).content), "//h1") == ["C’est fait"]
    reader = Subscriber.objects.get()
    assert (reader.address, reader.state) == ("ada@example.org", Subscriber.State.ACTIVE)
    assert (reader.language, reader.timezone) == ("fr", "UTC")
    assert Rule.of(consent.live(reader).get()).cadence == Cadence.AT_ONCE
    acts = reader.consents.order_by("pk").values_list("act", "wording", "source")
    assert list(acts) == [
        (act, joining.WORDING, "sign-up page") for act in (Consent.Act.ASKED, Consent.Act.CONFIRMED)
    ]
    assert Notice.objects.filter(kind="welcome").count() == 1
    assert texts(page(stranger, link()), "//h1") == ["Ce que vous recevez"]


def test_a_consent_knows_whence_it_came_of_who_asks_and_of_who_presses_the_button(
    stranger: Client, iran: Topic
) -> None:
    stranger.post("/join", form(iran), headers={"X-Forwarded-For": "192.0.2.1"})
    for visitor in ("198.51.100.7", "203.0.113.9"):  # the second presses what was pressed before
        stranger.post(link("confirm"), headers={"X-Forwarded-For": visitor})
    hashes = dict(Subscriber.objects.get().consents.values_list("act", "ip_hash"))
    assert hashes == {
        Consent.Act.ASKED: joining.ip_hash("192.0.2.1"),
        Consent.Act.CONFIRMED: joining.ip_hash("198.51.100.7"),
    }
    assert not any("." in one for one in hashes.values())


def test_pressing_twice_makes_one_reader_one_rule_and_one_welcome(
    stranger: Client, iran: Topic
) -> None:
    stranger.post("/join", form(iran))
    path = link()
    answers = [stranger.post(path) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {200}
    assert [b"/reader/" in answer.content for answer in answers] == [True, False, False]
    assert consent.live(Subscriber.objects.get()).count() == 1
    assert Notice.objects.filter(kind="welcome").count() == 1
    assert Consent.objects.count() == 2


def test_everyone_is_told_the_same_whatever_the_address_is(stranger: Client, iran: Topic) -> None:
    make_reader("known@example.org", any_of=[iran])
    make_reader("left@example.org", state=Subscriber.State.LEFT)
    suppressing.suppress("gone@example.org", reason="it bounced")
    answers = set()
    for who in ("new", "known", "KNOWN", "left", "gone"):
        answer = stranger.post("/join", form(iran, address=f"{who}@example.org"))
        headers = tuple(sorted(answer.headers.items()))
        answers.add((answer.status_code, headers, answer.content))
    assert len(answers) == 1
    assert not stranger.cookies
    kinds = Notice.objects.order_by("pk").values_list("kind", flat=True)
    assert list(kinds) == ["confirm"] * 5
    assert Subscriber.objects.count() == 2
    assert SignUp.objects.count() == 5


def test_one_who_left_may_come_back_but_not_by_an_old_link(stranger: Client, iran: Topic) -> None:
    stranger.post("/join", form(iran))
    path = link()
    stranger.post(path)
    reader = Subscriber.objects.get()
    consent.leave(reader, consent.live(reader), source="test")
    assert stranger.post(path).status_code == 404
    reader.refresh_from_db()
    assert reader.state == Subscriber.State.LEFT

    stranger.post("/join", form(iran))
    assert stranger.post(link()).status_code == 200
    reader.refresh_from_db()
    assert reader.state == Subscriber.State.ACTIVE


def test_a_pause_ends_with_who_left_and_is_said_to_who_adds_to_what_they_get(
    stranger: Client, iran: Topic
) -> None:
    reader = make_reader("ada@example.org", any_of=[make_topic("Tides")])
    until = timezone.localdate() + timedelta(days=90)
    editing.pause(reader.pk, until.isoformat(), source="test")
    said = words("en").date(until)
    stranger.post("/join", form(iran))
    assert texts(parsed(stranger.post(link()).content), "//main/p[1]") == [
        f"You have paused until {said}. Then you get:"
    ]
    assert Notice.objects.get(kind="welcome").facts["paused"] == said
    reader.refresh_from_db()
    assert reader.paused_until

    consent.leave(reader, consent.live(reader), source="test")
    stranger.post("/join", form(iran))
    assert texts(parsed(stranger.post(link()).content), "//main/p[1]") == ["From now on you get:"]
    assert "paused" not in Notice.objects.filter(kind="welcome").latest("pk").facts
    reader.refresh_from_db()
    assert reader.paused_until is None
    assert reader.consents.filter(act=Consent.Act.RESUMED, source="sign-up page").count() == 1


def test_a_second_sign_up_that_is_confirmed_adds_its_rule_and_nothing_else(
    stranger: Client, iran: Topic
) -> None:
    stranger.post("/join", form(iran, name="Ada"))
    first = link()
    stranger.post("/join", form(make_topic("Tides"), name="Mallory", language="he"))
    second = link()
    stranger.post(first)
    stranger.post(second)
    reader = Subscriber.objects.get()
    assert (reader.name, reader.language) == ("Ada", "en")
    assert consent.live(reader).count() == 2


def test_a_reader_who_signs_up_again_gains_the_rule_by_confirming(
    stranger: Client, iran: Topic
) -> None:
    reader = make_reader("ada@example.org", any_of=[make_topic("Tides")])
    stranger.post("/join", form(iran))
    assert consent.live(reader).count() == 1
    stranger.post(link())
    assert [rule.topics for rule in consent.live(reader)][1:] == [[iran.pk]]
    assert Subscriber.objects.count() == 1


def test_what_nobody_confirmed_is_forgotten_with_its_letter_and_nothing_else(
    stranger: Client, iran: Topic
) -> None:
    long_ago = timezone.now() - timedelta(days=current.JOIN_DAYS, hours=1)
    for who in ("never", "reader", "today"):
        stranger.post("/join", form(iran, address=f"{who}@example.org"))
        if who == "reader":
            stranger.post(link())
        if who != "today":
            SignUp.objects.filter(address=f"{who}@example.org").update(asked_at=long_ago)
            Notice.objects.filter(address=f"{who}@example.org", kind="confirm").update(
                settled_at=long_ago
            )
    for _ in range(2):
        mailing_joining.forget()
    kept = SignUp.objects.order_by("pk").values_list("address", flat=True)
    assert list(kept) == ["reader@example.org", "today@example.org"]
    letters = Notice.objects.order_by("pk").values_list("address", "kind")
    assert list(letters) == [("reader@example.org", "welcome"), ("today@example.org", "confirm")]
    assert consent.live(Subscriber.objects.get()).count() == 1


def test_a_link_ends_after_its_days(stranger: Client, iran: Topic) -> None:
    stranger.post("/join", form(iran))
    SignUp.objects.update(asked_at=timezone.now() - timedelta(days=current.JOIN_DAYS, seconds=1))
    for answer in (stranger.get(link()), stranger.post(link())):
        assert answer.status_code == 404
        assert "Sign up again" in answer.content.decode()
    assert not Subscriber.objects.exists()


@pytest.mark.parametrize("change", ["forged", "cut", "of another purpose", "of nobody", "empty"])
def test_a_link_that_is_not_ours_does_nothing(stranger: Client, iran: Topic, change: str) -> None:
    stranger.post("/join", form(iran))
    token = link().rpartition("/")[2]
    number = SignUp.objects.get().pk
    bad = {
        "forged": ("0" if token[0] != "0" else "1") + token[1:],
        "cut": token[:-2],
        "of another purpose": seal(Purpose.MANAGE, number),
        "of nobody": seal(Purpose.JOIN, number + 1),
        "empty": "00",
    }[change]
    for answer in (stranger.get(f"/join/confirm/{bad}"), stranger.post(f"/join/confirm/{bad}")):
        assert answer.status_code == 404
        assert_private(answer.headers)
    assert not Subscriber.objects.exists()
    assert stranger.get(f"/reader/{token}").status_code == 404, "nor is it one to a reader's page"


def test_an_address_suppressed_meanwhile_is_not_brought_back(stranger: Client, iran: Topic) -> None:
    stranger.post("/join", form(iran))
    suppressing.suppress("ada@example.org", reason="complained")
    answer = stranger.post(link())
    assert answer.status_code == 409
    assert not Subscriber.objects.exists()


@pytest.mark.parametrize(
    ("given", "field", "says"),
    [
        ({"address": ""}, "address", "is not a mail address"),
        ({"address": "ada"}, "address", "is not a mail address"),
        ({"address": "a" * 65 + "@example.org"}, "address", "before the @"),
        ({"address": "a@" + "b" * 300 + ".example"}, "address", "is no domain"),
        ({"address": "a@b.example\r\nBcc: c@d.example"}, "address", "before the @"),
        ({"address": "a@127.0.0.1"}, "address", "is no domain"),
        ({"topic": []}, "everything", "at least one topic"),
        ({"topic": ["x", "-1", "9" * 30]}, "everything", "at least one topic"),
        ({"cadence": "hourly"}, "everything", "how often"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_and_what_was_typed_is_kept(
    stranger: Client, iran: Topic, given: dict[str, object], field: str, says: str
) -> None:
    answer = stranger.post("/join", form(iran, name="Ada") | given)
    assert answer.status_code == 422
    read = parsed(answer.content)
    (said,) = texts(read, "//*[@id='errors']")
    assert says in said
    assert texts(read, "//*[@id='errors']//a/@href") == [f"#{field}"]
    assert texts(read, f"//*[@id='{field}']/@id") == [field]
    assert texts(read, "//input[@id='name']/@value") == ["Ada"]
    assert not SignUp.objects.exists()


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("ada@BÜCHER.example", "ada@xn--bcher-kva.example"),
        ("büro@example.org", "büro@example.org"),
        ("info@example.org", "info@example.org"),
    ],
)
def test_idn_smtputf8_and_role_addresses_may_sign_up(
    stranger: Client, iran: Topic, given: str, kept: str
) -> None:
    assert stranger.post("/join", form(iran, address=given)).status_code == 303
    assert SignUp.objects.get().address == kept


def test_domains_of_the_file_are_refused_and_those_beneath_them(
    stranger: Client, iran: Topic, settings: Any, tmp_path: Path
) -> None:
    file = tmp_path / "domains.txt"
    file.write_text("# thrown away soon\nThrowaway.example # and all beneath\n")
    settings.JOIN_REFUSED_DOMAINS = str(file)
    for domain, status in (
        ("throwaway.example", 422),
        ("mx.throwaway.example", 422),
        ("notthrowaway.example", 303),
    ):
        assert stranger.post("/join", form(iran, address=f"a@{domain}")).status_code == status


def test_a_form_of_a_megabyte_is_refused_before_it_is_read(stranger: Client, iran: Topic) -> None:
    answer = stranger.post("/join", form(iran, name="x" * 1_000_000))
    assert answer.status_code == 413
    assert not SignUp.objects.exists()


def test_a_zone_or_language_that_is_none_gives_way_to_the_usual(
    stranger: Client, iran: Topic
) -> None:
    odd = {"time_zone": "Mars/Olympus", "language": "tlh"}
    stranger.post("/join", form(iran, **odd))
    sign_up = SignUp.objects.get()
    assert (sign_up.timezone, sign_up.language) == ("UTC", "en")


def test_every_brief_all_of_and_none_of_can_be_asked_for(stranger: Client, iran: Topic) -> None:
    tides, fog = make_topic("Tides"), make_topic("Fog")
    stranger.post("/join", form(iran, everything="yes"))
    stranger.post("/join", {**form(iran, tides, match="all"), "except": [fog.pk]})
    one, other = (Rule.of(joining.subscription_of(row)) for row in SignUp.objects.order_by("pk"))
    assert one == EVERYTHING
    assert other == Rule(Match.ALL, frozenset({iran.pk, tides.pk}), frozenset({fog.pk}))


def test_the_form_to_copy_works_as_it_stands(stranger: Client, iran: Topic) -> None:
    make_topic("Peace & war")
    read = page(stranger, "/join/embed")
    (code,) = read.xpath("//textarea")
    copied = parsed(code.text.encode())
    (made,) = copied.xpath("//form")
    assert made.get("action") == "http://news.example.org/join"
    assert "Peace & war" in texts(copied, "//label")
    assert not re.search(r"<script|style=|cookie", code.text)
    filled = {"address": "ada@example.org"}
    filled["topic"] = copied.xpath("//input[@name='topic']/@value")[0]
    assert stranger.post("/join", filled).status_code == 303
    assert SignUp.objects.get().cadence == Cadence.AT_ONCE


def test_the_page_needs_no_script_no_cookie_and_nothing_from_elsewhere(
    stranger: Client, iran: Topic
) -> None:
    make_topic("Iran Missiles", parent=iran)
    read = page(stranger, "/join")
    assert texts(read, "//h1") == ["Get our briefs by mail"]
    assert not read.xpath("//*[@style] | //script[not(@src)] | //*[starts-with(@src, 'http')]")
    groups = read.xpath("//*[@role='group']/@aria-label")
    assert groups.count("Iran") == 2, "to have and to leave out"
    ids = read.xpath("//@id")
    assert len(ids) == len(set(ids))
    assert not stranger.cookies
    assert "/join" in texts(page(stranger, "/"), "//footer//a/@href")
