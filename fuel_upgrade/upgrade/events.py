"""Events of a job: a closed set of types, which the event stream, the log and the command render.

Their JSON form is derived in ``event_json``: ``kind`` is the key ``event``, each field another key.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fuel_upgrade.errors import UpgradeError


@dataclass(frozen=True, slots=True)
class _Event:
    """The base of all events, with the facts that all events of a type share."""

    kind: ClassVar[str]
    is_safe_point: ClassVar[bool] = False
    """An interrupted job may stop at this event."""
    goes_back: ClassVar[bool] = False
    """From this event on the job undoes steps and can no longer be cancelled."""
    has_completion: ClassVar[bool] = False
    """The stream adds the job's :class:`Completion` to this event."""
    is_transient: ClassVar[bool] = False
    """An event of a run, of which the stream keeps the latest only."""
    is_last: ClassVar[bool] = False
    """The job ends with this event."""

    @property
    def is_logged(self) -> bool:
        """Whether the event is worth a line of the log."""
        return True

    def continues(self, _previous: "_Event") -> bool:
        """Return whether this event replaces the previous one in the stream."""
        return False


@dataclass(frozen=True, slots=True)
class _InstallEvent(_Event):
    """An event with no other field than the id of its install."""

    install: str


@dataclass(frozen=True, slots=True)
class InstallStarted(_Event):
    """The checks passed and the install is in the journal; ``sizes`` are the bytes of each step."""

    kind = "begin"
    install: str
    steps: int
    sizes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class AlreadyInstalled(_Event):
    """An earlier install made the same change, so nothing is to do."""

    kind = "installed already"
    install: str
    fuel_version: str


@dataclass(frozen=True, slots=True)
class OrderedTarball:
    """A tarball in an order; ``unpacked_bytes`` is its size after unpacking."""

    tarball: str
    fuel_version: str
    unpacked_bytes: int


@dataclass(frozen=True, slots=True)
class SkippedTarball(OrderedTarball):
    """A tarball that is not installed; ``why`` is the reason."""

    why: str


@dataclass(frozen=True, slots=True)
class OrderChosen(_Event):
    """The order in which several tarballs are installed."""

    kind = "order"
    order: tuple[OrderedTarball, ...]
    skipped: tuple[SkippedTarball, ...]


@dataclass(frozen=True, slots=True)
class TarballStarted(_Event):
    """The install of the next of several tarballs begins."""

    kind = "tarball"
    number: int
    of: int
    tarball: str
    fuel_version: str
    unpacked_bytes: int


@dataclass(frozen=True, slots=True)
class BaseReplaced(_Event):
    """A release builds on the base ``found``, not on the one that its tarball names."""

    kind = "base"
    version: str
    named: str
    found: str
    inside: bool
    inherited: int


@dataclass(frozen=True, slots=True)
class Waiting(_Event):
    """The job waits for another install or for Nailgun."""

    kind = "waiting"
    is_safe_point = True
    is_transient = True
    on: str
    waited_s: int
    wait_s: float | int

    @property
    def is_logged(self) -> bool:
        """Whether the wait begins."""
        return self.waited_s == 0

    def continues(self, previous: _Event) -> bool:
        """Return whether this is the same wait; its first event is kept."""
        is_same = isinstance(previous, Waiting) and previous.on == self.on
        return is_same and not previous.is_logged


@dataclass(frozen=True, slots=True)
class StepStarted(_Event):
    """A step begins, one of ``of``."""

    kind = "step"
    is_safe_point = True
    has_completion = True
    number: int
    title: str
    of: int


@dataclass(frozen=True, slots=True)
class StepProgressed(_Event):
    """The work named ``what`` is at ``done`` of ``total``, bytes or items."""

    kind = "progress"
    is_safe_point = True
    has_completion = True
    is_transient = True
    what: str
    done: int
    total: int

    @property
    def is_logged(self) -> bool:
        """Never: there are too many."""
        return False

    def continues(self, previous: _Event) -> bool:
        """Return whether both are about the same work."""
        return isinstance(previous, StepProgressed) and previous.what == self.what


@dataclass(frozen=True, slots=True)
class HookStarted(_Event):
    """A hook, ``POINT/NAME``, is started."""

    kind = "hook"
    install: str
    hook: str


@dataclass(frozen=True, slots=True)
class HookPrinted(_Event):
    """A hook printed a line."""

    kind = "hook output"
    hook: str
    line: str


@dataclass(frozen=True, slots=True)
class HookEnded(_Event):
    """A hook ended."""

    kind = "hook ended"
    hook: str
    exit_code: int
    timed_out: bool
    duration_s: float | int


