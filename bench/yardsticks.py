"""What others make of the same letters, into the same sink: letters per second of each way.

A bare pipelined socket, Postfix's smtp-source, and the way most Django projects send, plain and signed.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import dkim
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.smtp import EmailBackend

from bench import services
from bench.services import HOST
from dispatcher.mailing.composing import Sample

_SENDER = "briefs@news.example.org"
_SIGNED = [
    *(b"from", b"to", b"subject", b"date", b"message-id", b"mime-version", b"content-type"),
    *(b"list-unsubscribe", b"list-unsubscribe-post"),
]


def socket(port: int, letters: int, letter: Path, *, processes: int = 1) -> float:
    """A bare pipelined socket; with several processes, one connection each."""
    each = letters // processes
    command = [sys.executable, "-m", "bench.pipelined", str(port), str(each), str(letter)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(processes)]
    try:
        told = [process.communicate(timeout=600)[0] for process in running]
    finally:
        for process in running:
            process.kill()
            process.wait()
    return each * processes / max(float(seconds) for seconds in told)


def smtp_source(port: int, letters: int, octets: int) -> float:
    """Postfix's own generator over twenty sessions. Raises CannotMeasure where it is not."""
    command = services.need("smtp-source")
    began = time.perf_counter()
    subprocess.run(
        [command, "-s", "20", "-l", str(octets), "-m", str(letters), f"{HOST}:{port}"],
        check=True,
        timeout=600,
    )
    return letters / (time.perf_counter() - began)


def django(port: int, letters: int, sample: Sample) -> float:
    """EmailMultiAlternatives per reader over one open connection, rendered with two replacements."""
    connection = _connection(port)
    connection.open()
    began = time.perf_counter()
    for message in _messages(sample, letters):
        connection.send_messages([message])
    seconds = time.perf_counter() - began
    connection.close()
    return letters / seconds


def django_dkimpy(port: int, letters: int, sample: Sample, key: bytes) -> float:
    """The same, each signed by dkimpy before it is sent."""
    connection = _connection(port)
    connection.open()
    smtp = connection.connection
    assert smtp is not None
    began = time.perf_counter()
    for message in _messages(sample, letters):
        raw = message.message().as_bytes(linesep="\r\n")  # type: ignore[call-arg]
        signature = dkim.sign(
            raw,
            b"s1",
            b"news.example.org",
            key,
            canonicalize=(b"relaxed", b"relaxed"),
            include_headers=_SIGNED,
        )
        smtp.sendmail(_SENDER, message.to, signature + raw)
    seconds = time.perf_counter() - began
    connection.close()
    return letters / seconds


def _connection(port: int) -> EmailBackend:
    backend = "django.core.mail.backends.smtp.EmailBackend"
    connection = get_connection(backend, host=HOST, port=port, use_tls=False)
    assert isinstance(connection, EmailBackend)
    return connection


def _messages(sample: Sample, letters: int) -> Iterator[EmailMultiAlternatives]:
    for number in range(letters):
        name, link = f"Reader {number}", f"https://news.example.org/leave/{number:032x}"
        message = EmailMultiAlternatives(
            sample.subject,
            _personal(sample.text, name, link),
            _SENDER,
            [f"reader-{number:07}@example.org"],
            headers={
                "List-Unsubscribe": f"<{link}>",
                "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            },
        )
        message.attach_alternative(_personal(sample.html, name, link), "text/html")
        yield message


def _personal(text: str, name: str, link: str) -> str:
    return text.replace("reader@example.org", name).replace("https://news.example.org/leave", link)
