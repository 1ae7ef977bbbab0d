"""The points at which hooks run: each run journalled, told as events, and its verdict kept."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from fuel_upgrade.config import Config
from fuel_upgrade.errors import PreflightError
from fuel_upgrade.upgrade.events import (
    HookEnded,
    HookFailed,
    HookPrinted,
    HookRefused,
    HookStarted,
    StepProgressed,
    Watch,
)
from fuel_upgrade.upgrade.hooks import (
    AFTER_INSTALL,
    AFTER_ROLLBACK,
    AFTER_STAGE,
    BEFORE_CHECK,
    ON_FAILURE,
    ON_INCONSISTENT,
    REPAIRED,
    Context,
    Hook,
    HookRun,
    find_hooks,
    run_hook,
)
from fuel_upgrade.upgrade.records import InstallRecord, InstallState
from fuel_upgrade.upgrade.steps.run_hook import remedy_for
from fuel_upgrade.upgrade.transaction.journal import Journal

_T = TypeVar("_T")
_TOLD = {InstallState.ROLLING_BACK: ON_FAILURE, InstallState.INCONSISTENT: ON_INCONSISTENT}


@dataclass(frozen=True, slots=True)
class HookPoints:
    """Runs the hooks of one master and remembers in the journal how each ended."""

    config: Config
    journal: Journal
    clock: Callable[[], float]
    watch: Watch

    def run(self, hook: Hook, context: Context, *, forward: bool) -> HookRun:
        """Run a hook to its end; ``forward``: the job may be interrupted meanwhile."""
        install, timeout_s = str(context["install"]), self.config.hooks.timeout_s
        self.watch(HookStarted(install, hook.title))
        began_s = self.clock()
        number = self.journal.hook_started(install, hook.point, hook.name, started_s=began_s)

        def tell(line: str) -> None:
            self.watch(HookPrinted(hook.title, line))

        def tick() -> None:
            if forward:
                done = min(int(self.clock() - began_s), int(timeout_s))
                self.watch(StepProgressed(f"hook {hook.name}", done, int(timeout_s)))

        run = run_hook(
            hook,
            {**context, "state": context.get("state") or self._state(install)},
            timeout_s=timeout_s,
            tell=tell,
            tick=tick,
        )
        note = f"\n{run.ending}" if run.timed_out else ""
        self.journal.hook_ended(
            number, exit_code=run.exit_code, output=run.output + note, ended_s=self.clock()
        )
        duration_s = round(run.duration_s, 3)
        self.watch(HookEnded(hook.title, run.exit_code, run.timed_out, duration_s))
        return run

    def may_have_worked(self, hook: Hook, install: str) -> bool:
        """Say whether a run of it ended well, or nobody knows how: a crash, a signal."""
        runs = [
            run
            for run in self.journal.hook_runs(install)
            if (run.point, run.name) == (hook.point, hook.name)
        ]
        return any(run.exit_code is None or run.exit_code <= 0 for run in runs)

    def checked(self, install: str, tarball: Path, make: Callable[[], _T]) -> _T:
        """Let before-check hooks speak, then check; once more where one repaired what failed.

        Raises:
            PreflightError: a hook's veto; and what ``make`` raises.
        """
        context = {"install": install, "tarball": str(tarball)}
        found = find_hooks(self.config.paths.hooks, BEFORE_CHECK)
        if found.refused:
            raise veto(found.refused)
        for point in (AFTER_STAGE, AFTER_INSTALL):  # those before- something fail the checks
            tell_refused(find_hooks(self.config.paths.hooks, point).refused, self.watch)
        for hook in found.found:
            run = self._run_at(hook, {**context, "state": "checking"})
            if run.exit_code != 0:
                raise PreflightError(run.ending, remedy=remedy_for(hook), failures=(run.ending,))
        try:
            return make()
        except PreflightError as error:
            failed = {
                **context,
                "state": "failed",
                "failures": list(error.failures or [error.what]),
            }
            runs = [self._run_at(hook, failed) for hook in found.found]
            if not any(run.exit_code == REPAIRED for run in runs):
                raise
        return make()

    def tell(self, record: InstallRecord) -> None:
        """Run the hooks that are only told: of a failure, of its undo, or that undoing failed.

        Whatever happens here is told and no more.
        """
        point = _TOLD.get(record.state, AFTER_ROLLBACK)
        found = find_hooks(self.config.paths.hooks, point)
        tell_refused(found.refused, self.watch)
        for hook in found.found:
            try:
                self._run_at(hook, _context(record), forward=False)
            except Exception as error:  # noqa: BLE001 - the undo of the install goes first
                self.watch(HookFailed(hook.title, str(error)))

    def _run_at(self, hook: Hook, context: Context, *, forward: bool = True) -> HookRun:
        return self.run(hook, {"point": hook.point, **context}, forward=forward)

    def _state(self, install: str) -> str:
        return next(r.state.value for r in self.journal.installs() if r.id == install)


def veto(refused: Sequence[str]) -> PreflightError:
    """Return the error for hooks that must not be run at a point where a hook can refuse."""
    return PreflightError(
        "; ".join(refused),
        remedy="make hooks and their folders root's and writable by root only, or remove them",
        failures=tuple(refused),
    )


def tell_refused(refused: Sequence[str], watch: Watch) -> None:
    """Tell of hooks that are not run at a point where that stops nothing."""
    for fault in refused:
        watch(HookRefused(fault))


def _context(record: InstallRecord) -> Context:
    return {
        "install": record.id,
        "tarball": record.tarball,
        "fuel_from": record.fuel_from,
        "fuel_to": record.fuel_to,
        "state": record.state.value,
        "error": dict(record.error) if record.error else None,
    }
