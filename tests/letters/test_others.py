"""What others make of our letters: their verdict on signatures, their reading of headers."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.letters import samples
from tests.letters.full_render import body, parsed
from tests.letters.others import read_by_others
from tests.letters.readers import NASTY_NAMES
from tests.letters.signers import AT, KINDS, signer
from tests.letters.tampering import HARM, HARMLESS

ADDRESSES = ("ada@example.com", "jörg@xn--bcher-kva.example", "δοκιμή@example.org")
READERS = [
    samples.reader(name=name, address=ADDRESSES[number % len(ADDRESSES)])
    for number, name in enumerate(NASTY_NAMES)
]
Readings = Mapping[tuple[str, str], list[str]]


def signed(kind: str) -> bytes:
    return signer(kind).prepare(samples.compiled()).sign(samples.reader(), at=AT)


@pytest.fixture(scope="module")
def verdicts() -> Readings:
    """The verdicts on the signatures of each kind of letter after each change, by one start of Node.js."""
    changes = {**HARM, **HARMLESS}
    asked = [(kind, change) for kind in KINDS for change in changes]
    letters = [changes[change](signed(kind)) for kind, change in asked]
    read = read_by_others(letters, signer("both"))
    found = [[signature["verdict"] for signature in letter["signatures"]] for letter in read]
    return dict(zip(asked, found, strict=True))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("change", HARMLESS)
def test_mailauth_takes_our_signatures(kind: str, change: str, verdicts: Readings) -> None:
    assert verdicts[kind, change] == ["pass"] * len(signer(kind).keys)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("harm", HARM)
def test_mailauth_takes_no_signature_after_harm(kind: str, harm: str, verdicts: Readings) -> None:
    assert len(verdicts[kind, harm]) == len(signer(kind).keys)
    assert "pass" not in verdicts[kind, harm]


def test_mailparser_reads_what_python_reads_and_every_list_header() -> None:
    prepared = signer("both").prepare(samples.compiled())
    letters = [prepared.sign(values, at=AT) for values in READERS]
    for values, letter, read in zip(
        READERS, letters, read_by_others(letters, signer("both")), strict=True
    ):
        assert [signature["verdict"] for signature in read["signatures"]] == ["pass", "pass"]
        assert read["list"] == {
            "id": {"name": "alerts.briefs.example.org"},
            "unsubscribe": {
                "url": values.unsubscribe_url,
                "mail": values.unsubscribe_mailto.removeprefix("mailto:"),
            },
            "unsubscribe-post": {"name": "List-Unsubscribe=One-Click"},
            "help": {"url": "https://www.example.org/help"},
            "archive": {"url": "https://briefs.example.org/"},
        }
        assert read["text"] == body(parsed(letter), "plain")
        assert read["html"] == body(parsed(letter), "html")
        assert read["subject"] == samples.BRIEF.headline
        (to,) = read["to"]
        assert to["address"].partition("@")[0] == values.address.partition("@")[0]
