"""What the journal has of an install, of its steps and of hooks: values, and their JSON."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Any

from fuel_upgrade.errors import from_json
from fuel_upgrade.system.times import iso_time

Json = Mapping[str, Any]
"""A value as JSON has it: parameters or facts of a step."""


class ChangeKind(StrEnum):
    """The kind of a change. LOST stands for all changes in a journal that was damaged."""

    INSTALL = "install"
    GC = "gc"
    SQUASH = "squash"
    LOST = "lost journal"


class InstallState(Enum):
    """What became of an install.

    ROLLING_BACK and ROLLED_BACK did not succeed; UNDOING and UNDONE did, and are taken back.
    INCONSISTENT is neither before nor after, and waits for an operator; ACCEPTED was, until an
    operator took the master as it was.
    """

    RUNNING = "running"
    ROLLING_BACK = "rolling back"
    INSTALLED = "installed"
    ROLLED_BACK = "rolled back"
    UNDOING = "undoing"
    UNDONE = "undone"
    INCONSISTENT = "inconsistent"
    ACCEPTED = "accepted"


class StepState(Enum):
    """What became of a step: PLANNED was not begun, INTENDED may have been done in part."""

    PLANNED = "planned"
    INTENDED = "intended"
    DONE = "done"
    REVERTED = "reverted"
    STUCK = "stuck"


@dataclass(frozen=True, slots=True)
class ChangeRecord:
    """One change of the master in the journal: an install, a gc or a squash.

    ``subject`` is the path of an install's tarball, and the request in words of a gc or squash,
    which have no ``seal``. Times are Unix seconds. ``error`` has the form of
    :meth:`UpgradeError.to_json`. ``attempts`` counts recoveries, ``released`` is set when the
    backups are deleted, and ``note`` tells an operator the cause and the remedy.
    """

    id: str
    subject: str
    seal: str
    fuel_from: str
    fuel_to: str
    state: InstallState
    started_s: float
    ended_s: float | None = None
    error: Mapping[str, Any] | None = None
    kind: ChangeKind = ChangeKind.INSTALL
    attempts: int = 0
    released: bool = False
    note: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the form that the API gives."""
        return {
            "id": self.id,
            "kind": self.kind.value,
            "tarball": self.subject,
            "fuel_from": self.fuel_from,
            "fuel_to": self.fuel_to,
            "state": self.state.value,
            "started_s": self.started_s,
            "started_at": iso_time(self.started_s),
            "ended_s": self.ended_s,
            "ended_at": iso_time(self.ended_s),
            "error": from_json(self.error).to_json() if self.error else None,
            "attempts": self.attempts,
            "released": self.released,
            "note": self.note,
        }


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One step as the journal has it; ``facts`` is what inspecting and applying found out."""

    number: int
    kind: str
    title: str
    params: Json
    facts: Json
    state: StepState
    error: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the form that the API gives."""
        return {
            "number": self.number,
            "kind": self.kind,
            "title": self.title,
            "state": self.state.value,
            "error": self.error,
        }


@dataclass(frozen=True, slots=True)
class HookRunRecord:
    """One run of a hook, or of its undo twin; without an end where a crash cut it off.

    Times are Unix seconds; ``output`` is its last 4 KiB.
    """

    point: str
    name: str
    started_s: float
    ended_s: float | None = None
    exit_code: int | None = None
    output: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the form that the API gives."""
        return {
            "point": self.point,
            "name": self.name,
            "started_s": self.started_s,
            "started_at": iso_time(self.started_s),
            "ended_s": self.ended_s,
            "ended_at": iso_time(self.ended_s),
            "exit_code": self.exit_code,
            "output": self.output,
        }
