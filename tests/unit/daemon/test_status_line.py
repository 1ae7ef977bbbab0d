import threading
from dataclasses import replace

import pytest

from fuel_upgrade.daemon import status_line
from fuel_upgrade.daemon.job_progress import CurrentStep, JobProgress
from fuel_upgrade.daemon.jobs import JobStatus
from fuel_upgrade.daemon.status_line import StatusLine, say_status

JOB = JobStatus(
    "7f3a0001",
    "install",
    started_s=0.0,
    progress=JobProgress("unpacking", step=CurrentStep(1, 12, "unpack"), percent=41.7),
    ticks_s=0.0,
    stopping=False,
    waiting=(),
)


def test_the_line_of_an_install_has_step_and_percentage() -> None:
    assert say_status(JOB) == "Install 7f3a0001: step 1 of 12, unpacking, 42 %"


def test_the_line_of_a_job_without_a_step_has_its_activity() -> None:
    job = replace(JOB, progress=JobProgress())
    assert say_status(job) == "Install 7f3a0001: checking, 0 %"


def test_systemd_gets_changed_lines_only(monkeypatch: pytest.MonkeyPatch) -> None:
    # No caller has a use for another interval, but a second is a tenth of what all tests may take.
    monkeypatch.setattr(status_line, "_EVERY_S", 0.01)
    heard: list[str] = []
    notified = threading.Event()

    def notify(line: str) -> None:
        heard.append(line)
        notified.set()

    with StatusLine(lambda: JOB, notify):
        assert notified.wait(60)
    assert heard == ["STATUS=Install 7f3a0001: step 1 of 12, unpacking, 42 %"]
