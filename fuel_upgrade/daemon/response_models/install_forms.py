"""The shapes of installs and other changes in the journal."""

from dataclasses import fields
from typing import Self

from pydantic import Field, RootModel

from fuel_upgrade.daemon.response_models.error_form import RecordedError
from fuel_upgrade.daemon.response_models.form import Form, IsoTime, OptionalIsoTime
from fuel_upgrade.upgrade.records import ChangeRecord, InstallState, RecordKind, StepState


class InstallForm(Form):
    """An install, or another change of the master."""

    id: str = Field(description="Eight hexadecimal digits.")
    kind: RecordKind = Field(
        description="``install``, ``gc``, ``squash``, or ``lost journal``, which replaces all "
        "entries of a damaged journal."
    )
    tarball: str = Field(
        validation_alias="subject",
        description="The path of the tarball; for a gc or a squash a text that names the request.",
    )
    fuel_from: str = Field(description="The Fuel version before.")
    fuel_to: str = Field(description="The Fuel version afterwards.")
    state: InstallState = Field(description="See `States`_.")
    started_s: float = Field(description="The start, in seconds since 1970.")
    started_at: IsoTime = Field(validation_alias="started_s", description="The start.")
    ended_s: float | None = Field(description="The end, in seconds since 1970.")
    ended_at: OptionalIsoTime = Field(validation_alias="ended_s", description="The end.")
    error: RecordedError = Field(description="The reason why it failed.")
    attempts: int = Field(description="The number of recoveries.")
    released: bool = Field(description="Whether its backups are deleted, so no undo is possible.")
    note: str | None = Field(description="Information for the operator.")

    @classmethod
    def of_record(cls, record: ChangeRecord, **more: object) -> Self:
        """Build the form of a record; ``more`` are the keys of a subclass."""
        keys = {field.name: getattr(record, field.name) for field in fields(record)}
        return cls.model_validate(keys | more)


class InstallsForm(RootModel[list[InstallForm]]):
    """All installs and other changes, oldest first."""


class InstallResultForm(InstallForm):
    """The result of an install job of one tarball."""

    changed: bool = Field(
        description="False if an earlier install of the same tarball is intact: then the other "
        "keys describe that install."
    )


class RecordedStepForm(Form):
    """A step of an install in the journal."""

    number: int = Field(description="Its position, from 1.")
    kind: str = Field(description="As in a plan.")
    title: str = Field(description="Its name for people.")
    state: StepState = Field(description="See `States`_.")
    error: str | None = Field(description="The reason why its undo failed.")


class HookRunForm(Form):
    """One run of a hook."""

    point: str = Field(description="The point at which it ran.")
    name: str = Field(description="The file name of the hook.")
    started_s: float = Field(description="The start, in seconds since 1970.")
    started_at: IsoTime = Field(validation_alias="started_s", description="The start.")
    ended_s: float | None = Field(
        description="The end, in seconds since 1970; null if a crash cut it off."
    )
    ended_at: OptionalIsoTime = Field(validation_alias="ended_s", description="The end.")
    exit_code: int | None = Field(description="Negative for a signal; null if a crash cut it off.")
    output: str = Field(description="The last 4 KiB of its output.")


class WholeInstallForm(InstallForm):
    """An install with its steps and hooks."""

    steps: list[RecordedStepForm] = Field(description="All steps, in their order.")
    hooks: list[HookRunForm] = Field(description="The runs of hooks, oldest first.")
    backups_bytes: int = Field(description="The disk space of its backups.")


class RecoveryResultForm(Form):
    """The result of a recovery job."""

    installs: list[InstallForm] = Field(description="The installs that were recovered.")
