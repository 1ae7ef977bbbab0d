"""How long a change without a response may be carried out, on the test's own clock."""

import pytest

from fuel_upgrade.nailgun.late_changes import LateChanges
from tests.clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def changes(clock: Clock) -> LateChanges:
    return LateChanges(12, clock, clock.sleep)


def test_nothing_is_awaited_where_every_change_got_its_response(
    clock: Clock, changes: LateChanges
) -> None:
    assert list(changes.polls()) == []
    assert clock.slept == []


def test_the_last_poll_is_when_the_time_is_over(clock: Clock, changes: LateChanges) -> None:
    changes.add()
    assert list(changes.polls()) == [7, 2, 0]
    assert clock.slept == [5, 5, 2]
    assert list(changes.polls()) == []


def test_the_time_counts_from_the_beginning_of_the_latest_request(
    clock: Clock, changes: LateChanges
) -> None:
    changes.add(clock() - 2)
    changes.add(clock() - 4)
    assert sum(clock.slept) == 0
    assert list(changes.polls()) == [5, 0]
    changes.add(clock() - 12)
    assert list(changes.polls()) == []
