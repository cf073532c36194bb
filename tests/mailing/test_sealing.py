from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from dispatcher.letters.stamping import stamp
from dispatcher.mailing import sealing, trying
from tests.letters import samples
from tests.letters.signers import ed25519_pem, rsa_pem, verdicts
from tests.mailing.carried import carry, released
from tests.makers import make_brief
from tests.sinks import Sink

RSA = rsa_pem()


@pytest.fixture
def keys(settings: Any, tmp_path: Path) -> None:
    """Two keys for the domain that letters come from."""
    (tmp_path / "rsa.pem").write_bytes(RSA)
    (tmp_path / "ed.pem").write_bytes(ed25519_pem())
    settings.DKIM_DOMAIN = "example.org"
    settings.DKIM_KEYS = (f"rsa:{tmp_path}/rsa.pem", f"ed:{tmp_path}/ed.pem")


def is_signed(raw: bytes) -> bool:
    signer = sealing.signer()
    assert signer
    found = verdicts(raw, signer)
    return len(found) == 2 and all(found)


def test_without_a_key_a_letter_is_stamped_and_no_more() -> None:
    assert sealing.signer() is None
    stamper = sealing.stamper(samples.compiled())
    assert stamper(samples.reader()) == stamp(samples.compiled(), samples.reader())


@pytest.mark.usefixtures("keys")
def test_with_keys_each_signs_every_letter() -> None:
    stamper = sealing.stamper(samples.compiled())
    for name in ("Ada", "Bo"):
        assert is_signed(stamper(samples.reader(name=name)))


@pytest.mark.usefixtures("keys")
def test_a_letter_is_prepared_once_a_process() -> None:
    assert sealing.stamper(samples.compiled()) is sealing.stamper(samples.compiled())


@pytest.mark.django_db
@pytest.mark.usefixtures("keys")
def test_what_a_dispatch_hands_over_is_signed(sink: Sink) -> None:
    assert set(carry(released(2)).values()) == {"accepted"}
    assert len(sink.letters) == 2
    assert all(is_signed(letter.data) for letter in sink.letters)


@pytest.mark.django_db
@pytest.mark.usefixtures("keys")
def test_a_test_letter_is_signed(sink: Sink) -> None:
    trying.send_test(make_brief(), "ada@example.org")
    (letter,) = sink.letters
    assert is_signed(letter.data)


@pytest.mark.parametrize(
    ("named", "complaint"),
    [
        ("rsa.pem", "each key is written selector:/path/to/key.pem"),
        ("news:", "each key is written"),
        ("news:{}/none.pem", "the file of 'news' cannot be read: No such file"),
        ("news:{}", "the file of 'news' cannot be read: Is a directory"),
        ("news:{}/small.pem", "1024 bits"),
        ("news:{}/junk.pem", "no private key"),
        ("ne/ws:{}/small.pem", "is no selector"),
    ],
)
def test_a_key_that_cannot_be_used_is_refused_in_one_line_that_names_the_setting(
    settings: Any, tmp_path: Path, named: str, complaint: str
) -> None:
    (tmp_path / "small.pem").write_bytes(rsa_pem(1024))
    (tmp_path / "junk.pem").write_bytes(b"junk")
    settings.DKIM_KEYS = (named.format(tmp_path),)
    with pytest.raises(ImproperlyConfigured, match=rf"^DKIM_KEYS: .*{complaint}.*$"):
        sealing.signer()


def test_a_key_in_place_of_its_file_is_not_repeated(settings: Any) -> None:
    settings.DKIM_KEYS = tuple(RSA.decode().split())
    with pytest.raises(ImproperlyConfigured) as refusal:
        sealing.signer()
    settings.DKIM_KEYS = ("news:" + "".join(RSA.decode().split()[3:-3]),)
    with pytest.raises(ImproperlyConfigured) as other:
        sealing.signer()
    for line in RSA.decode().split()[3:-3]:
        assert line not in f"{refusal.value}{other.value}"


@pytest.mark.usefixtures("keys")
def test_a_domain_that_is_none_is_refused_by_its_name(settings: Any) -> None:
    settings.DKIM_DOMAIN = "bücher.example"
    with pytest.raises(ImproperlyConfigured, match=r"^DKIM_DOMAIN: "):
        sealing.signer()


@pytest.mark.usefixtures("keys")
@pytest.mark.parametrize(
    ("signed_by", "comes_from", "is_aligned"),
    [
        ("example.org", "briefs@example.org", True),
        ("example.org", "briefs@News.Example.org", True),
        ("news.example.org", "briefs@example.org", True),
        ("example.net", "briefs@example.org", False),
        ("badexample.org", "briefs@example.org", False),
    ],
)
def test_a_signature_that_dmarc_would_not_count_is_told(
    settings: Any, signed_by: str, comes_from: str, is_aligned: bool
) -> None:
    settings.DKIM_DOMAIN, settings.MAIL_FROM = signed_by, comes_from
    assert bool(sealing.alignment_trouble()) is not is_aligned
    settings.DKIM_KEYS = ()
    assert not sealing.alignment_trouble()
