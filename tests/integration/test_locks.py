"""Locks across processes: one holder, and a crash releases."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fuel_upgrade.system.locks import Lock, LockedPidFile

HOLD_LOCK = "lock = Lock(path); lock.acquire()"
HOLD_PID_FILE = "held = LockedPidFile(path).__enter__()"


@contextmanager
def holder(path: Path, statement: str) -> Iterator[subprocess.Popen[str]]:
    """Run another process that holds ``path`` until it is killed."""
    program = (
        "import sys, pathlib\n"
        "from fuel_upgrade.system.locks import Lock, LockedPidFile\n"
        "path = pathlib.Path(sys.argv[1])\n"
        f"{statement}\n"
        "print('held', flush=True)\n"
        "sys.stdin.read()\n"
    )
    root = Path(__file__).parents[2]
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=root,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_lock_has_one_holder_and_a_killed_holder_frees_it(tmp_path: Path) -> None:
    lock = Lock(tmp_path / "deep" / "lock")
    with holder(tmp_path / "deep" / "lock", HOLD_LOCK) as other:
        assert not lock.acquire()
        assert lock.owner().startswith(f"process {other.pid} (")
        other.send_signal(signal.SIGKILL)
        other.wait()
        assert lock.owner() == "another process"
        assert lock.acquire()
    lock.release()


def test_an_owner_is_described_with_its_start_and_duration(tmp_path: Path) -> None:
    lock = Lock(tmp_path / "lock")
    assert lock.acquire()
    at = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d (UTC|[+-]\d\d:\d\d)"
    assert re.fullmatch(
        rf"process {os.getpid()} \(.+\), started {at}, since {at}, \d+ s ago", lock.owner()
    )
    data = json.loads((tmp_path / "lock").read_text())
    (tmp_path / "lock").write_text(json.dumps({**data, "since": "2001-01-01T00:00:00+0000"}))
    assert re.search(r", \d+ d \d+ h ago$", lock.owner())
    lock.release()


def test_a_reused_process_id_is_described_as_reused(tmp_path: Path) -> None:
    lock = Lock(tmp_path / "lock")
    assert lock.acquire()
    data = json.loads((tmp_path / "lock").read_text())
    older = {**data, "started_s": data["started_s"] - 3600}
    (tmp_path / "lock").write_text(json.dumps(older))
    actual = lock.owner()
    assert actual.startswith(f"a process that had the id {os.getpid()} and is gone, since ")
    assert f"; {os.getpid()} is " in actual
    lock.release()


def test_two_locks_of_one_process_exclude_each_other(tmp_path: Path) -> None:
    one, other = (Lock(tmp_path / "lock") for _ in range(2))
    assert one.acquire()
    assert not one.acquire()
    assert not other.acquire()
    assert f"process {os.getpid()} (" in other.owner()
    one.release()
    assert other.acquire()
    other.release()


def test_releasing_a_lock_that_is_not_held_changes_nothing(tmp_path: Path) -> None:
    one, other = (Lock(tmp_path / "lock") for _ in range(2))
    one.release()
    assert one.acquire()
    other.release()
    assert not other.acquire()
    one.release()
    one.release()
    assert other.owner() == "another process"


@pytest.mark.parametrize(
    "content", ["", "{}", "[1]", '{"pid": 1}', '{"pid": "x"}', '{"pid": 999999999}']
)
def test_an_owner_that_cannot_be_named_is_another_process(tmp_path: Path, content: str) -> None:
    (tmp_path / "lock").write_text(content)
    assert Lock(tmp_path / "lock").owner() == "another process"


def test_a_pid_file_names_its_writer_and_is_gone_after(tmp_path: Path) -> None:
    path = tmp_path / "run" / "pid"
    with LockedPidFile(path):
        assert path.read_text() == f"{os.getpid()}\n"
    assert not path.exists()


def test_a_pid_file_of_a_living_process_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "pid"
    mine = LockedPidFile(path)
    with holder(path, HOLD_PID_FILE) as other:
        with pytest.raises(BlockingIOError):
            mine.__enter__()
        mine.__exit__(None, None, None)
        assert path.read_text() == f"{other.pid}\n"
    with LockedPidFile(path):
        assert path.read_text() == f"{os.getpid()}\n", "a stale file is taken over"


def test_a_stale_pid_file_is_written_anew_whatever_it_says(tmp_path: Path) -> None:
    path = tmp_path / "pid"
    path.write_text("1234567890123\nnonsense\n")
    with LockedPidFile(path):
        assert path.read_text() == f"{os.getpid()}\n"


def test_a_failed_attempt_keeps_no_file_open(tmp_path: Path) -> None:
    path = tmp_path / "pid"
    with LockedPidFile(path):
        before = len(list(Path("/proc/self/fd").iterdir()))
        for _ in range(3):
            with pytest.raises(BlockingIOError):
                LockedPidFile(path).__enter__()
        assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_full_disk_does_not_keep_a_lock_from_being_taken_and_given_back(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.symlink_to("/dev/full")  # whatever is written there finds no room
    one, other = Lock(path), Lock(path)
    assert one.acquire()
    assert not other.acquire()
    one.release()
    assert other.acquire()
    other.release()
