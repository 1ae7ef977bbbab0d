"""The steps of one install, forward and back, as the journal has them.

The journal is all that either direction reads: an install that a crash cut off is taken up by
the same code that began it.
"""

from collections.abc import Callable

from fuel_upgrade.errors import BundleError, RollbackError, StepError, UpgradeError
from fuel_upgrade.nailgun.control_plane import ControlPlane
from fuel_upgrade.upgrade.events import Watch, step_event
from fuel_upgrade.upgrade.failpoints import FailPoints
from fuel_upgrade.upgrade.journal import (
    InstallRecord,
    InstallState,
    Journal,
    StepRecord,
    StepState,
)
from fuel_upgrade.upgrade.retention import sweep
from fuel_upgrade.upgrade.steps import OWNERS_OF_BACKUPS, build_step
from fuel_upgrade.upgrade.steps.stage import Stage
from fuel_upgrade.upgrade.steps.step import World
from fuel_upgrade.upgrade.steps.unpack import Unpack

_BEGUN = (StepState.INTENDED, StepState.DONE, StepState.STUCK)


class Transaction:
    """Runs the steps of one install and undoes them; ``watch`` is told of each."""

    def __init__(  # noqa: PLR0913 - what it acts on, and what tests replace
        self,
        install: InstallRecord,
        journal: Journal,
        control: ControlPlane,
        *,
        clock: Callable[[], float],
        fail_points: FailPoints,
        watch: Watch,
    ) -> None:
        self._install = install
        self._journal = journal
        self._clock = clock
        self._fail_points = fail_points
        self._watch = watch
        self._world = World(control, self._progress)

    def run(self) -> None:
        """Do every step that is not done; what fails is undone, with all before it.

        A step that was cut off in the middle is undone first: each can cope with that, and none
        has to know how to go on from the middle.

        Raises:
            BundleError: the tarball is damaged; nothing was changed.
            StepError: a step failed; everything was put back.
            RollbackError: a step failed, and putting everything back failed too.
        """
        try:
            steps = self._journal.steps(self._install.id)
            for step in steps:
                if step.state is not StepState.DONE:
                    event = step_event("step", step.number, step.title, of=len(steps))
                    self._watch(event)
                    self._forward(step)
        except BaseException as error:  # noqa: BLE001 - an interruption is put back as well
            self._put_back(error)

    def _forward(self, step: StepRecord) -> None:
        try:
            built = build_step(step.kind, step.params, self._world)
            if step.state in _BEGUN:
                built.revert(step.facts)
            facts = built.inspect()
            self._journal.intend(self._install.id, step.number, facts)
            self._fail_points.check(step.number, "before")
            known = built.apply(facts)
            self._fail_points.check(step.number, "after")
            self._journal.done(self._install.id, step.number, known)
        except Exception as error:
            error.add_note(f"step {step.number}, {step.title}")
            raise

    def _put_back(self, error: BaseException) -> None:
        """Undo a failed install and raise the error that the caller is to see."""
        told = _told(error, f"rolled back to Fuel {self._install.fuel_from}")
        self._watch({"event": "failed", "install": self._install.id, **told.to_json()})
        unwritten: list[RollbackError] = []
        try:
            self._journal.mark(self._install.id, InstallState.ROLLING_BACK, error=told.to_json())
        except RollbackError as failure:
            unwritten.append(failure)
        self.roll_back(InstallState.ROLLING_BACK, unwritten=unwritten)
        if not isinstance(error, Exception):
            raise error
        raise told from error

    def roll_back(
        self,
        state: InstallState,
        *,
        is_last_try: bool = True,
        unwritten: list[RollbackError] | None = None,
    ) -> None:
        """Undo every step that is not undone yet, last first; a failure does not stop the rest.

        But what was unpacked is kept while another step is stuck: the old content lies there.
        Where the journal cannot be written (its disk is full), all is undone all the same: the
        intents are on record, and the next recovery finds out that nothing is left to undo.
        ``is_last_try`` makes a failure *inconsistent*; else the next recovery tries again.

        Raises:
            RollbackError: a step could not be undone, or the journal could not be written.
        """
        lost = unwritten if unwritten is not None else []
        self._write(lost, lambda: self._journal.mark(self._install.id, state))
        failures: list[str] = []
        for step in reversed(self._journal.steps(self._install.id)):
            if step.state not in _BEGUN or (failures and step.kind in OWNERS_OF_BACKUPS):
                continue
            self._watch(step_event("undo step", step.number, step.title))
            failure = self._revert(step, lost)
            if failure is not None:
                failures.append(failure)
        if lost:
            self._sweep()  # what is freed may be the room that the journal lacks
        self._end(state, failures, lost, is_last_try=is_last_try)
        self._sweep()

    def _sweep(self) -> None:
        sweep(self._journal, self._world.control, self._install.id, self._watch)

    def _revert(self, step: StepRecord, lost: list[RollbackError]) -> str | None:
        """Undo one step; return what is in the way, if anything is."""
        install, number = self._install.id, step.number
        try:
            self._fail_points.check(number, "undo-before")
            built = build_step(step.kind, step.params, self._world)
            if isinstance(built, Unpack | Stage):
                built.discard()  # an undo does not wait for the disk; see retention.sweep
            else:
                built.revert(step.facts)
            self._fail_points.check(number, "undo-after")
        except Exception as error:  # noqa: BLE001 - whatever it is, the other steps are undone
            reason = str(error) or type(error).__name__
            self._write(lost, lambda: self._journal.stuck(install, number, reason))
            return f"step {number}, {step.title}: {reason}"
        self._write(lost, lambda: self._journal.reverted(install, number))
        return None

    def _end(
        self,
        state: InstallState,
        failures: list[str],
        lost: list[RollbackError],
        *,
        is_last_try: bool,
    ) -> None:
        install = self._install.id
        undone = state is InstallState.UNDOING
        end = InstallState.UNDONE if undone else InstallState.ROLLED_BACK
        if failures:
            end = InstallState.INCONSISTENT if is_last_try else state
        self._write(lost, lambda: self._journal.mark(install, end, ended_s=self._clock()))
        self._watch({"event": end.value, "install": install})
        if failures:
            again = "repair" if is_last_try else "recover"
            raise RollbackError(
                f"{len(failures)} step(s) could not be undone: {'; '.join(failures)}",
                remedy=f"remove the cause, then run fuel-upgrade {again}",
                state=f"NEEDS REPAIR, see fuel-upgrade show {install}",
            )
        if lost:
            raise RollbackError(
                f"everything was put back, but the journal could not record it: {lost[0].what}",
                remedy=f"{lost[0].remedy}, then run fuel-upgrade recover",
                state=f"rolled back to Fuel {self._install.fuel_from}",
            ) from lost[0]

    def _write(self, lost: list[RollbackError], record: Callable[[], None]) -> None:
        try:
            record()
        except RollbackError as error:
            lost.append(error)

    def _progress(self, what: str, done: int, total: int) -> None:
        self._watch({"event": "progress", "what": what, "done": done, "total": total})


def _told(error: BaseException, state: str) -> UpgradeError:
    """Return the error to tell: damage stays damage, anything else is a step that failed."""
    where = next(iter(getattr(error, "__notes__", ())), "the install")
    if isinstance(error, BundleError):
        return BundleError(error.what, remedy=error.remedy, state="nothing was changed")
    if isinstance(error, UpgradeError):
        return StepError(f"{where}: {error.what}", remedy=error.remedy, state=state)
    return StepError(
        f"{where}: {str(error) or type(error).__name__}",
        remedy="see the log and fuel-upgrade history, remove the cause, and install again",
        state=state,
    )
