"""The journal's records of changes, of steps and of hooks."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Any

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