@dataclass(frozen=True, slots=True)
class HookRefused(_Event):
    """A hook must not be run, at a point where that does not stop the install."""

    kind = "hook refused"
    what: str


@dataclass(frozen=True, slots=True)
class HookFailed(_Event):
    """A hook could not be run, at a point where that does not stop the install."""

    kind = "hook broke"
    hook: str
    what: str


@dataclass(frozen=True, slots=True)
class RecoveryStarted(_Event):
    """The recovery of an install begins: attempt ``attempt`` of at most ``of``."""

    kind = "recover"
    install: str
    attempt: int
    of: int


class Resumed(_InstallEvent):
    """The recovery continues the install where it was interrupted."""

    kind = "resume"


class ResumeFailed(_InstallEvent):
    """The continued install failed and was rolled back."""

    kind = "not resumed"


@dataclass(frozen=True, slots=True)
class Installed(_Event):
    """All steps of an install, or of another change, are done."""

    kind = "installed"
    install: str
    fuel_version: str


class BackupsReleased(_InstallEvent):
    """The backups of an earlier install were deleted."""

    kind = "backups released"


@dataclass(frozen=True, slots=True)
class BackupsKept(_Event):
    """Backups could not be deleted; ``what`` is the reason. The next change tries again."""

    kind = "backups kept"
    install: str
    what: str


@dataclass(frozen=True, slots=True)
class InstallFailed(_Event):
    """A step failed; undoing begins."""

    kind = "failed"
    goes_back = True
    install: str
    error: UpgradeError


class UndoStarted(_InstallEvent):
    """An undo that an operator requested begins."""

    kind = "undo"
    goes_back = True


class RepairStarted(_InstallEvent):
    """A repair begins."""

    kind = "repair"
    goes_back = True


class Accepted(_InstallEvent):
    """An operator accepted the master as it is."""

    kind = "accepted"


@dataclass(frozen=True, slots=True)
class StepUndoStarted(_Event):
    """A step is being undone; ``undone`` of ``to_undo`` are undone."""

    kind = "undo step"
    goes_back = True
    has_completion = True
    number: int
    title: str
    undone: int
    to_undo: int


@dataclass(frozen=True, slots=True)
class LateChangeAwaited(_Event):
    """A step is undone; for ``wait_s`` Nailgun may carry out a request that got no response."""

    kind = "late change"
    number: int
    wait_s: int


class RolledBack(_InstallEvent):
    """A failed install is rolled back."""

    kind = "rolled back"
    goes_back = True


class RollbackUnfinished(_InstallEvent):
    """A step of a failed install could not be undone; the next recovery tries again."""

    kind = "rolling back"
    goes_back = True


class Undone(_InstallEvent):
    """A successful install is undone."""

    kind = "undone"
    goes_back = True


class UndoUnfinished(_InstallEvent):
    """A step of a successful install could not be undone; the next recovery tries again."""

    kind = "undoing"
    goes_back = True


@dataclass(frozen=True, slots=True)
class Inconsistent(_Event):
    """Steps could not be undone, or the journal was lost; ``what`` describes a lost journal."""

    kind = "inconsistent"
    goes_back = True
    install: str
    what: str | None = None


@dataclass(frozen=True, slots=True)
class JobSucceeded(_Event):
    """The job ended; ``result`` is the answer of the API to its request."""

    kind = "result"
    is_last = True
    changed: bool
    result: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class JobFailed(_Event):
    """The job ended with an error."""

    kind = "error"
    is_last = True
    error: UpgradeError


@dataclass(frozen=True, slots=True)
class UnknownEvent(_Event):
    """An event of a newer daemon, which is not shown."""

    kind = ""


Event = (
    InstallStarted | AlreadyInstalled | OrderChosen | TarballStarted | BaseReplaced | Waiting
    | StepStarted | StepProgressed | HookStarted | HookPrinted | HookEnded | HookRefused
    | HookFailed | RecoveryStarted | Resumed | ResumeFailed | Installed | BackupsReleased
    | BackupsKept | InstallFailed | UndoStarted | RepairStarted | Accepted | StepUndoStarted
    | LateChangeAwaited | RolledBack | RollbackUnfinished | Undone | UndoUnfinished | Inconsistent
    | JobSucceeded | JobFailed | UnknownEvent
)  # fmt: skip
Watch = Callable[[Event], None]


def ignore(_event: Event) -> None:
    """Ignore an event: the watcher of a caller that needs none."""
