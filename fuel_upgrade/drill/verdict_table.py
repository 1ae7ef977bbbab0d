"""Cells, verdicts and the table of a drill. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from fuel_upgrade.upgrade.records import InstallState


class Fault(Enum):
    """A fault. Faults of Nailgun last while a step is applied or reverted."""

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
        """Whether the control plane fails, not this host."""
        return self.value.startswith("nailgun-")


class Direction(Enum):
    """Whether the fault hits a step that is applied or one that is reverted."""

    FORWARD = "forward"
    UNDOING = "undoing"


class Verdict(Enum):
    """The end of a cell; INCONSISTENT means that a repair then restored the previous state."""

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
        # an undo needs a failure: after the last step, so that every step is reverted
        first = "" if self.direction is Direction.FORWARD else f"{last}:after=fail,"
        if self.fault.is_of_nailgun:
            return f"{first}{self.step}:{prefix}before=arm,{self.step}:{prefix}after=disarm"
        return f"{first}{self.step}:{prefix}{self.where}={self.fault.value}"


@dataclass(frozen=True, slots=True)
class State:
    """The paths of a scratch master and the rows of its registry, each with a description.

    ``exact`` describes everything that undo must restore. ``essence`` leaves out the differences
    between two equal installs: times, and the ids that the registry assigns.
    """

    exact: Mapping[str, str]
    essence: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Observed:
    """The observations of a drill, in order of time.

    ``ended`` is the end of the install process; ``problem`` is a problem that no fault excuses.
    ``settled`` and ``state`` are the states of install and master after recovery; if that is
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
    """A cell with its verdict; ``reasons`` lists the differences of a wrong one."""

    cell: Cell
    verdict: Verdict
    ended: str
    reasons: tuple[str, ...] = ()
    seconds: float = field(default=0.0, compare=False)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object of ``--json``."""
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
    """Return all cells for a number of steps; ``faults`` and ``only_steps`` select, if given."""
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
    """Return the verdict of a drill, with the differences if it is WRONG."""
    if seen.problem is not None:
        return Verdict.WRONG, (seen.problem,)
    if seen.settled is InstallState.INSTALLED:
        return _unless(differences(after.essence, seen.state.essence), Verdict.AFTER)
    if seen.settled is InstallState.ROLLED_BACK:
        return _unless(differences(before.exact, seen.state.exact), Verdict.BEFORE)
    if seen.settled is not InstallState.INCONSISTENT:
        return Verdict.WRONG, (f"the install is {seen.settled.value} after recovery",)
    if seen.repaired is not InstallState.ROLLED_BACK or seen.last is None:
        repaired = seen.repaired.value if seen.repaired else "not tried"
        return Verdict.WRONG, (f"expected the repair to roll back, but it is {repaired}",)
    return _unless(differences(before.exact, seen.last.exact), Verdict.INCONSISTENT)


def _unless(reasons: tuple[str, ...], verdict: Verdict) -> tuple[Verdict, tuple[str, ...]]:
    return (Verdict.WRONG, reasons) if reasons else (verdict, ())


def differences(expected: Mapping[str, str], actual: Mapping[str, str]) -> tuple[str, ...]:
    """List removed, added and changed entries."""
    gone = [f"{name}: gone" for name in sorted(expected.keys() - actual.keys())]
    added = [f"{name}: was not there" for name in sorted(actual.keys() - expected.keys())]
    both = sorted(expected.keys() & actual.keys())
    changed = [f"{name}: changed" for name in both if expected[name] != actual[name]]
    return (*gone, *added, *changed)


def rows(
    outcomes: Iterable[Outcome], titles: Sequence[str], direction: Direction
) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the columns of a table and its rows: one row a step, one word a fault.

    A cell has two words if the faults *before* and *after* the change have different verdicts.
    """
    verdicts: dict[tuple[int, Fault], list[str]] = {}
    for outcome in outcomes:
        if outcome.cell.direction is direction:
            words = verdicts.setdefault((outcome.cell.step, outcome.cell.fault), [])
            words.append(outcome.verdict.value)
    faults = [fault for fault in Fault if any(f is fault for _, f in verdicts)]
    lines = [
        (
            str(number),
            title,
            *("/".join(dict.fromkeys(verdicts.get((number, fault), ["-"]))) for fault in faults),
        )
        for number, title in enumerate(titles, 1)
        if any(step == number for step, _ in verdicts)
    ]
    return ("step", "title", *(fault.value for fault in faults)), lines
