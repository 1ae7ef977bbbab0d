"""Runs the hooks of each point: journals each run, reports it as events, applies its verdict."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

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
from fuel_upgrade.upgrade.records import ChangeRecord, InstallState
from fuel_upgrade.upgrade.steps.run_hook import remedy_for
from fuel_upgrade.upgrade.transaction.journal import Journal

_NOTIFIED = {InstallState.ROLLING_BACK: ON_FAILURE, InstallState.INCONSISTENT: ON_INCONSISTENT}


@dataclass(frozen=True, slots=True)
class HookPoints:
    """Runs the hooks of one master and records each run in the journal."""

    config: Config
    journal: Journal
    clock: Callable[[], float]
    watch: Watch

    def run(self, hook: Hook, context: Context, *, forward: bool) -> HookRun:
        """Run a hook to its end; with ``forward`` the job may be cancelled meanwhile."""
        install, timeout_s = str(context["install"]), self.config.hooks.timeout_s
        self.watch(HookStarted(install, hook.title))
        began_s = self.clock()
        number = self.journal.hook_started(install, hook.point, hook.name, started_s=began_s)

        def report(line: str) -> None:
            self.watch(HookPrinted(hook.title, line))

        def tick() -> None:
            if forward:
                done = min(int(self.clock() - began_s), int(timeout_s))
                self.watch(StepProgressed(f"hook {hook.name}", done, int(timeout_s)))

        run = run_hook(
            hook,
            {**context, "state": context.get("state") or self._state(install)},
            timeout_s=timeout_s,
            report=report,
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
        """Return whether a run may have succeeded: exit code 0, a signal or a crash."""
        runs = [
            run
            for run in self.journal.hook_runs(install)
            if (run.point, run.name) == (hook.point, hook.name)
        ]
        return any(run.exit_code is None or run.exit_code <= 0 for run in runs)

    def before_check(self, install: str, tarball: Path) -> None:
        """Run the before-check hooks, any of which can refuse the install.

        Raises:
            PreflightError: a hook failed, or must not be run.
        """
        hooks = find_hooks(self.config.paths.hooks, BEFORE_CHECK)
        if hooks.refused:
            raise veto(hooks.refused)
        for point in (AFTER_STAGE, AFTER_INSTALL):  # at before-* points the checks refuse them
            report_refused(find_hooks(self.config.paths.hooks, point).refused, self.watch)
        for hook in hooks.accepted:
            run = self._run_at(hook, _check_context(install, tarball, "checking"))
            if run.exit_code != 0:
                raise PreflightError(run.ending, remedy=remedy_for(hook), failures=(run.ending,))

    def repair_check(self, install: str, tarball: Path, error: PreflightError) -> bool:
        """Pass the failed checks to the before-check hooks; return whether one repaired a cause."""
        failures = list(error.failures or [error.what])
        context = {**_check_context(install, tarball, "failed"), "failures": failures}
        hooks = find_hooks(self.config.paths.hooks, BEFORE_CHECK).accepted
        return REPAIRED in [self._run_at(hook, context).exit_code for hook in hooks]

    def notify(self, record: ChangeRecord) -> None:
        """Run the hooks that are notified of a failure, of its undo, or of a failed undo.

        A hook that fails here is reported and stops nothing.
        """
        point = _NOTIFIED.get(record.state, AFTER_ROLLBACK)
        hooks = find_hooks(self.config.paths.hooks, point)
        report_refused(hooks.refused, self.watch)
        for hook in hooks.accepted:
            try:
                self._run_at(hook, _context(record), forward=False)
            except Exception as error:  # noqa: BLE001 - the undo of the install goes first
                self.watch(HookFailed(hook.title, str(error)))

    def _run_at(self, hook: Hook, context: Context, *, forward: bool = True) -> HookRun:
        return self.run(hook, {"point": hook.point, **context}, forward=forward)

    def _state(self, install: str) -> str:
        return next(r.state.value for r in self.journal.installs() if r.id == install)


def veto(refused: Sequence[str]) -> PreflightError:
    """Return the error for refused hooks at a point where a hook can stop the install."""
    return PreflightError(
        "; ".join(refused),
        remedy="make hooks and their folders root's and writable by root only, or remove them",
        failures=tuple(refused),
    )


def report_refused(refused: Sequence[str], watch: Watch) -> None:
    """Report refused hooks at a point where they stop nothing."""
    for fault in refused:
        watch(HookRefused(fault))


def _check_context(install: str, tarball: Path, state: str) -> Context:
    return {"install": install, "tarball": str(tarball), "state": state}


def _context(record: ChangeRecord) -> Context:
    return {
        "install": record.id,
        "tarball": record.subject,
        "fuel_from": record.fuel_from,
        "fuel_to": record.fuel_to,
        "state": record.state.value,
        "error": dict(record.error) if record.error else None,
    }
