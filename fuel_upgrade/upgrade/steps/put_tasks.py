"""The step that gives a release the deployment tasks of its puppet tree."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from fuel_upgrade.errors import OutsideError
from fuel_upgrade.release.model import RegisteredRelease
from fuel_upgrade.release.puppet_tasks import DeploymentTask, altered, read_tasks
from fuel_upgrade.upgrade.steps.nailgun_call import RELEASES, TASKS, Call
from fuel_upgrade.upgrade.steps.release_body import Key, find_by_key
from fuel_upgrade.upgrade.steps.step import Step, World

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class TasksFacts:
    """``before`` are the previous tasks of the release ``id``."""

    id: int
    before: tuple[DeploymentTask, ...]


@dataclass(frozen=True, slots=True)
class PutTasks(Step[TasksFacts]):
    """Put the tasks of the live folder ``puppet`` for a release that is registered by then.

    An adopted release gets them too: its puppet tree was switched.
    """

    kind: ClassVar[str] = "tasks"
    facts_type: ClassVar[type[Any]] = TasksFacts
    needs_backups: ClassVar[bool] = False
    changes_nailgun: ClassVar[bool] = True

    name: str
    version: str
    operating_system: str
    puppet: Path

    @property
    def key(self) -> Key:
        """The key of the release."""
        return (self.name, self.version, self.operating_system)

    def nailgun_calls(self) -> tuple[Call, ...]:
        """Return the requests."""
        return (
            Call("GET", RELEASES, "find the release"),
            Call("GET", TASKS, "note its deployment tasks"),
            Call("PUT", TASKS, "put the deployment tasks"),
            Call("GET", TASKS, "read them back"),
            Call("GET", RELEASES, "find the release", undo=True),
            Call("GET", TASKS, "compare its deployment tasks", undo=True),
            Call("PUT", TASKS, "put the previous deployment tasks back", undo=True),
        )

    def inspect(self, world: World) -> TasksFacts:
        """Return the present tasks of the release.

        Raises:
            OutsideError: the release is not registered any more.
        """
        release = self._find(world)
        if release is None:
            raise OutsideError(
                f"release {self.name} ({self.version}) is not registered any more",
                remedy="look with fuel-upgrade releases, then install again",
            )
        return TasksFacts(release.id, world.control.deployment_tasks(release.id))

    def apply(self, facts: TasksFacts, world: World) -> TasksFacts:
        """Put the tasks and read them back.

        Raises:
            BundleError: a file with tasks is malformed.
            ControlPlaneError: Nailgun refuses them.
            OutsideError: Nailgun shows other tasks than it was given.
        """
        tasks = read_tasks(self.puppet)
        world.control.put_deployment_tasks(facts.id, tasks)
        if changed := altered(tasks, world.control.deployment_tasks(facts.id)):
            raise OutsideError(
                f"Nailgun does not show {len(changed)} of the {len(tasks)} deployment tasks of"
                f" {self.name} ({self.version}) as they were put: {', '.join(changed[:_SHOWN])}",
                remedy="see the log of Nailgun",
            )
        return facts

    def revert(self, facts: TasksFacts, world: World) -> None:
        """Put the previous tasks back, unless the release is gone."""
        control, release = world.control, self._find(world)
        if release is None or release.id != facts.id:
            return
        if control.deployment_tasks(facts.id) != facts.before:
            control.put_deployment_tasks(facts.id, facts.before)

    def _find(self, world: World) -> RegisteredRelease | None:
        return find_by_key(world.control, self.key)
