"""The time limit of an exchange, on the test's own clock, and the pauses between attempts."""

from itertools import count

import pytest

from fuel_upgrade.config import NailgunSettings
from fuel_upgrade.errors import ControlPlaneError
from fuel_upgrade.nailgun.connection_failure import Kind, backoff_s
from fuel_upgrade.nailgun.deadline import Deadline
from fuel_upgrade.nailgun.transport import Transport
from tests.clock import Clock


def test_a_time_out_does_not_reach_beyond_the_deadline() -> None:
    clock = Clock()
    deadline = Deadline(10, clock)
    assert deadline.limit(3) == 3
    clock.advance(8)
    assert (deadline.limit(3), deadline.limit(None)) == (2, 2)
    clock.advance(2)
    with pytest.raises(TimeoutError):
        deadline.limit(3)
    assert deadline.left_s == 0
    deadline.begin()
    assert deadline.limit(30) == 10


def test_pauses_double_up_to_a_bound() -> None:
    assert [backoff_s(tries) for tries in (1, 2, 3, 4, 5, 6, 99)] == [0, 0.4, 0.8, 1.6, 3.2, 5, 5]


@pytest.mark.parametrize(
    ("kind", "idempotent", "other"),
    [(Kind.UNSENT, True, True), (Kind.LOST, True, False), (Kind.FINAL, False, False)],
)
def test_only_requests_that_cannot_be_carried_out_twice_are_repeated(
    kind: Kind, *, idempotent: bool, other: bool
) -> None:
    assert kind.may_repeat(is_idempotent=True) is idempotent
    assert kind.may_repeat(is_idempotent=False) is other


def refused(clock: Clock, **settings: int) -> str:
    """Send to a port at which nobody listens."""
    transport = Transport(NailgunSettings(**settings), monotonic=clock, sleep=clock.sleep)  # type: ignore[arg-type]
    with pytest.raises(ControlPlaneError) as caught:
        transport.send("POST", "http://127.0.0.1:9/x", body={})
    return caught.value.what


def test_a_refused_connection_is_tried_again_with_longer_and_longer_pauses() -> None:
    clock = Clock()
    assert "no connection (127.0.0.1:9)" in refused(clock, retries=5)
    assert clock.slept == [0, 0.4, 0.8, 1.6, 3.2]


def test_no_pause_reaches_beyond_the_deadline() -> None:
    clock = Clock()
    refused(clock, retries=50, deadline_s=2)
    assert clock.slept == [0, 0.4, 0.8]
    assert clock.now_s < 1002


def test_a_try_that_used_up_the_time_is_the_last() -> None:
    ticks = count(0, 100)
    settings = NailgunSettings(retries=5, deadline_s=50)
    transport = Transport(settings, monotonic=lambda: float(next(ticks)))
    with pytest.raises(ControlPlaneError, match=r"within 50 s \(nailgun\.deadline_s\)"):
        transport.send("GET", "http://127.0.0.1:9/x")
