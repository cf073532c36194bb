"""Links to a reader's page hold until the reader asks for a new one; the way out never closes."""

from __future__ import annotations

import pytest

from dispatcher.audience import access
from dispatcher.audience.tokens import Purpose, seal
from dispatcher.errors import BadToken
from tests.makers import make_reader, make_topic

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader_id() -> int:
    return make_reader("ada@example.org", any_of=[make_topic("Tides")]).pk


def test_a_link_opens_the_page_of_its_reader_alone(reader_id: int) -> None:
    assert access.opened(access.manage_token(reader_id)) == reader_id
    assert access.manage_token(reader_id) != access.manage_token(reader_id + 1)


def test_a_new_link_ends_the_old_ones_of_this_reader_only(reader_id: int) -> None:
    other = make_reader("bob@example.org", any_of=[make_topic("Fog")]).pk
    old, others = access.manage_token(reader_id), access.manage_token(other)
    new = access.renew(reader_id)
    with pytest.raises(BadToken, match="replaced by a newer one"):
        access.opened(old)
    assert access.opened(new) == reader_id
    assert access.opened(others) == other
    newest = access.renew(reader_id)
    with pytest.raises(BadToken):
        access.opened(new)
    assert access.opened(newest) == reader_id


def test_a_link_of_a_version_yet_to_come_opens_nothing(reader_id: int) -> None:
    with pytest.raises(BadToken):
        access.opened(seal(Purpose.MANAGE, reader_id, 1))


def test_an_old_way_out_works_and_leads_no_further(reader_id: int) -> None:
    old = access.leave_token(reader_id, 7)
    assert access.way_out(old)[:2] == (reader_id, 7)
    assert access.leads_on(access.way_out(old))
    access.renew(reader_id)
    assert access.way_out(old)[:2] == (reader_id, 7)
    assert not access.leads_on(access.way_out(old))
    assert access.leads_on(access.way_out(access.leave_token(reader_id, 7)))


def test_purposes_are_not_mixed(reader_id: int) -> None:
    with pytest.raises(BadToken):
        access.opened(access.leave_token(reader_id, 7))
    with pytest.raises(BadToken):
        access.way_out(access.manage_token(reader_id))
