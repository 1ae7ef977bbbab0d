"""An install waits for the lock of another one, reports its owner, and ends the wait in time."""

import threading
from pathlib import Path

import pytest

from fuel_upgrade.errors import PreflightError
from fuel_upgrade.system.locks import Lock
from fuel_upgrade.upgrade.events import Event, Waiting
from fuel_upgrade.upgrade.install_lock import install_lock


def test_a_free_lock_is_taken_without_a_word(tmp_path: Path) -> None:
    events: list[Event] = []
    with install_lock(tmp_path / "lock", wait_s=5, watch=events.append):
        assert not Lock(tmp_path / "lock").acquire()
    assert Lock(tmp_path / "lock").acquire()
    assert events == []


def test_without_a_wait_the_lock_is_refused_with_its_owner(tmp_path: Path) -> None:
    events: list[Event] = []
    held = Lock(tmp_path / "lock")
    assert held.acquire()
    with (
        pytest.raises(PreflightError, match=r"process \d+ \(.*\), started .*, since .* ago$"),
        install_lock(tmp_path / "lock", watch=events.append),
    ):
        pass
    held.release()
    assert events == []


def test_a_wait_for_the_lock_reports_its_owner(tmp_path: Path) -> None:
    reported = threading.Event()
    events: list[Event] = []
    held = Lock(tmp_path / "lock")
    assert held.acquire()

    def release_when_reported() -> None:
        reported.wait(120)
        held.release()

    def watch(event: Event) -> None:
        events.append(event)
        reported.set()

    other = threading.Thread(target=release_when_reported)
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


def test_a_wait_can_be_stopped(tmp_path: Path) -> None:
    def stop(_event: Event) -> None:
        raise InterruptedError

    held = Lock(tmp_path / "lock")
    assert held.acquire()
    with pytest.raises(InterruptedError), install_lock(tmp_path / "lock", wait_s=30, watch=stop):
        pass
    held.release()
    assert Lock(tmp_path / "lock").acquire()
