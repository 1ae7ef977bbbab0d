"""The entries of the journal: an install, its steps, and its runs of hooks."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

Facts = Mapping[str, Any]
INSTALL = "install"
"""The kind of a record that is an install; see :class:`InstallRecord` for the others."""
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
class InstallRecord:
    """One install as the journal has it; times are Unix seconds; ``error`` as to_json gives it.

    Retiring releases and squashing one are recorded in the same way: ``kind`` is ``gc`` or
    ``squash`` then, ``tarball`` says what was asked for, and there is no seal. A ``lost journal``
    stands for all that a damaged journal had. ``attempts`` counts recoveries, ``released`` says
    that what undo needs was given up, ``note`` tells an operator what is known and what to do.
    """

    id: str
    tarball: str
    seal: str
    fuel_from: str
    fuel_to: str
    state: InstallState
    started_s: float
    ended_s: float | None = None
    error: Mapping[str, Any] | None = None
    kind: str = INSTALL
    attempts: int = 0
    released: bool = False
    note: str | None = None


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One step as the journal has it; ``facts`` is what inspecting and applying found out."""

    number: int
    kind: str
    title: str
    params: Facts
    facts: Facts
    state: StepState
    error: str | None = None


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
