"""Tokens: shown once, kept as a hash, taken back at once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from dispatcher.api import tokens
from dispatcher.api.models import ApiToken

pytestmark = pytest.mark.django_db


def test_a_token_opens_for_its_holder() -> None:
    token = tokens.issue("press office")
    found = tokens.holder(token)
    assert found is not None
    assert found.name == "press office"


def test_a_token_shows_what_it_is_and_is_long_enough_never_to_be_guessed() -> None:
    token = tokens.issue("press office")
    assert token.startswith("dsp_")
    assert len(token) >= 4 + 43  # 256 bits


def test_the_token_itself_is_nowhere_in_the_database() -> None:
    token = tokens.issue("press office")
    row = ApiToken.objects.values().get()
    assert not any(token in str(value) or token[4:] in str(value) for value in row.values())


def test_a_revoked_token_opens_nothing_any_more() -> None:
    token = tokens.issue("press office")
    tokens.revoke("press office")
    assert tokens.holder(token) is None


def test_revoking_twice_keeps_the_first_time() -> None:
    tokens.issue("press office")
    tokens.revoke("press office")
    first = ApiToken.objects.get().revoked_at
    tokens.revoke("press office")
    assert ApiToken.objects.get().revoked_at == first


def test_revoking_one_token_leaves_the_others() -> None:
    tokens.issue("press office")
    other = tokens.issue("archive")
    tokens.revoke("press office")
    assert tokens.holder(other) is not None


def test_a_name_nobody_has_cannot_be_revoked() -> None:
    with pytest.raises(tokens.NoSuchToken, match="no token named 'nobody'"):
        tokens.revoke("nobody")


def test_a_name_is_never_given_twice_not_even_after_it_was_revoked() -> None:
    tokens.issue("press office")
    tokens.revoke("press office")
    with pytest.raises(tokens.BadTokenName, match="choose another name"):
        tokens.issue("press  office ")


@pytest.mark.parametrize("name", ["", "   ", "a\nb\x07", "x" * 81])
def test_a_name_that_could_not_be_read_back_is_refused(name: str) -> None:
    with pytest.raises(tokens.BadTokenName, match="printable"):
        tokens.issue(name)


@pytest.mark.parametrize("token", ["", "dsp_", "dsp_wrong", "ä€", "\udcff", "x" * 100_000])
def test_anything_else_opens_nothing(token: str) -> None:
    tokens.issue("press office")
    assert tokens.holder(token) is None


def test_use_is_noted_at_most_once_a_minute() -> None:
    token = tokens.issue("press office")
    tokens.holder(token)
    first = ApiToken.objects.get().last_used_at
    assert first is not None
    with CaptureQueriesContext(connection) as queries:
        tokens.holder(token)
    assert not [q for q in queries.captured_queries if q["sql"].startswith("UPDATE")]

    before = timezone.now() - timedelta(minutes=2)
    ApiToken.objects.update(last_used_at=before)
    tokens.holder(token)
    noted = ApiToken.objects.get().last_used_at
    assert noted is not None
    assert noted > before
