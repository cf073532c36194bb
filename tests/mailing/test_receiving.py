"""The door for mail that comes back takes what is ours, keeps nothing else, and loses nothing."""

from __future__ import annotations

import asyncio
import smtplib
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.conf import settings
from django.db import connection

from dispatcher.audience import access, consent
from dispatcher.audience.tokens import Purpose, seal
from dispatcher.mailing import receiving
from dispatcher.mailing.models import Receipt
from tests.mailing.samples.sample import READER, letter
from tests.mailing.test_receipts import NOBODY_THERE, deliver
from tests.makers import make_reader, make_topic

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def door(*, by_lmtp: bool = False) -> Iterator[int]:
    """The port of an open door, in a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    opened = receiving.listen("127.0.0.1", 0, by_lmtp=by_lmtp)
    server = asyncio.run_coroutine_threadsafe(opened, loop).result(10)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(server.close)
        asyncio.run_coroutine_threadsafe(loop.shutdown_default_executor(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


@pytest.mark.parametrize("by_lmtp", [False, True])
def test_a_bounce_comes_in_and_is_counted_before_it_is_answered(by_lmtp: bool) -> None:
    delivery = deliver(make_reader(READER, any_of=[make_topic("Tides")]))
    to = f"bounces+{seal(Purpose.RETURN_PATH, delivery.pk)}@{settings.MAIL_DOMAIN}"
    with door(by_lmtp=by_lmtp) as port:
        client = smtplib.LMTP if by_lmtp else smtplib.SMTP
        with client("127.0.0.1", port) as server:
            server.sendmail("", [to.upper()], NOBODY_THERE)
            assert Receipt.objects.get().delivery == delivery
            assert consent.suppressed(READER)


def test_a_reader_leaves_by_mail() -> None:
    reader = make_reader(READER, any_of=[make_topic("Tides")])
    to = f"unsubscribe+{access.leave_token(reader.pk, 0)}@{settings.MAIL_DOMAIN}"
    with door() as port, smtplib.SMTP("127.0.0.1", port) as server:
        server.sendmail(READER, [to], letter(f"From: {READER}\nSubject: unsubscribe", ""))
    assert not consent.live(reader).exists()


def test_no_other_address_is_taken() -> None:
    token = seal(Purpose.RETURN_PATH, 7)
    with door() as port, smtplib.SMTP("127.0.0.1", port) as server:
        server.ehlo()
        server.mail("")
        for address in (
            f"postmaster@{settings.MAIL_DOMAIN}",
            f"bounces+{token[:-2]}00@{settings.MAIL_DOMAIN}",
            f"bounces+{token}@elsewhere.example",
            f"unsubscribe+{token}@{settings.MAIL_DOMAIN}",
            f"bounces+{seal(Purpose.MANAGE, 7)}@{settings.MAIL_DOMAIN}",
        ):
            assert server.rcpt(address)[0] == 550, address
        assert server.rcpt(f"bounces+{token}@{settings.MAIL_DOMAIN}")[0] == 250


def test_while_it_cannot_be_kept_the_sender_is_told_to_keep_it() -> None:
    token = seal(Purpose.RETURN_PATH, 7)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE dispatcher_receipt RENAME TO away")
    try:
        with door() as port, smtplib.SMTP("127.0.0.1", port) as server:
            to = f"bounces+{token}@{settings.MAIL_DOMAIN}"
            with pytest.raises(smtplib.SMTPDataError) as refusal:
                server.sendmail("", [to], NOBODY_THERE)
            assert refusal.value.smtp_code == 451
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE away RENAME TO dispatcher_receipt")


def replies(server: smtplib.SMTP, octets: bytes, number: int) -> list[int]:
    """What is said of a message, so many times."""
    assert server.docmd("DATA")[0] == 354
    server.send(octets.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") + b"\r\n.\r\n")
    return [server.getreply()[0] for _ in range(number)]


def test_by_lmtp_each_recipient_has_an_answer_and_by_smtp_all_have_one() -> None:
    deliveries = [
        deliver(make_reader(f"r{n}@example.org", any_of=[make_topic("Tides")])) for n in range(3)
    ]
    path = [f"bounces+{seal(Purpose.RETURN_PATH, d.pk)}@{settings.MAIL_DOMAIN}" for d in deliveries]
    for by_lmtp, client in ((True, smtplib.LMTP), (False, smtplib.SMTP)):
        with door(by_lmtp=by_lmtp) as port, client("127.0.0.1", port) as server:
            server.ehlo()
            for _ in range(2):
                server.mail("")
                assert [server.rcpt(to)[0] for to in (*path, "who@example.org")] == [250] * 3 + [
                    550
                ]
                assert replies(server, NOBODY_THERE, 3 if by_lmtp else 1) == [250] * (
                    3 if by_lmtp else 1
                )
                assert server.noop()[0] == 250
        assert {row.delivery for row in Receipt.objects.all()} == {*deliveries}
        assert Receipt.objects.count() == 3


def test_the_recipients_of_a_message_are_bounded() -> None:
    for by_lmtp in (True, False):
        client = smtplib.LMTP if by_lmtp else smtplib.SMTP
        with door(by_lmtp=by_lmtp) as port, client("127.0.0.1", port) as server:
            server.ehlo()
            server.mail("")
            to = f"bounces+{seal(Purpose.RETURN_PATH, 7)}@{settings.MAIL_DOMAIN}"
            codes = [server.rcpt(to)[0] for _ in range(receiving.MOST_RECIPIENTS + 2)]
            assert codes == [250] * receiving.MOST_RECIPIENTS + [452, 452]


def test_by_lmtp_a_message_that_is_too_large_is_refused_to_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(receiving, "LARGEST", 50_000)
    to = f"bounces+{seal(Purpose.RETURN_PATH, 7)}@{settings.MAIL_DOMAIN}"
    with door(by_lmtp=True) as port, smtplib.LMTP("127.0.0.1", port) as server:
        server.ehlo()
        server.mail("")
        assert [server.rcpt(to)[0] for _ in range(2)] == [250, 250]
        assert replies(server, b"x" * 70 + b"\n" + (b"y" * 70 + b"\n") * 1_000, 2) == [552, 552]
        assert server.noop()[0] == 250
        assert server.docmd("DATA")[0] == 503
        assert server.noop()[0] == 250


def test_by_lmtp_each_recipient_is_taken_or_kept_for_itself() -> None:
    reader = make_reader(READER, any_of=[make_topic("Tides")])
    path = f"bounces+{seal(Purpose.RETURN_PATH, deliver(reader).pk)}@{settings.MAIL_DOMAIN}"
    way_out = f"unsubscribe+{access.leave_token(reader.pk, 0)}@{settings.MAIL_DOMAIN}"
    octets = letter(f"From: {READER}\nSubject: unsubscribe", "")
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE dispatcher_consent RENAME TO away")
    try:
        with door(by_lmtp=True) as port, smtplib.LMTP("127.0.0.1", port) as server:
            server.ehlo()
            server.mail("")
            assert [server.rcpt(to)[0] for to in (path, way_out)] == [250, 250]
            assert replies(server, octets, 2) == [250, 451]
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE away RENAME TO dispatcher_consent")
    assert consent.live(reader).exists()
