"""A plan as a value: what an install would do on one master, step by step."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fuel_upgrade.release.model import OrchestratorData
from fuel_upgrade.system.disk_space import Room
from fuel_upgrade.upgrade.events import InstallStarted
from fuel_upgrade.upgrade.plan.master import Master
from fuel_upgrade.upgrade.records import StepRecord, StepState


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One step: its kind and parameters as the journal will hold them, and a title for people.

    ``size_bytes`` is how much it writes, about, and 0 where that does not count.
    """

    kind: str
    title: str
    params: Mapping[str, Any]
    undo: str
    size_bytes: int = 0


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


def begin(install: str, steps: Sequence[PlannedStep]) -> InstallStarted:
    """Return the event with which the steps begin."""
    return InstallStarted(install, len(steps), tuple(step.size_bytes for step in steps))


def as_records(steps: Iterable[PlannedStep]) -> tuple[StepRecord, ...]:
    """Return the steps as the journal has them before they begin."""
    return tuple(
        StepRecord(number, step.kind, step.title, step.params, {}, StepState.PLANNED)
        for number, step in enumerate(steps, 1)
    )
