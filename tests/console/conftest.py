"""Someone signed in at the desk."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests import makers


@pytest.fixture
def ada(db: None) -> User:
    return makers.make_staff("ada")


@pytest.fixture
def desk(ada: User) -> Client:
    """A browser without JavaScript in which ada has signed in."""
    client = Client()
    client.force_login(ada)
    return client
