"""The status line of the daemon in ``systemctl status``."""

import threading
from collections.abc import Callable

from fuel_upgrade.daemon.jobs import JobStatus
from fuel_upgrade.outside_text import printable

_EVERY_S = 1.0


def say_status(job: JobStatus | None) -> str:
    """Describe the running job in a line."""
    if job is None:
        return "Ready; no job is running"
    step = job.progress.step
    where = f"step {step.number}" if step else ""
    if step and step.of:
        where = f"{where} of {step.of}"
    parts = (where, job.progress.doing, f"{job.progress.percent:.0f} %")
    return f"{job.kind.capitalize()} {job.id}: {', '.join(filter(None, parts))}"


class StatusLine:
    """Updates the status line once a second if it changed."""

    def __init__(
        self, read_job: Callable[[], JobStatus | None], notify: Callable[[str], None]
    ) -> None:
        self._read_job = read_job
        self._notify = notify
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="status", daemon=True)

    def __enter__(self) -> None:
        """Start the thread."""
        self._thread.start()

    def __exit__(self, *_exception: object) -> None:
        """Stop the thread."""
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        shown = say_status(None)
        while not self._ended.wait(_EVERY_S):
            line = say_status(self._read_job())
            if line != shown:
                shown = line
                self._notify(f"STATUS={printable(line)}")
