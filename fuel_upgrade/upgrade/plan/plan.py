"""A plan as a value: what an install would do on one master, step by step."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fuel_upgrade.release.model import OrchestratorData
from fuel_upgrade.system.disk_space import Room
from fuel_upgrade.upgrade.events import Begin
from fuel_upgrade.upgrade.plan.master import Master
from fuel_upgrade.upgrade.records import Json, StepRecord, StepState
from fuel_upgrade.upgrade.steps.step import Step


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One step, with titles of it and of its undo.

    ``size_bytes`` is about how much it writes; 0 if that is negligible.
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

    ``orchestrators`` maps (version, operating system) to what will be registered, ``views`` to
    the location of the full view; ``staged_bytes`` maps each folder that is written below to how
    much goes there.
    """

    install: str
    master_ip: str
    fuel_from: str
    fuel_to: str
    steps: tuple[PlannedStep, ...]
    orchestrators: Mapping[tuple[str, str], OrchestratorData]
    staged_bytes: Mapping[Path, int]
    views: Mapping[tuple[str, str], str]

    def bytes_per_room(self, master: Master) -> dict[Room, int]:
        """Return how many bytes each file system must take."""
        needed: dict[Room, int] = {}
        for folder, size in self.staged_bytes.items():
            room = next(r for r in master.rooms.values() if r.device == master.rooms[folder].device)
            needed[room] = needed.get(room, 0) + size
        return needed


def begin(install: str, steps: Sequence[PlannedStep]) -> Begin:
    """Return the event with which the steps begin."""
    return Begin(install, len(steps), tuple(step.size_bytes for step in steps))


def as_records(steps: Iterable[PlannedStep]) -> tuple[StepRecord, ...]:
    """Return the steps as the journal has them before they begin."""
    return tuple(
        StepRecord(number, step.kind, step.title, step.params, {}, StepState.PLANNED)
        for number, step in enumerate(steps, 1)
    )
