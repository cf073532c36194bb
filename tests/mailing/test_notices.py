"""Letters about a reader's own affairs: one each, over a real SMTP conversation, whatever happens."""

from __future__ import annotations

import email
import email.policy
import threading
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone
from redis import Redis

from dispatcher import queue
from dispatcher.audience import suppressing
from dispatcher.audience.tokens import Purpose, unseal
from dispatcher.mailing import leaving, notices, sealing
from dispatcher.mailing.models import Notice
from dispatcher.relays import pool
from tests.letters.signers import rsa_pem, verdicts
from tests.makers import make_reader, make_topic
from tests.sinks import Fate, Sink, refusing_url
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)
Kind = Notice.Kind
LINK = "http://news.example.org/join/confirm/abc"


def posted(kind: Notice.Kind = Kind.CONFIRM, to: str = "ada@example.org", **rest: Any) -> Notice:
    notices.post(kind, to=to, **({"link": LINK} | rest))
    return Notice.objects.latest("pk")


def sent(notice: Notice) -> Notice:
    notices.notify(notice.pk)
    notice.refresh_from_db()
    return notice


def make_due(notice: Notice) -> None:
    past = timezone.now() - timedelta(seconds=1)
    Notice.objects.filter(pk=notice.pk).update(next_attempt_at=past)


def make_lost(notice: Notice) -> None:
    """As its worker left it that was killed while the relay had the letter."""
    past = timezone.now() - timedelta(seconds=1)
    Notice.objects.filter(pk=notice.pk).update(
        state="sending", holder="of another worker", lease_until=past, attempts=1
    )


