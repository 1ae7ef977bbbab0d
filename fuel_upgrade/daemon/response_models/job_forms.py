"""The shapes of jobs, of the daemon's status, and of a reload."""

from dataclasses import asdict
from typing import Self

from pydantic import Field

from fuel_upgrade.daemon.jobs import JobKind, JobStatus
from fuel_upgrade.daemon.response_models.form import Form, IsoTime
from fuel_upgrade.daemon.response_models.install_forms import InstallForm


class JobForm(Form):
    """A job that was started."""

    job: str = Field(description="The id of the job.")


class ReloadForm(Form):
    """The effect of reading ``config.yaml`` again."""

    changed: list[str] = Field(description="The names of the settings that have a new value.")
    need_restart: list[str] = Field(
        description="The names of the settings that get their new value after a restart."
    )


class CurrentStepForm(Form):
    """The step that is being done or undone."""

    number: int = Field(description="Its position, from 1.")
    of: int | None = Field(description="The number of steps; null during an undo.")
    title: str = Field(description="Its name for people.")


class CurrentTarballForm(Form):
    """The tarball that is being installed, of several."""

    number: int = Field(description="Its position, from 1.")
    of: int = Field(description="The number of tarballs.")
    tarball: str = Field(description="Its file name.")


class JobStatusForm(Form):
    """The running job."""

    id: str = Field(description="The id of the job.")
    kind: JobKind = Field(description="The request that started it.")
    started_at: IsoTime = Field(description="The start.")
    doing: str = Field(
        description="The current work, in words: the title of the step, or a part of it such as "
        "``unpacking``."
    )
    install: str | None = Field(
        description="The id of the install that it works on; null until the checks have passed."
    )
    step: CurrentStepForm | None = Field(description="The current step.")
    tarball: CurrentTarballForm | None = Field(description="The current tarball, of several.")
    bytes_done: int | None = Field(
        description="Of the current part; null where that is not measured in bytes."
    )
    bytes_total: int | None = Field(description="The size of the current part.")
    percent: float = Field(
        description="Of all installs of the job, by the bytes that each step writes. It never "
        "falls, except that it starts again at 0 when an undo begins; 100 means that the job has "
        "ended."
    )
    bytes_per_s: int | None = Field(description="The speed of the last ten seconds.")
    remaining_s: int | None = Field(description="The estimated rest, at that speed.")
    going_back: bool = Field(description="Whether it undoes an install.")
    stopping: bool = Field(
        description="Whether it was cancelled, and stops at its next safe point."
    )
    waiting: list[str] = Field(description="The ids of the jobs that wait for it.")

    @classmethod
    def of_job(cls, status: JobStatus) -> Self:
        """Build the form of the state of a job."""
        progress, is_in_bytes = status.progress, bool(status.progress.samples)
        keys = {
            "id": status.id,
            "kind": status.kind,
            "started_at": status.started_s,
            "doing": progress.doing,
            "install": progress.install,
            "step": progress.step,
            "tarball": progress.tarball,
            "bytes_done": progress.done if is_in_bytes else None,
            "bytes_total": progress.total if is_in_bytes else None,
            "going_back": progress.going_back,
            "stopping": status.stopping,
            "waiting": status.waiting,
        }
        return cls.model_validate(keys | asdict(progress.completion(status.ticks_s)))


class StatusForm(Form):
    """The daemon and its master."""

    version: str = Field(description="The version of the daemon.")
    fuel_version: str = Field(description="The Fuel version that the master runs.")
    control_plane: str = Field(description="The Nailgun in use, in words.")
    running: str | None = Field(description="The id of the running job.")
    job: JobStatusForm | None = Field(description="The running job.")
    locked_by: str | None = Field(
        description="Another process that installs or undoes something, in words."
    )
    last_install: InstallForm | None = Field(description="The newest entry of the journal.")
    undoable: str | None = Field(description="The id of the install that can be undone.")
    backups_bytes: int = Field(description="The disk space of the backups of that install.")
    discarding: list[str] = Field(
        description="The trees that an undo or a newer backup replaced, and whose files the daemon "
        "deletes in the background."
    )
    unsettled: list[InstallForm] = Field(
        description="The installs that are unfinished or ``inconsistent``, except one that a job "
        "or another process works on."
    )
