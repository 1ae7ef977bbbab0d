"""The step that runs an operator's hook; its undo runs the hook's undo twin."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

from fuel_upgrade.errors import OutsideError, PreflightError
from fuel_upgrade.upgrade.hooks import AFTER_INSTALL, BEFORE_INSTALL, Context, Hook
from fuel_upgrade.upgrade.records import Json
from fuel_upgrade.upgrade.steps.step import RunsHooks, Step, World


class VetoError(PreflightError):
    """A hook refuses the install before anything is changed, like a failed check."""

    default_code = "hook-veto"


@dataclass(frozen=True, slots=True)
class HookFacts:
    """``exit_code`` is None before the hook has run."""

    exit_code: int | None = None


@dataclass(frozen=True, slots=True)
class RunHook(Step[HookFacts]):
    """Run the hook at ``path``; ``undo`` is its twin. ``context`` is passed on its stdin."""

    kind: ClassVar[str] = "hook"
    facts_type: ClassVar[type[Any]] = HookFacts
    before_live: ClassVar[bool] = True

    point: str
    path: Path
    undo: Path | None
    context: Context

    @classmethod
    def of(cls, hook: Hook, context: Context) -> Self:
        """Return the step that runs ``hook``."""
        return cls(hook.point, hook.path, hook.undo, {"point": hook.point, **context})

    @property
    def hook(self) -> Hook:
        """The hook."""
        return Hook(self.point, self.path, self.undo)

    @classmethod
    def facts_to_json(cls, facts: HookFacts) -> Json:
        """Return the exit code, if there is one."""
        return {} if facts.exit_code is None else {"exit_code": facts.exit_code}

    def inspect(self, world: World) -> HookFacts:
        """Return no facts: the journal has its own list of the runs of hooks."""
        return HookFacts()

    def apply(self, facts: HookFacts, world: World) -> HookFacts:
        """Run the hook.

        Raises:
            VetoError: it failed at before-install, where nothing is changed yet.
            OutsideError: it failed at a later point. At after-install a failure is only reported.
        """
        run = _runner(world).run(self.hook, self.context, forward=True)
        if run.exit_code == 0 or self.point == AFTER_INSTALL:
            return HookFacts(run.exit_code)
        remedy = remedy_for(self.hook)
        if self.point == BEFORE_INSTALL:
            raise VetoError(run.ending, remedy=remedy, failures=(run.ending,))
        raise OutsideError(run.ending, remedy=remedy)

    def revert(self, facts: HookFacts, world: World) -> None:
        """Run the twin, unless the hook did not run or failed by its own exit code.

        Raises:
            OutsideError: the twin failed.
        """
        twin, hooks = self.hook.twin(), _runner(world)
        install = str(self.context["install"])
        if twin is None or not hooks.may_have_worked(self.hook, install):
            return
        run = hooks.run(twin, self.context, forward=False)
        if run.exit_code != 0:
            raise OutsideError(run.ending, remedy=f"correct {twin.path}, or undo by hand")


def _runner(world: World) -> RunsHooks:
    if world.hooks is None:
        raise ValueError("a hook step needs a world that runs hooks")
    return world.hooks


def remedy_for(hook: Hook) -> str:
    """Return the remedy for a hook that refuses or fails an install."""
    return f"correct the fault and install again, or switch the hook off: chmod -x {hook.path}"
