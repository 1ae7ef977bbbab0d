"""Runs the hooks of each point, with a journal record and events for each run."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from fuel_upgrade.config import Config
from fuel_upgrade.errors import PreflightError
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

_Watch = Callable[[Mapping[str, Any]], None]
_T = TypeVar("_T")
_POINTS = {InstallState.ROLLING_BACK: ON_FAILURE, InstallState.INCONSISTENT: ON_INCONSISTENT}


@dataclass(frozen=True, slots=True)
class HookPoints:
    """Runs the hooks of one master and records each result in the journal."""

    config: Config
    journal: Journal
    clock: Callable[[], float]
    watch: _Watch

    def run(self, hook: Hook, context: Context, *, forward: bool) -> HookRun:
        """Run a hook to its end. The job can be interrupted meanwhile if ``forward``."""
        install, timeout_s = str(context["install"]), self.config.hooks.timeout_s
        self.watch({"event": "hook", "install": install, "hook": hook.title})
        began_s = self.clock()
        number = self.journal.hook_started(install, hook.point, hook.name, started_s=began_s)

        def tell(line: str) -> None:
            self.watch({"event": "hook output", "hook": hook.title, "line": line})

        def tick() -> None:
            if forward:
                done = min(int(self.clock() - began_s), int(timeout_s))
                self.watch(_progress(hook, done, int(timeout_s)))

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
        self.watch(_ended(hook, run))
        return run

    def may_have_worked(self, hook: Hook, install: str) -> bool:
        """Return whether a run succeeded, or has no known result after a crash or a signal."""
        runs = [
            run
            for run in self.journal.hook_runs(install)
            if (run.point, run.name) == (hook.point, hook.name)
        ]
        return any(run.exit_code is None or run.exit_code <= 0 for run in runs)

    def checked(self, install: str, tarball: Path, make: Callable[[], _T]) -> _T:
        """Run the before-check hooks, then ``make``; again if a hook repaired its failure.

        Raises:
            PreflightError: a hook refuses; and the errors of ``make``.
        """
        context = {"install": install, "tarball": str(tarball)}
        hooks = find_hooks(self.config.paths.hooks, BEFORE_CHECK)
        if hooks.refused:
            raise veto(hooks.refused)
        for point in (AFTER_STAGE, AFTER_INSTALL):  # refused before-... hooks fail the checks
            tell_refused(find_hooks(self.config.paths.hooks, point).refused, self.watch)
        for hook in hooks.found:
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
            runs = [self._run_at(hook, failed) for hook in hooks.found]
            if not any(run.exit_code == REPAIRED for run in runs):
                raise
        return make()

    def tell(self, record: ChangeRecord) -> None:
        """Run the hooks after a failure, after its undo, or after a failed undo.

        Their own failures are only reported.
        """
        point = _POINTS.get(record.state, AFTER_ROLLBACK)
        hooks = find_hooks(self.config.paths.hooks, point)
        tell_refused(hooks.refused, self.watch)
        for hook in hooks.found:
            try:
                self._run_at(hook, _context(record), forward=False)
            except Exception as error:  # noqa: BLE001 - the undo of the install goes first
                self.watch({"event": "hook broke", "hook": hook.title, "what": str(error)})

    def _run_at(self, hook: Hook, context: Context, *, forward: bool = True) -> HookRun:
        return self.run(hook, {"point": hook.point, **context}, forward=forward)

    def _state(self, install: str) -> str:
        return next(r.state.value for r in self.journal.installs() if r.id == install)


def veto(refused: Sequence[str]) -> PreflightError:
    """Return the error for hooks that are unsafe to run, at a point where a hook can refuse."""
    return PreflightError(
        "; ".join(refused),
        remedy="make hooks and their folders root's and writable by root only, or remove them",
        failures=tuple(refused),
    )


def tell_refused(refused: Sequence[str], watch: _Watch) -> None:
    """Report hooks that are unsafe to run, at a point where this stops nothing."""
    for fault in refused:
        watch({"event": "hook refused", "what": fault})


def _context(record: ChangeRecord) -> Context:
    return {
        "install": record.id,
        "tarball": record.subject,
        "fuel_from": record.fuel_from,
        "fuel_to": record.fuel_to,
        "state": record.state.value,
        "error": dict(record.error) if record.error else None,
    }


def _progress(hook: Hook, done: int, total: int) -> dict[str, Any]:
    return {"event": "progress", "what": f"hook {hook.name}", "done": done, "total": total}


def _ended(hook: Hook, run: HookRun) -> dict[str, Any]:
    return {
        "event": "hook ended",
        "hook": hook.title,
        "exit_code": run.exit_code,
        "timed_out": run.timed_out,
        "duration_s": round(run.duration_s, 3),
    }
