"""Bearer tokens of the API: who may use it. A token is shown once; only its hash is kept.

What a token's holder may do is not divided: it may do all that the API can.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from dispatcher.api.models import ApiToken
from dispatcher.errors import Refusal

PREFIX = "dsp_"  # so that scanners for leaked secrets can tell what they found
LONGEST_NAME = 80
NOTE_USE_EVERY = timedelta(minutes=1)


class BadTokenName(Refusal):
    """Not a name that a token can have."""


class NoSuchToken(Refusal):
    """No token has that name."""


def issue(name: str) -> str:
    """Make a token and return it: the only time that it can be seen. Raises BadTokenName.

    A name says for ever who handed in and released, so not even a revoked token's is given again.
    """
    name = " ".join(name.split())
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise BadTokenName(f"A token's name is 1 to {LONGEST_NAME} printable characters.")
    token = PREFIX + secrets.token_urlsafe(32)
    try:
        with transaction.atomic():
            ApiToken.objects.create(name=name, token_hash=_hash(token))
    except IntegrityError:
        raise BadTokenName(
            f"There is, or was, a token named {name!r}; choose another name."
        ) from None
    return token


def revoke(name: str) -> None:
    """Take a token back: from now on it opens nothing. Repeats change nothing. Raises NoSuchToken."""
    named = ApiToken.objects.filter(name=" ".join(name.split()))
    if not named.filter(revoked_at=None).update(revoked_at=timezone.now()) and not named.exists():
        raise NoSuchToken(f"There is no token named {name[:80]!r}; see `dispatcher token list`.")


def holder(token: str) -> ApiToken | None:
    """The token's row if it is good, and note that it was used, at most once a minute.

    The lookup is by hash: how long it takes says nothing about any stored token.
    """
    found = ApiToken.objects.filter(token_hash=_hash(token), revoked_at=None).first()
    if found is not None:
        _note_use(found)
    return found


def _note_use(token: ApiToken) -> None:
    now = timezone.now()
    if token.last_used_at is None or token.last_used_at < now - NOTE_USE_EVERY:
        unnoted = Q(last_used_at=None) | Q(last_used_at__lt=now - NOTE_USE_EVERY)
        ApiToken.objects.filter(unnoted, pk=token.pk).update(last_used_at=now)


def _hash(token: str) -> str:
    # A plain hash is enough for 256 random bits: there is nothing to guess (unlike a password).
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
