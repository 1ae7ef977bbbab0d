"""Deletes discarded trees in the background: at idle priority, and only while no job runs."""

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import structlog

from fuel_upgrade.daemon.jobs import Jobs
from fuel_upgrade.errors import UpgradeError

_LOWEST_PRIORITY = 19
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
        _lower_priority()
        while not self._stopping:
            self._wake.clear()
            try:
                self._sweep()
            except (OSError, UpgradeError) as error:
                _log.warning("discarded trees are kept until the next job", reason=str(error))
            self._wake.wait()

    def _sweep(self) -> None:
        folders = self._discarded()
        if folders and all(map(self._empty, folders)):
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


def _lower_priority() -> None:
    """Give this thread the lowest priority for the CPU, and the disk's idle time only."""
    thread = threading.get_native_id()
    with suppress(OSError, psutil.Error):  # in some containers
        os.setpriority(os.PRIO_PROCESS, thread, _LOWEST_PRIORITY)
        psutil.Process(thread).ionice(psutil.IOPRIO_CLASS_IDLE)
