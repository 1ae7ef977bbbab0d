"""Runs the steps of one change in the journal, forward and back.

Both directions read nothing but the journal, so the code that begins a change also recovers it
after a crash.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from fuel_upgrade.errors import (
    BundleError,
    ControlPlaneError,
    OutsideError,
    PreflightError,
    RollbackError,
    StepError,
    UpgradeError,
)
from fuel_upgrade.nailgun.control_plane import ControlPlane
from fuel_upgrade.outside_text import printable
from fuel_upgrade.upgrade.events import (
    Event,
    Inconsistent,
    InstallFailed,
    LateChangeAwaited,
    RollbackUnfinished,
    RolledBack,
    StepProgressed,
    StepStarted,
    StepUndoStarted,
    Undone,
    UndoUnfinished,
    Watch,
)
from fuel_upgrade.upgrade.log_context import bound_to
from fuel_upgrade.upgrade.nailgun_idle import BusyError
from fuel_upgrade.upgrade.records import ChangeRecord, InstallState, Json, StepRecord, StepState
from fuel_upgrade.upgrade.steps import read_step, type_of
from fuel_upgrade.upgrade.steps.run_hook import VetoError
from fuel_upgrade.upgrade.steps.step import Step, World
from fuel_upgrade.upgrade.transaction.failpoints import FailPoints
from fuel_upgrade.upgrade.transaction.hook_runner import HookPoints
from fuel_upgrade.upgrade.transaction.journal import Journal
from fuel_upgrade.upgrade.transaction.retention import sweep

_ENDS: Mapping[InstallState, Callable[[str], Event]] = {
    InstallState.ROLLED_BACK: RolledBack,
    InstallState.ROLLING_BACK: RollbackUnfinished,
    InstallState.UNDONE: Undone,
    InstallState.UNDOING: UndoUnfinished,
    InstallState.INCONSISTENT: Inconsistent,
}
_BEGUN = (StepState.INTENDED, StepState.DONE, StepState.STUCK)


def always() -> None:
    """Allow the change to go live."""


def open_record(journal: Journal, install: ChangeRecord, steps: Sequence[StepRecord]) -> None:
    """Record a new change.

    Raises:
        PreflightError: the journal cannot, as on a full disk; there is nothing to undo yet.
    """
    try:
        journal.begin(install, steps)
    except RollbackError as error:
        raise PreflightError(error.what, remedy=error.remedy) from error


class Transaction:
    """Runs the steps of one change and undoes them; ``watch`` receives the events."""

    def __init__(  # noqa: PLR0913 - its resources, which tests replace
        self,
        install: ChangeRecord,
        journal: Journal,
        control: ControlPlane,
        *,
        clock: Callable[[], float],
        fail_points: FailPoints,
        hooks: HookPoints,
        watch: Watch,
        discard_later: bool = False,
    ) -> None:
        self._install = install
        self._journal = journal
        self._clock = clock
        self._fail_points = fail_points
        self._hooks = hooks
        self._watch = watch
        self._discard_later = discard_later
        self._world = World(control, self._progress, hooks)
        self._error = install.error
        self._unwritten: list[Callable[[], None]] = []
        self._lost: RollbackError | None = None
        self._steps: dict[int, StepRecord] = {}  # as recorded, in case the journal is lost

    def run(self, before_live: Callable[[], None] = always) -> None:
        """Apply every step that is not done; after a failure undo all.

        ``before_live`` is called when all is staged and nothing live has changed; it refuses the
        change by an error. A step that was interrupted is undone first and begun again, so that
        no step needs code to continue from the middle.

        Raises:
            BundleError: the tarball is damaged; nothing was changed.
            PreflightError: a hook or ``before_live`` refuses; nothing was changed.
            StepError: a step failed; everything was rolled back.
            RollbackError: a step failed, and the rollback failed too.
        """
        with bound_to(self._install.id):
            self._run(before_live)

    def _run(self, before_live: Callable[[], None]) -> None:
        try:
            steps = self._read_steps()
            first_live = next((s.number for s in steps if not type_of(s).before_live), None)
            for step in steps:
                if step.state is not StepState.DONE:
                    if step.number == first_live:
                        before_live()
                    self._watch(StepStarted(step.number, step.title, len(steps)))
                    self._forward(step)
            self._journal.mark(self._install.id, InstallState.INSTALLED, ended_s=self._clock())
        except _FailedStepError as failure:
            self._put_back(failure.error, failure.step)
        except BaseException as error:  # noqa: BLE001 - an interruption is undone as well
            self._put_back(error, "the install")

    def _forward(self, record: StepRecord) -> None:
        try:
            step = read_step(record)
            if record.state in _BEGUN:
                self._undo_certainly(record, step, step.revert)
            facts = step.inspect(self._world)
            self._record(record, StepState.INTENDED, step.facts_to_json(facts))
            self._fail_points.check(record.number, "before")
            facts = step.apply(facts, self._world)
            self._fail_points.check(record.number, "after")
            self._record(record, StepState.DONE, step.facts_to_json(facts))
        except Exception as error:
            raise _FailedStepError(_name(record), error) from error

    def _record(self, step: StepRecord, state: StepState, facts: Json) -> None:
        """Record the state of a step durably, and then in memory."""
        record = self._journal.done if state is StepState.DONE else self._journal.intend
        record(self._install.id, step.number, facts)
        self._steps[step.number] = replace(step, state=state, facts=facts, error=None)

    def _read_steps(self) -> Sequence[StepRecord]:
        """Return the steps of the journal, or those in memory if it was lost amid the change."""
        try:
            steps = self._journal.steps(self._install.id)
        except RollbackError:
            if not self._steps:
                raise
            return tuple(self._steps.values())
        self._steps = {step.number: step for step in steps}
        return steps

    def _put_back(self, error: BaseException, place: str) -> None:
        """Undo a failed change and raise its error; ``place`` names the failed part."""
        state = f"rolled back to Fuel {self._install.fuel_from}"
        reported = _as_reported(error, place, state=state)
        self._error = reason = reported.to_json()
        self._watch(InstallFailed(self._install.id, reported))
        rolling_back = InstallState.ROLLING_BACK
        self._write(lambda: self._journal.mark(self._install.id, rolling_back, error=reason))
        self._tell_hooks()
        self.roll_back(rolling_back)
        if not isinstance(error, Exception):
            raise error
        raise reported from error

    def roll_back(self, state: InstallState, *, is_last_try: bool = True) -> None:
        """Undo every step in reverse order; a failure does not stop the others.

        Staging is kept while the undo of another step may need the files in it. Failed steps are
        tried once more at the end: the others may have freed the missing disk space. If the
        journal cannot be written because its disk is full, all steps are undone nevertheless: the
        intents are recorded, and the next recovery has nothing left to undo. After a failure the
        change is *inconsistent* if ``is_last_try``; otherwise the next recovery tries again.

        Raises:
            RollbackError: a step could not be undone, or the journal could not be written.
        """
        with bound_to(self._install.id):
            self._roll_back(state, is_last_try=is_last_try)

    def _roll_back(self, state: InstallState, *, is_last_try: bool) -> None:
        self._write(lambda: self._journal.mark(self._install.id, state))
        steps = [s for s in reversed(self._read_steps()) if s.state in _BEGUN]
        failures, remaining = self._undo(steps)
        if failures and len(remaining) < len(steps):
            failures, _ = self._undo(remaining)
        if self._lost is not None:
            self._sweep()  # this may free the disk space that the journal lacks
        self._end(state, failures, is_last_try=is_last_try)
        if not self._discard_later:
            self._sweep()

    def _sweep(self) -> None:
        with suppress(RollbackError):  # a lost journal, which is reported at the end
            sweep(self._journal, self._world.control, self._install.id, self._watch)

    def _undo(self, steps: Sequence[StepRecord]) -> tuple[list[str], list[StepRecord]]:
        """Undo these steps; return the failures and the remaining steps."""
        failures: list[str] = []
        remaining: list[StepRecord] = []
        for undone, step in enumerate(steps):
            if type_of(step).kept_while_stuck and any(type_of(s).needs_backups for s in remaining):
                remaining.append(step)
                continue
            self._watch(StepUndoStarted(step.number, step.title, undone, len(steps)))
            failure = self._revert(step)
            if failure is not None:
                failures.append(failure)
                remaining.append(step)
        return failures, remaining

    def _revert(self, record: StepRecord) -> str | None:
        """Undo one step, without a wait for the disk (see ``retention``); return its failure."""
        install, number = self._install.id, record.number
        try:
            self._fail_points.check(number, "undo-before")
            step = read_step(record)
            # without a journal nobody knows later which discarded trees are this change's
            self._undo_certainly(record, step, step.revert if self._lost else step.discard)
            self._fail_points.check(number, "undo-after")
        except Exception as error:  # noqa: BLE001 - the other steps are undone after any error
            reason = printable(str(error)) or type(error).__name__
            self._write(lambda: self._journal.stuck(install, number, reason))
            return f"{_name(record)}: {reason}"
        self._write(lambda: self._journal.reverted(install, number))
        return None

    def _undo_certainly(
        self, record: StepRecord, step: Step[Any], undo: Callable[[Any, World], None]
    ) -> None:
        """Undo a step, and then what Nailgun carries out late, until it can carry out nothing more.

        Earlier steps are undone after that: a late release names their repos.

        Raises:
            OutsideError: Nailgun does not answer, so that the outcome is unknown; and the errors
                of ``undo``.
        """
        facts = step.facts_from_json(record.facts)
        try:
            undo(facts, self._world)
            if step.changes_nailgun:
                self._undo_late_changes(record.number, step, facts)
        except ControlPlaneError as error:
            is_refusal = (
                error.status is not None and error.status < HTTPStatus.INTERNAL_SERVER_ERROR
            )
            is_known = record.state is StepState.DONE or not step.may_be_unanswered(facts)
            if is_refusal or is_known:
                raise
            raise OutsideError(
                f"it is not known whether Nailgun carried out the last request: {error.what}",
                remedy=error.remedy,
            ) from error

    def _undo_late_changes(self, number: int, step: Step[Any], facts: Any) -> None:
        is_first = True
        for left_s in self._world.control.await_late_changes():
            if is_first:
                self._watch(LateChangeAwaited(number, left_s))
            is_first = False
            step.revert_late(facts, self._world)

    def _end(self, state: InstallState, failures: list[str], *, is_last_try: bool) -> None:
        install = self._install.id
        undone = state is InstallState.UNDOING
        end = InstallState.UNDONE if undone else InstallState.ROLLED_BACK
        failure = self._failure(failures, is_last_try=is_last_try) if failures else None
        if failure is not None:
            end = InstallState.INCONSISTENT if is_last_try else state
            # a change with an error has failed: a repair rolls it back
            self._error = self._error or (None if undone else failure.to_json())
        reason, ended_s = self._error, self._clock()
        self._write(lambda: self._journal.mark(install, end, ended_s=ended_s, error=reason))
        self._watch(_ENDS[end](install))
        if is_last_try or failure is None:
            self._tell_hooks()
        if failure is not None:
            raise failure
        if self._lost is not None:
            raise RollbackError(
                "everything was rolled back, but the journal could not record it:"
                f" {self._lost.what}",
                remedy=f"{self._lost.remedy}, then run fuel-upgrade recover",
                state=f"rolled back to Fuel {self._install.fuel_from}",
            ) from self._lost

    def _failure(self, failures: list[str], *, is_last_try: bool) -> RollbackError:
        again = "repair" if is_last_try else "recover"
        return RollbackError(
            f"{len(failures)} step(s) could not be undone: {'; '.join(failures)}",
            remedy=f"remove the cause, then run fuel-upgrade {again}",
            state=f"NEEDS REPAIR, see fuel-upgrade show {self._install.id}",
        )

    def _write(self, record: Callable[[], None]) -> None:
        """Write a record after all that failed before; keep it for later if it fails too."""
        self._unwritten.append(record)
        self._lost = None
        try:
            while self._unwritten:
                self._unwritten[0]()
                del self._unwritten[0]
        except RollbackError as error:
            self._lost = error

    def _tell_hooks(self) -> None:
        try:
            record = next(r for r in self._journal.installs() if r.id == self._install.id)
        except RollbackError:
            return  # a lost journal, which is reported at the end
        self._hooks.notify(record)

    def _progress(self, what: str, done: int, total: int) -> None:
        self._watch(StepProgressed(what, done, total))


class _FailedStepError(Exception):
    """Carries the error of a step to the loop, with the step's number and title."""

    def __init__(self, step: str, error: Exception) -> None:
        super().__init__(step)
        self.step = step
        self.error = error


def _name(record: StepRecord) -> str:
    return f"step {record.number}, {record.title}"


def _as_reported(error: BaseException, place: str, *, state: str) -> UpgradeError:
    """Return the error to raise: a refusal keeps its family, any other is a failed step."""
    if isinstance(error, (BundleError, VetoError, BusyError)):
        return error.amended(state="nothing was changed")
    if isinstance(error, UpgradeError):
        return StepError(f"{place}: {error.what}", remedy=error.remedy, state=state)
    return StepError(
        f"{place}: {str(error) or type(error).__name__}",
        remedy="see the log and fuel-upgrade history, remove the cause, and install again",
        state=state,
    )
