"""Deletes discarded trees in the background: in the disk's idle time, while no job runs."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import structlog

from fuel_upgrade.daemon.jobs import Jobs
from fuel_upgrade.errors import UpgradeError

_log = structlog.get_logger("fuel_upgrade.sweeper")


class Sweeper:
    """A thread that deletes discarded trees when it starts and after each job.

    ``discarded`` returns the trees. ``finish`` deletes the trees without files that are left, and
    the folders above them; it takes the install lock, so a job that begins waits for it.
    """

    def __init__(
        self, jobs: Jobs, discarded: Callable[[], tuple[Path, ...]], finish: Callable[[], None]
    ) -> None:
        self._jobs = jobs
        self._discarded = discarded
        self._finish = finish
        self._wake = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="sweeper", daemon=True)

    def __enter__(self) -> None:
        """Start the thread."""
        self._jobs.at_end(self._wake.set)
        self._thread.start()

    def __exit__(self, *_exception: object) -> None:
        """Stop before the next file; the next start continues."""
        self._stopping = True
        self._wake.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping:
            self._wake.clear()
            try:
                self._sweep()
            except (OSError, UpgradeError) as error:
                _log.warning("discarded trees are kept until the next job", reason=str(error))
            self._wake.wait()

    def _sweep(self) -> None:
        folders = self._discarded()
        with _in_idle_time():
            is_empty = all(map(self._empty, folders))
        if folders and is_empty:
            self._jobs.between_jobs(self._finish)

    def _empty(self, folder: Path) -> bool:
        """Delete the content of a tree; return False if a job or the daemon's end prevents that."""
        for parent, folders, files in os.walk(folder, topdown=False):
            links = (name for name in folders if os.path.islink(f"{parent}/{name}"))  # noqa: PTH114
            for name in (*files, *links):
                if self._stopping or self._jobs.running:
                    return False
                with suppress(FileNotFoundError):
                    os.unlink(f"{parent}/{name}")  # noqa: PTH108 - for each of many files
            if parent != str(folder):
                os.rmdir(parent)  # noqa: PTH106
        return True


@contextmanager
def _in_idle_time() -> Iterator[None]:
    """Give this thread the disk's idle time only.

    Its priority for the CPU stays: on a busy host a thread of a lower one would hold the lock of
    the interpreter, or of the installs, for as long as it gets no time.
    """
    _set_disk_class(psutil.IOPRIO_CLASS_IDLE)
    try:
        yield
    finally:
        _set_disk_class(psutil.IOPRIO_CLASS_NONE)


def _set_disk_class(number: int) -> None:
    with suppress(OSError, psutil.Error):  # in some containers
        psutil.Process(threading.get_native_id()).ionice(number)
