"""Locks of processes, which a crash releases, with the name of their holder for messages."""

import fcntl
import json
import os
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

from fuel_upgrade.system.age import say_age
from fuel_upgrade.system.files import open_private
from fuel_upgrade.system.times import say_time

_TIME = "%Y-%m-%dT%H:%M:%S%z"
# The kernel counts the start of a process from the boot, which moves when the clock is set.
_SAME_START_S = 5.0


def _since(text: str) -> str:
    """Format a time from a lock file, with its age."""
    began_s = datetime.strptime(text, _TIME).timestamp()
    return f"since {say_time(began_s)}, {say_age(time.time() - began_s)} ago"


def _start_of(pid: int) -> tuple[float, str]:
    """Return the start of a process in Unix time, and its name.

    Raises:
        ProcessLookupError: there is no such process, or it cannot be read.
    """
    try:
        process = psutil.Process(pid)
        return process.create_time(), process.name()
    except psutil.Error as error:
        raise ProcessLookupError(pid) from error


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that holds a lock, and its description for messages."""

    pid: int
    described: str


class Lock:
    """A lock of one process, which a crash releases; its file names the holder."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def acquire(self) -> bool:
        """Take the lock; return False if another process or another Lock holds it."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = open_private(self._path)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        owner = {
            "pid": os.getpid(),
            "started_s": _start_of(os.getpid())[0],
            "since": time.strftime(_TIME),
        }
        self._descriptor = descriptor
        with suppress(OSError):  # on a full disk the lock holds, without the name of its holder
            os.ftruncate(descriptor, 0)
            os.write(descriptor, json.dumps(owner).encode())
        return True

    def release(self) -> None:
        """Release the lock, if it is held."""
        if self._descriptor is not None:
            with suppress(OSError):
                os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None

    def holder(self) -> "Holder | None":
        """Return the running process that holds the lock, without an attempt to take it.

        An attempt would hold the lock for a moment, and another process could be refused.
        """
        try:
            data: dict[str, Any] = json.loads(self._path.read_text())
            pid, started_s = int(data["pid"]), float(data["started_s"])
            is_same = abs(_start_of(pid)[0] - started_s) <= _SAME_START_S
        except (OSError, ValueError, KeyError, TypeError, OverflowError):
            return None
        return Holder(pid, self.owner()) if is_same else None

    def owner(self) -> str:
        """Describe the holder of the lock for a message.

        A process that started after the holder only reuses the id of the holder.
        """
        try:
            data: dict[str, Any] = json.loads(self._path.read_text())
            pid, started_s = int(data["pid"]), float(data["started_s"])
            since = _since(data["since"])
            current_s, name = _start_of(pid)
        except (OSError, ValueError, KeyError, TypeError, OverflowError):
            return "another process"
        if abs(current_s - started_s) > _SAME_START_S:
            return (
                f"a process that had the id {pid} and is gone, {since}; {pid} is {name} now,"
                f" started {say_time(current_s)}"
            )
        return f"process {pid} ({name}), started {say_time(started_s)}, {since}"


class LockedPidFile:
    """A pid file that is valid only while its writer holds the lock on it.

    A context manager for ``DaemonContext(pidfile=...)`` of python-daemon.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: int | None = None

    def __enter__(self) -> Self:
        """Lock the file and write the id of this process.

        Raises:
            BlockingIOError: a running process holds the lock.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = open_private(self.path)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)  # the file stays: it is the holder's
            raise
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        self._file = descriptor
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Remove the file and release the lock."""
        if self._file is not None:
            self.path.unlink(missing_ok=True)
            os.close(self._file)
            self._file = None
