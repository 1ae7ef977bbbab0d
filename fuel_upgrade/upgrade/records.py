"""The journal's records of changes, of steps and of hooks, and their JSON."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Any

from fuel_upgrade.errors import from_json
from fuel_upgrade.system.times import iso_time

Json = Mapping[str, Any]
"""A value as JSON has it: parameters or facts of a step."""


class RecordKind(StrEnum):
    """The kind of a change. LOST stands for all changes in a journal that was damaged."""

    INSTALL = "install"
    GC = "gc"
    SQUASH = "squash"
    LOST = "lost journal"


class InstallState(Enum):
    """The state of a change.

    A failed change is ROLLING_BACK, then ROLLED_BACK; the undo of a successful one is UNDOING, then
    UNDONE. INCONSISTENT is neither before nor after, and waits for an operator, who repairs it or
    accepts the master as it is (ACCEPTED).
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
    """The state of a step. PLANNED has not begun; INTENDED may be applied in part."""

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
    kind: RecordKind = RecordKind.INSTALL
    attempts: int = 0
    released: bool = False
    note: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the form in the API."""
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
    """One step in the journal. Only the class of its ``kind`` reads ``params`` and ``facts``."""

    number: int
    kind: str
    title: str
    params: Json
    facts: Json
    state: StepState
    error: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the form in the API."""
        return {
            "number": self.number,
            "kind": self.kind,
            "title": self.title,
            "state": self.state.value,
            "error": self.error,
        }


@dataclass(frozen=True, slots=True)
class HookRunRecord:
    """One run of a hook or of its undo twin. A run that a crash interrupted has no end.

    Times are Unix seconds; ``output`` has the last 4 KiB.
    """

    point: str
    name: str
    started_s: float
    ended_s: float | None = None
    exit_code: int | None = None
    output: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the form in the API."""
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
