"""Corrections, withdrawals, other topics: what moves in feeds, and what keeps its bytes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import feedparser
import pytest
from django.test import Client

from dispatcher.briefs import amending, intake
from dispatcher.briefs.document import Section
from dispatcher.briefs.models import Brief, Topic
from dispatcher.feeds import publishing
from tests.feeds.releasing import MARCH, release
from tests.makers import make_topic

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
