"""A plan as a value: the steps of an install on one master."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fuel_upgrade.release.model import OrchestratorData
from fuel_upgrade.system.disk_space import FileSystem
from fuel_upgrade.upgrade.events import InstallStarted
from fuel_upgrade.upgrade.plan.master import Master
from fuel_upgrade.upgrade.records import Json, StepRecord, StepState
from fuel_upgrade.upgrade.steps.step import Step


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """Options of a request that shape its plan.

    ``verify_base`` hashes every package that a diff inherits, ``full_view`` builds full views.
    """

    verify_base: bool = False
    full_view: bool = False

    def __or__(self, other: "PlanOptions") -> "PlanOptions":
        """Return the options that either of the two sets."""
        return PlanOptions(
            verify_base=self.verify_base or other.verify_base,
            full_view=self.full_view or other.full_view,
        )


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One step, with the titles of it and of its undo.

    ``size_bytes`` is about how much it writes, 0 if negligible.
    """

    step: Step[Any]
    title: str
    undo: str
    size_bytes: int = 0

    @property
    def kind(self) -> str:
        """The kind of the step in the journal."""
        return self.step.kind

    @property
    def params(self) -> Json:
        """The parameters of the step in the journal."""
        return self.step.to_json()


@dataclass(frozen=True, slots=True)
class Plan:
    """An install, planned for one master.

    ``orchestrators`` maps (version, operating system) to the repos and sources to register,
    ``views`` to the location of the full view; ``staged_bytes`` maps each folder to the number of
    bytes written below it.
    """

    install: str
    options: PlanOptions
    master_ip: str
    fuel_from: str
    fuel_to: str
    steps: tuple[PlannedStep, ...]
    orchestrators: Mapping[tuple[str, str], OrchestratorData]
    staged_bytes: Mapping[Path, int]
    views: Mapping[tuple[str, str], str]

    def bytes_by_file_system(self, master: Master) -> dict[FileSystem, int]:
        """Return how many bytes are written to each file system."""
        needed: dict[FileSystem, int] = {}
        for folder, size in self.staged_bytes.items():
            device = master.file_systems[folder].device
            disk = next(d for d in master.file_systems.values() if d.device == device)
            needed[disk] = needed.get(disk, 0) + size
        return needed


def begin(install: str, steps: Sequence[PlannedStep]) -> InstallStarted:
    """Return the event that precedes the first step."""
    return InstallStarted(install, len(steps), tuple(step.size_bytes for step in steps))


def as_records(steps: Iterable[PlannedStep]) -> tuple[StepRecord, ...]:
    """Return the steps as journal records, none of them begun."""
    return tuple(
        StepRecord(number, step.kind, step.title, step.params, {}, StepState.PLANNED)
        for number, step in enumerate(steps, 1)
    )
