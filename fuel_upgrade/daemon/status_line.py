"""The line of ``systemctl status``: what the daemon does now."""

import threading
from collections.abc import Callable

from fuel_upgrade.daemon.jobs import JobStatus

_EVERY_S = 1.0


def say_status(job: JobStatus | None) -> str:
    """Return a line about the job under way."""
    if job is None:
        return "Ready; nothing is under way"
    step = job.progress.step
    where = f"step {step.number}" if step else ""
    if step and step.of:
        where = f"{where} of {step.of}"
    parts = (where, job.progress.doing, f"{job.progress.percent:.0f} %")
    return f"{job.kind.capitalize()} {job.id}: {', '.join(filter(None, parts))}"


class StatusLine:
    """Tells systemd once a second what is under way, if that changed."""

    def __init__(
        self, read_job: Callable[[], JobStatus | None], notify: Callable[[str], None]
    ) -> None:
        self._read_job = read_job
        self._notify = notify
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="status", daemon=True)

    def __enter__(self) -> None:
        """Begin to tell."""
        self._thread.start()

    def __exit__(self, *_exception: object) -> None:
        """End it."""
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        told = say_status(None)
        while not self._ended.wait(_EVERY_S):
            line = say_status(self._read_job())
            if line != told:
                told = line
                self._notify(f"STATUS={line}")
