"""What a step is: one reversible change, with three verbs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from fuel_upgrade.nailgun.control_plane import ControlPlane
from fuel_upgrade.release.model import RegisteredRelease
from fuel_upgrade.system.progress import Progress
from fuel_upgrade.upgrade.hooks import Context, Hook, HookRun

Facts = Mapping[str, Any]
"""What undo needs; it goes through the journal, so only what JSON can hold."""


class RunsHooks(Protocol):
    """Runs hooks, and remembers in the journal how each ended."""

    def run(self, hook: Hook, context: Context, *, forward: bool) -> HookRun:
        """Run a hook to its end; ``forward``: the job may be interrupted meanwhile."""
        ...

    def may_have_worked(self, hook: Hook, install: str) -> bool:
        """Say whether a run of it for this install ended well, or nobody knows how."""
        ...


@dataclass(frozen=True, slots=True)
class World:
    """What steps act on besides the paths in their parameters; ``hooks`` is for hooks' steps."""

    control: ControlPlane
    progress: Progress
    hooks: RunsHooks | None = None

    def registered(self, body: Mapping[str, Any]) -> RegisteredRelease | None:
        """Return the release with name, version and operating system of a body, if there is one."""
        key = (body["name"], body["version"], body["operating_system"])
        releases = self.control.releases()
        return next((r for r in releases if (r.name, r.version, r.operating_system) == key), None)


class Step(Protocol):
    """One reversible change.

    ``apply`` and ``revert`` may meet any state that a crash left: ``revert`` copes with a step
    applied in part, undoes only what this step made, and a second revert changes nothing.
    """

    def inspect(self) -> Facts:
        """Read all that undo will need, before anything is changed."""
        ...

    def apply(self, facts: Facts) -> Facts:
        """Make the change; return what else is known of it now."""
        ...

    def revert(self, facts: Facts) -> None:
        """Undo the change, whole or half done."""
        ...
