"""What is drilled, and what came of it: cells, verdicts and the table. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from fuel_upgrade.upgrade.records import InstallState


class Fault(Enum):
    """A way to fail. Those of Nailgun are in force while a step runs, or is being undone."""

    ERROR = "error"
    KILL = "kill"
    HANG = "hang"
    FULL = "full"
    READ_ONLY = "read-only"
    BUSY = "nailgun-busy"
    DOWN = "nailgun-down"
    SILENT = "nailgun-silent"
    LOST = "nailgun-lost"
    TWICE = "nailgun-twice"

    @property
    def is_of_nailgun(self) -> bool:
        """Tell whether the control plane fails, and not this host."""
        return self.value.startswith("nailgun-")


class Direction(Enum):
    """Whether the fault meets a step that is done, or one that is undone."""

    FORWARD = "forward"
    UNDOING = "undoing"


class Verdict(Enum):
    """Where a cell ended; INCONSISTENT also says that a repair then gave what was before."""

    BEFORE = "before"
    AFTER = "after"
    INCONSISTENT = "inconsistent"
    WRONG = "WRONG"


@dataclass(frozen=True, slots=True)
class Cell:
    """One drill. ``where`` is ``before`` or ``after`` the change; ``during`` is both."""

    fault: Fault
    step: int
    direction: Direction
    where: str

    def __str__(self) -> str:
        return f"{self.fault.value}, step {self.step}, {self.direction.value}, {self.where}"

    def points(self, last: int) -> str:
        """Return the fail points to set, where ``last`` is the number of steps."""
        prefix = "" if self.direction is Direction.FORWARD else "undo-"
        # what is undone has failed before: at the very end, so that every step is undone
        first = "" if self.direction is Direction.FORWARD else f"{last}:after=fail,"
        if self.fault.is_of_nailgun:
            return f"{first}{self.step}:{prefix}before=arm,{self.step}:{prefix}after=disarm"
        return f"{first}{self.step}:{prefix}{self.where}={self.fault.value}"


@dataclass(frozen=True, slots=True)
class State:
    """A scratch master, part by part: paths of its tree and rows of its registry.

    ``exact`` says of each part all that undo must put back. ``essence`` leaves out what two
    equal installs do not share: times, and the ids that the registry gives.
    """

    exact: Mapping[str, str]
    essence: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Observed:
    """What a drill left behind, in the order in which it happened.

    ``ended`` tells how the process of the install did; ``problem`` what no fault excuses;
    ``settled`` is the install's state after recovery, ``state`` the master's then. Where that is
    inconsistent, ``repaired`` and ``last`` are the same after the repair.
    """

    ended: str
    problem: str | None
    settled: InstallState
    state: State
    repaired: InstallState | None = None
    last: State | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """A cell with its verdict; ``reasons`` says why it is wrong, and what differs."""

    cell: Cell
    verdict: Verdict
    ended: str
    reasons: tuple[str, ...] = ()
    seconds: float = field(default=0.0, compare=False)

    def to_json(self) -> dict[str, Any]:
        """Return the form that ``--json`` prints."""
        return {
            "fault": self.cell.fault.value,
            "step": self.cell.step,
            "direction": self.cell.direction.value,
            "where": self.cell.where,
            "verdict": self.verdict.value.lower(),
            "ended": self.ended,
            "reasons": list(self.reasons),
            "seconds": round(self.seconds, 3),
        }


def cells(
    steps: int, *, faults: Collection[Fault] = (), only_steps: Collection[int] = ()
) -> tuple[Cell, ...]:
    """Return every cell for so many steps; ``faults`` and ``only_steps`` choose, if given."""
    return tuple(
        Cell(fault, step, direction, where)
        for step in range(1, steps + 1)
        if not only_steps or step in only_steps
        for fault in Fault
        if not faults or fault in faults
        for direction in Direction
        for where in (("during",) if fault.is_of_nailgun else ("before", "after"))
    )


def judge(seen: Observed, before: State, after: State) -> tuple[Verdict, tuple[str, ...]]:
    """Say where a drill ended; what is neither *before* nor *after* is told by its differences."""
    if seen.problem is not None:
        return Verdict.WRONG, (seen.problem,)
    if seen.settled is InstallState.INSTALLED:
        return _unless(differences(after.essence, seen.state.essence), Verdict.AFTER)
    if seen.settled is InstallState.ROLLED_BACK:
        return _unless(differences(before.exact, seen.state.exact), Verdict.BEFORE)
    if seen.settled is not InstallState.INCONSISTENT:
        return Verdict.WRONG, (f"the install is {seen.settled.value} after recovery",)
    if seen.repaired is not InstallState.ROLLED_BACK or seen.last is None:
        found = seen.repaired.value if seen.repaired else "not tried"
        return Verdict.WRONG, (f"expected the repair to roll back, found it {found}",)
    return _unless(differences(before.exact, seen.last.exact), Verdict.INCONSISTENT)


def _unless(reasons: tuple[str, ...], verdict: Verdict) -> tuple[Verdict, tuple[str, ...]]:
    return (Verdict.WRONG, reasons) if reasons else (verdict, ())


def differences(expected: Mapping[str, str], found: Mapping[str, str]) -> tuple[str, ...]:
    """Name what is gone, what is more, and what changed."""
    gone = [f"{name}: gone" for name in sorted(expected.keys() - found.keys())]
    more = [f"{name}: was not there" for name in sorted(found.keys() - expected.keys())]
    both = sorted(expected.keys() & found.keys())
    return (*gone, *more, *(f"{name}: changed" for name in both if expected[name] != found[name]))


def rows(
    outcomes: Iterable[Outcome], titles: Sequence[str], direction: Direction
) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return a table's columns and its rows: a step each, with one word a fault.

    Two words stand where *before* and *after* the change came to different ends.
    """
    found: dict[tuple[int, Fault], list[str]] = {}
    for outcome in outcomes:
        if outcome.cell.direction is direction:
            words = found.setdefault((outcome.cell.step, outcome.cell.fault), [])
            words.append(outcome.verdict.value)
    faults = [fault for fault in Fault if any(f is fault for _, f in found)]
    lines = [
        (
            str(number),
            title,
            *("/".join(dict.fromkeys(found.get((number, fault), ["-"]))) for fault in faults),
        )
        for number, title in enumerate(titles, 1)
        if any(step == number for step, _ in found)
    ]
    return ("step", "title", *(fault.value for fault in faults)), lines
