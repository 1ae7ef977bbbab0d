"""The step that runs an operator's hook; its undo runs the hook's undo twin."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from fuel_upgrade.errors import OutsideError, PreflightError
from fuel_upgrade.upgrade.hooks import AFTER_INSTALL, BEFORE_INSTALL, Context, Hook
from fuel_upgrade.upgrade.steps.step import Facts, RunsHooks, World


class VetoError(PreflightError):
    """A hook does not let the install begin; the engine tells it as a failed check."""

    default_code = "hook-veto"


@dataclass(frozen=True, slots=True)
class RunHook:
    """Run a hook; ``context`` is what it is told."""

    hook: Hook
    context: Context
    hooks: RunsHooks

    @classmethod
    def from_params(cls, params: Facts, world: World) -> Self:
        """Build the step from what the plan, or the journal, says."""
        if world.hooks is None:
            raise ValueError("a step that runs a hook needs a world that can")
        undo = Path(params["undo"]) if params["undo"] else None
        return cls(
            Hook(params["point"], Path(params["path"]), undo), params["context"], world.hooks
        )

    def inspect(self) -> Facts:
        """Note nothing: how the hook ended is in the journal's own list of runs."""
        return {}

    def apply(self, facts: Facts) -> Facts:
        """Run the hook.

        Raises:
            VetoError: it failed at before-install, where nothing is changed yet.
            OutsideError: it failed at a later point but the last, where a failure is only told.
        """
        run = self.hooks.run(self.hook, self.context, forward=True)
        if run.exit_code == 0 or self.hook.point == AFTER_INSTALL:
            return {**facts, "exit_code": run.exit_code}
        remedy = remedy_for(self.hook)
        if self.hook.point == BEFORE_INSTALL:
            raise VetoError(run.ending, remedy=remedy, failures=(run.ending,))
        raise OutsideError(run.ending, remedy=remedy)

    def revert(self, facts: Facts) -> None:
        """Run the twin, unless the hook did not run or said itself that it failed.

        Raises:
            OutsideError: the twin failed.
        """
        del facts
        twin = self.hook.twin()
        install = str(self.context["install"])
        if twin is None or not self.hooks.may_have_worked(self.hook, install):
            return
        run = self.hooks.run(twin, self.context, forward=False)
        if run.exit_code != 0:
            raise OutsideError(run.ending, remedy=f"correct {twin.path}, or undo by hand")


def remedy_for(hook: Hook) -> str:
    """Return what to do about a hook that stands in the way."""
    return f"correct what it names and install again, or do without it: chmod -x {hook.path}"


def params(hook: Hook, context: Context) -> dict[str, object]:
    """Return the step's parameters as the plan holds them."""
    return {
        "point": hook.point,
        "path": str(hook.path),
        "undo": str(hook.undo) if hook.undo else None,
        "context": {"point": hook.point, **context},
    }
