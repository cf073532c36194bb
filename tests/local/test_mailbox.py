"""The embedded mailbox as a relay: what it keeps, what it refuses, how it starts and ends."""

from __future__ import annotations

import shutil
import signal
import smtplib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dispatcher.local.maildir import Maildir, count, messages
from tests.local.mailboxes import COMMAND, Mailbox, running


@pytest.fixture(scope="module")
def mailbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mailbox]:
    with running(tmp_path_factory.mktemp("mailbox")) as mailbox:
        yield mailbox


@pytest.mark.parametrize(
    "body",
    [
        b"plain words\r\n",
        b".\r\n..\r\n.one\r\n...three\r\n.\r\n",
        "Grüße, שלום, 你好\r\n".encode(),
        b"\xff\xfe\x00 not text at all \x80\r\n",
        b"trailing spaces   \r\n\r\n\r\n",
        b"a sentence.\r\nanother one.\r\n",
        b"a" * 998 + b"\r\n",
        b"",
    ],
)
def test_a_letter_is_kept_as_it_came(mailbox: Mailbox, body: bytes) -> None:
    data = b"Message-ID: <1@example.org>\r\nSubject: Kept\r\nX-Odd:\tvalue \r\n\r\n" + body
    letter = mailbox.send(data, "as-it-came@example.org")
    assert letter.read() == data
    assert (letter.message_id, letter.subject) == ("<1@example.org>", "Kept")


@pytest.mark.parametrize(
    "pieces",
    [
        [b".\r\n"],
        [b"\r\n.\r\n"],
        [b"Subject: x\r\n\r\nbody\r\n", b".", b"\r", b"\n"],
        [b"Subject: x\r\n\r\n..\r\n..\r\n.\r", b"\n"],
        [b"Subject: x\r\n\r\nbare\n.\nends nothing\r\n.\r\n"],
    ],
)
def test_the_lone_dot_is_found_however_the_octets_arrive(
    mailbox: Mailbox, pieces: list[bytes]
) -> None:
    with mailbox.smtp() as smtp:
        smtp.ehlo()
        assert smtp.mail("briefs@example.org")[0] == 250
        assert smtp.rcpt("dots@example.org")[0] == 250
        assert smtp.docmd("DATA")[0] == 354
        assert smtp.sock is not None
        smtp.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            smtp.sock.sendall(piece)
        assert smtp.getreply()[0] == 250
        assert smtp.noop()[0] == 250
    sent = b"".join(pieces)
    assert mailbox.kept("dots@example.org")[-1].read() == sent[:-3].replace(b"\r\n..", b"\r\n.")


def test_the_envelope_is_recorded_before_the_letter(mailbox: Mailbox) -> None:
    data = b"Return-Path: <forged@example.org>\r\nX-Envelope-To: forged@example.org\r\n\r\nx\r\n"
    letter = mailbox.send(data, "Ada.Exact+Tag@Example.ORG", sender="bounce+1=2@example.org")
    assert letter.path.read_bytes() == (
        b"Return-Path: <bounce+1=2@example.org>\r\nX-Envelope-To: Ada.Exact+Tag@Example.ORG\r\n"
        + data
    )
    assert letter.return_path == "bounce+1=2@example.org"
    assert letter.read() == data


def test_a_bounce_has_an_empty_return_path(mailbox: Mailbox) -> None:
    letter = mailbox.send(b"Subject: x\r\n\r\nx\r\n", "null@example.org", sender="")
    assert letter.return_path == ""
    assert letter.path.read_bytes().startswith(b"Return-Path: <>\r\n")


@pytest.mark.parametrize(
    "address",
    [
        "jörg@example.org",
        "=?utf-8?q?=C3=BC?=@example.org",
        "ada@bücher.example",
        "用户@例子.example",
    ],
)
def test_an_address_beyond_ascii_is_taken_as_it_is(mailbox: Mailbox, address: str) -> None:
    assert mailbox.send("Subject: Grüße\r\n\r\nx\r\n".encode(), address).subject == "Grüße"


@pytest.mark.parametrize("address", ['"two words"@example.org', "ada@[127.0.0.1]"])
def test_an_unusual_address_is_taken_as_it_is(mailbox: Mailbox, address: str) -> None:
    mailbox.send(b"Subject: x\r\n\r\nx\r\n", address)


def test_a_letter_to_two_readers_is_kept_for_each(mailbox: Mailbox) -> None:
    with mailbox.smtp() as smtp:
        smtp.sendmail(
            "a@example.org", ["one@example.org", "two@example.org"], b"Subject: x\r\n\r\nx\r\n"
        )
    assert len(mailbox.kept("one@example.org")) == len(mailbox.kept("two@example.org")) == 1


def test_a_line_longer_than_the_standard_allows_is_refused(mailbox: Mailbox) -> None:
    with mailbox.smtp() as smtp:
        with pytest.raises(smtplib.SMTPDataError) as refusal:
            smtp.sendmail(
                "a@example.org", ["long@example.org"], b"Subject: x\r\n\r\n" + b"a" * 999 + b"\r\n"
            )
        assert refusal.value.smtp_code == 500
        smtp.sendmail("a@example.org", ["long@example.org"], b"Subject: y\r\n\r\nshort\r\n")
    assert [letter.subject for letter in mailbox.kept("long@example.org")] == ["y"]