def read(sink: Sink, number: int = -1) -> EmailMessage:
    message = email.message_from_bytes(sink.letters[number].data, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert isinstance(part, EmailMessage)
    return str(part.get_content())


def test_a_notice_is_sent_once_however_often_it_is_nudged(sink: Sink) -> None:
    notice = posted()
    for _ in range(3):
        sent(notice)
    assert sink.addresses == ["ada@example.org"]
    assert (notice.state, notice.attempts, notice.holder) == ("accepted", 1, "")
    assert notice.relay
    assert notice.settled_at


def test_a_confirmation_is_no_bulk_mail_and_nothing_answers_it(sink: Sink) -> None:
    sent(posted())
    message = read(sink)
    assert message["Auto-Submitted"] == "auto-generated"
    assert not [name for name in message if name.lower().startswith(("list-", "precedence"))]
    assert LINK in body(message, "plain")
    assert f'href="{LINK}"' in body(message, "html")


def test_who_is_welcomed_may_leave_at_once_with_one_click(sink: Sink) -> None:
    reader = make_reader("ada@example.org", any_of=[make_topic("Iran")])
    sent(posted(Kind.WELCOME, reader_id=reader.pk))
    message = read(sink)
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    token = str(message["List-Unsubscribe"]).partition("/leave/")[2].partition(">")[0]
    subscriber_id, dispatch_id = unseal(Purpose.LEAVE, token, count=2)
    assert subscriber_id == reader.pk
    assert len(leaving.prospect(subscriber_id, dispatch_id).ending) == 1
    assert f"/leave/{token}" in body(message, "plain")


def test_who_paused_is_welcomed_with_the_day_on_which_letters_come(sink: Sink) -> None:
    reader = make_reader("ada@example.org", any_of=[make_topic("Iran")])
    facts = {"rules": "Briefs on Iran. At once.", "paused": "2 mars 2027"}
    sent(posted(Kind.WELCOME, reader_id=reader.pk, language="fr", facts=facts))
    for kind in ("plain", "html"):
        said = " ".join(body(read(sink), kind).split())
        assert "jusqu’au 2 mars 2027. Ensuite, vous recevrez" in said


def test_a_bounce_and_a_reply_can_be_traced_to_their_notice(sink: Sink) -> None:
    notice = sent(posted())
    path = sink.letters[0].mail_from
    token = path.removeprefix("bounces+").partition("@")[0]
    assert unseal(Purpose.NOTICE_PATH, token, count=1) == (notice.pk,)
    token = str(read(sink)["Message-ID"]).strip("<>").partition("@")[0]
    assert unseal(Purpose.NOTICE_ID, token, count=1) == (notice.pk,)


def test_a_refusal_for_now_is_tried_again_as_the_same_letter(sink: Sink) -> None:
    sink.data_answers["ada@example.org"] = "451 4.3.0 later"
    notice = sent(posted())
    assert (notice.state, notice.code, notice.settled_at) == ("deferred", "4.3.0", None)
    assert timezone.now() < notice.next_attempt_at < timezone.now() + timedelta(seconds=61)
    del sink.data_answers["ada@example.org"]
    sent(notice)
    assert notice.state == "deferred", "it is not due"
    make_due(notice)
    assert sent(notice).state == "accepted"
    assert notice.attempts == 2
    sent(posted())
    assert read(sink, 0)["Message-ID"] != read(sink, 1)["Message-ID"]


def test_it_is_given_up_after_the_last_pause(sink: Sink, settings: Any) -> None:
    settings.RETRY_PAUSES = (60,)
    sink.answers["ada@example.org"] = "451 4.2.2 full"
    notice = sent(posted())
    make_due(notice)
    sent(notice)
    assert notice.state == "failed"
    assert notice.text.startswith("given up after 2 attempts: ")


def test_a_refusal_for_good_settles_it(sink: Sink) -> None:
    sink.answers["ada@example.org"] = "550 5.1.1 nobody here"
    notice = sent(posted())
    assert (notice.state, notice.code) == ("failed", "5.1.1")
    assert notice.settled_at


def test_without_a_relay_it_waits_for_one(sink: Sink, settings: Any) -> None:
    with refusing_url() as url, pytest.MonkeyPatch.context() as patch:
        settings.RELAY_URLS = (url,)
        patch.setattr(pool, "_pool", pool.Pool(pool.configured()))
        notice = sent(posted())
    assert (notice.state, notice.attempts) == ("deferred", 1)
    assert notice.text.startswith("No relay takes letters")


def test_a_letter_in_doubt_goes_out_again_under_its_old_message_id(sink: Sink) -> None:
    sink.fates["ada@example.org"] = Fate.CUT_AFTER_DOT
    notice = sent(posted())
    assert notice.state == "deferred"
    sink.fates.clear()
    make_due(notice)
    assert sent(notice).state == "accepted"
    assert read(sink, 0)["Message-ID"] == read(sink, 1)["Message-ID"]
    assert read(sink, 0)["Date"] == read(sink, 1)["Date"]


@pytest.mark.parametrize(("unknown", "state"), [("resend", "accepted"), ("hold", "unknown")])
def test_what_a_lost_worker_had_in_hand_is_sent_or_held(
    sink: Sink, settings: Any, unknown: str, state: str
) -> None:
    settings.UNKNOWN = unknown
    notice = posted()
    make_lost(notice)
    assert sent(notice).state == state
    assert len(sink.letters) == (1 if state == "accepted" else 0)


def test_a_worker_that_still_has_it_is_left_alone(sink: Sink) -> None:
    notice = posted()
    Notice.objects.filter(pk=notice.pk).update(
        state="sending", holder="x", lease_until=timezone.now() + timedelta(minutes=1)
    )
    assert sent(notice).state == "sending"
    assert not sink.letters


def test_a_relay_that_takes_longer_than_a_lease_gets_the_letter_once(
    sink: Sink, settings: Any
) -> None:
    settings.LEASE_SECONDS = 1
    sink.distance = 1.5  # of the greeting
    notice = posted()

    def notify() -> None:
        try:
            notices.notify(notice.pk)
        finally:
            connection.close()

    slow = threading.Thread(target=notify)
    slow.start()
    taken = Notice.objects.filter(pk=notice.pk, state="sending")
    until(taken.exists)
    first = taken.get().lease_until
    until(taken.filter(lease_until__gt=first).exists)
    assert sent(notice).state == "sending"
    slow.join(20)
    notice.refresh_from_db()
    assert (notice.state, notice.attempts) == ("accepted", 1)
    assert len(sink.letters) == 1


@pytest.mark.parametrize("kind", Kind.values)
def test_a_suppressed_address_gets_no_notice_of_any_kind(sink: Sink, kind: str) -> None:
    suppressing.suppress("ADA@example.org", reason="it bounced")
    notice = sent(posted(Kind(kind)))
    assert (notice.state, notice.relay) == ("failed", "")
    assert notice.text == "suppressed before it was handed over"
    assert not sink.letters


def test_nothing_is_posted_for_what_was_rolled_back(valkey: Redis) -> None:
    def fail() -> None:
        with transaction.atomic():
            posted()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert not Notice.objects.exists()
    assert queue.is_empty(queue.URGENT)


def test_the_sweep_nudges_what_stands_still_and_nothing_else(valkey: Redis) -> None:
    still, fresh, settled = posted(), posted(), posted()
    lost, put_off = posted(), posted()
    make_lost(lost)
    long_ago = timezone.now() - timedelta(minutes=5)
    Notice.objects.exclude(pk=fresh.pk).update(posted_at=long_ago)
    Notice.objects.filter(pk=settled.pk).update(state="accepted")
    Notice.objects.filter(pk=put_off.pk).update(
        state="deferred", next_attempt_at=timezone.now() + timedelta(hours=1)
    )
    valkey.flushall()
    assert notices.sweep() == 2
    assert valkey.llen(queue.URGENT) == 2
    assert notices.sweep() == 0
    posted_again = Notice.objects.filter(posted_at__gt=long_ago).values_list("pk", flat=True)
    assert set(posted_again) == {still.pk, lost.pk, fresh.pk}


@pytest.mark.parametrize("kind", Kind.values)
def test_each_says_the_same_in_text_and_html(sink: Sink, kind: str) -> None:
    rules = "Briefs on Iran or Lebanon — At once, a letter for each"
    sent(posted(Kind(kind), facts={"rules": rules, "days": "7"}))
    message = read(sink)
    assert message["Subject"]
    for part in ("plain", "html"):
        text = body(message, part)
        assert LINK in text
        assert "ada@example.org" in text
        assert kind in {"address", "moved", "page"} or "Lebanon" in text
    for line in body(message, "plain").splitlines():
        assert len(line) <= 72 or "http" in line


def test_a_notice_is_signed_where_a_key_is_set(sink: Sink, settings: Any, tmp_path: Path) -> None:
    (tmp_path / "rsa.pem").write_bytes(rsa_pem())
    settings.DKIM_DOMAIN = "example.org"
    settings.DKIM_KEYS = (f"rsa:{tmp_path}/rsa.pem",)
    for kind in (Kind.CONFIRM, Kind.WELCOME):
        sent(posted(kind, reader_id=make_reader().pk))
    signer = sealing.signer()
    assert signer
    assert [verdicts(letter.data, signer) for letter in sink.letters] == [[True], [True]]
