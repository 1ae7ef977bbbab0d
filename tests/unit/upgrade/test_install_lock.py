"""An install waits for another one's lock, tells whose it is, and gives up in the end."""

import threading
from pathlib import Path

import pytest

from fuel_upgrade.errors import PreflightError
from fuel_upgrade.system.files import Lock
from fuel_upgrade.upgrade.events import Event, Waiting
from fuel_upgrade.upgrade.install_lock import install_lock


def test_a_free_lock_is_taken_without_a_word(tmp_path: Path) -> None:
    told: list[Event] = []
    with install_lock(tmp_path / "lock", wait_s=5, watch=told.append):
        assert not Lock(tmp_path / "lock").acquire()
    assert Lock(tmp_path / "lock").acquire()
    assert told == []


def test_who_does_not_wait_is_refused_at_once_with_the_owner(tmp_path: Path) -> None:
    told: list[Event] = []
    held = Lock(tmp_path / "lock")
    assert held.acquire()
    with (
        pytest.raises(PreflightError, match=r"process \d+ \(.*\), started .*, since .* ago$"),
        install_lock(tmp_path / "lock", watch=told.append),
    ):
        pass
    held.release()
    assert told == []


def test_a_lock_is_waited_for_and_its_owner_told(tmp_path: Path) -> None:
    told = threading.Event()
    events: list[Event] = []
    held = Lock(tmp_path / "lock")
    assert held.acquire()

    def release_when_told() -> None:
        told.wait(120)
        held.release()

    def watch(event: Event) -> None:
        events.append(event)
        told.set()

    other = threading.Thread(target=release_when_told)
    other.start()
    with install_lock(tmp_path / "lock", wait_s=30, watch=watch):
        assert not Lock(tmp_path / "lock").acquire()
    other.join()
    assert isinstance(events[0], Waiting)
    assert events[0].waited_s == 0
    assert events[0].on.startswith("process ")


def test_the_wait_ends(tmp_path: Path) -> None:
    held = Lock(tmp_path / "lock")
    assert held.acquire()
    with (
        pytest.raises(PreflightError, match=r"after 0\.05 s of waiting"),
        install_lock(tmp_path / "lock", wait_s=0.05, watch=lambda _event: None),
    ):
        pass
    held.release()


def test_one_that_waits_can_be_stopped(tmp_path: Path) -> None:
    def stop(_event: Event) -> None:
        raise InterruptedError

    held = Lock(tmp_path / "lock")
    assert held.acquire()
    with pytest.raises(InterruptedError), install_lock(tmp_path / "lock", wait_s=30, watch=stop):
        pass
    held.release()
    assert Lock(tmp_path / "lock").acquire()