def test_a_letter_too_large_is_refused_when_it_is_announced(mailbox: Mailbox) -> None:
    with mailbox.smtp() as smtp:
        smtp.ehlo()
        assert smtp.mail("a@example.org", ["SIZE=40000000"])[0] == 552


def test_an_address_with_a_line_break_in_it_is_refused(mailbox: Mailbox) -> None:
    with mailbox.smtp() as smtp:
        smtp.ehlo()
        smtp.mail("a@example.org")
        smtp.send(b'RCPT TO:<"a\rSubject: forged"@example.org>\r\n')
        assert smtp.getreply()[0] == 553


def test_eight_bit_and_international_mail_are_offered_and_pipelining_is_not(
    mailbox: Mailbox,
) -> None:
    with mailbox.smtp() as smtp:
        smtp.ehlo()
        assert smtp.has_extn("8bitmime")
        assert smtp.has_extn("smtputf8")
        assert not smtp.has_extn("pipelining")


def test_two_hundred_letters_take_a_moment(tmp_path: Path) -> None:
    data = b"Subject: Many\r\n\r\n" + (b"a" * 74 + b"\r\n") * 200
    with running(tmp_path) as mailbox:
        with mailbox.smtp() as smtp:
            began = time.monotonic()
            for number in range(200):
                smtp.sendmail("a@example.org", [f"reader-{number}@example.org"], data)
            seconds = time.monotonic() - began
        assert count(tmp_path) == mailbox.count() == 200
    assert len({letter.to for letter in messages(tmp_path)}) == 200
    assert list((tmp_path / "tmp").iterdir()) == []
    assert seconds < 5


def test_a_folder_that_cannot_be_written_defers_the_letter(tmp_path: Path) -> None:
    with running(tmp_path) as mailbox:
        shutil.rmtree(tmp_path / "tmp")
        with mailbox.smtp() as smtp, pytest.raises(smtplib.SMTPDataError) as refusal:
            smtp.sendmail("a@example.org", ["ada@example.org"], b"Subject: x\r\n\r\nx\r\n")
        assert refusal.value.smtp_code == 452
        assert mailbox.count() == 0


def test_a_mailbox_that_starts_again_has_what_it_had(tmp_path: Path) -> None:
    with running(tmp_path) as mailbox:
        mailbox.send(b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\r\nx\r\n", "ada@example.org")
    with running(tmp_path) as mailbox:
        assert mailbox.count() == 1
        assert "Grüße" in mailbox.get("/").text


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_at_once_even_amid_a_letter(
    tmp_path: Path, number: signal.Signals
) -> None:
    with running(tmp_path) as mailbox, mailbox.smtp() as smtp:
        smtp.ehlo()
        smtp.mail("a@example.org")
        smtp.rcpt("ada@example.org")
        smtp.docmd("DATA")
        smtp.send(b"Subject: half a letter")
        began = time.monotonic()
        mailbox.process.send_signal(number)
        assert mailbox.process.wait(timeout=10) == 0
        assert time.monotonic() - began < 1.5
        smtp.close()
    assert count(tmp_path) == 0


@pytest.mark.parametrize("option", ["--smtp", "--http"])
def test_a_busy_port_is_one_line_and_exit_1(tmp_path: Path, option: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        words = _refused(tmp_path, "--smtp", "127.0.0.1:0", "--http", "127.0.0.1:0", option, place)
    assert words == f"{place} is taken by another program; name a free port with {option}."


@pytest.mark.parametrize("host", ["0.0.0.0", "[::]", "192.0.2.1", "mail.example.org"])  # noqa: S104
def test_only_loopback_is_listened_on(tmp_path: Path, host: str) -> None:
    assert "not on loopback" in _refused(tmp_path, "--smtp", f"{host}:0", "--http", "127.0.0.1:0")


def test_a_folder_that_is_a_file_is_one_line_and_exit_1(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("in the way")
    words = _refused(file, "--smtp", "127.0.0.1:0", "--http", "127.0.0.1:0")
    assert words.endswith("name another with --folder.")


def test_a_folder_that_is_not_there_has_no_letters(tmp_path: Path) -> None:
    assert count(tmp_path / "none") == 0
    assert list(messages(tmp_path / "none")) == []


def test_letters_are_read_back_oldest_first(tmp_path: Path) -> None:
    maildir = Maildir(tmp_path)
    kept = [maildir.deliver(b"\r\n", to=f"{n}@example.org", return_path="") for n in range(20)]
    assert [letter.to for letter in messages(tmp_path)] == [letter.to for letter in kept]


def test_the_mailbox_starts_without_django() -> None:
    code = "import sys, dispatcher.local.mailbox; sys.exit('django' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def _refused(folder: Path, *places: str) -> str:
    done = subprocess.run(
        [*COMMAND, "--folder", str(folder), *places],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    return done.stderr.strip()
