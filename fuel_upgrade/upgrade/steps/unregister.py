"""The steps that delete a registered release or change its repos."""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from pydantic import PlainSerializer, PlainValidator

from fuel_upgrade.errors import OutsideError, PreflightError
from fuel_upgrade.release.model import OrchestratorData
from fuel_upgrade.release.puppet_tasks import FIELD
from fuel_upgrade.upgrade.records import Json
from fuel_upgrade.upgrade.steps.release_body import Body, find_registered, title_of
from fuel_upgrade.upgrade.steps.repo_order import keep_order
from fuel_upgrade.upgrade.steps.step import NoFacts, Step, World

_Data = Annotated[
    OrchestratorData,
    PlainValidator(OrchestratorData.from_json),
    PlainSerializer(OrchestratorData.to_json),
]


@dataclass(frozen=True, slots=True)
class Unregister(Step[NoFacts]):
    """Delete the release ``id``. Undo posts ``body`` again; the release gets a new id."""

    kind: ClassVar[str] = "unregister"
    needs_backups: ClassVar[bool] = False
    changes_nailgun: ClassVar[bool] = True

    id: int
    body: Body

    def inspect(self, world: World) -> NoFacts:
        """Make sure that the release is registered under its id.

        Raises:
            PreflightError: it is deleted, or registered under another id.
        """
        release = find_registered(world.control, self.body)
        if release is None or release.id != self.id:
            now = f"has id {release.id}" if release else "is gone"
            raise PreflightError(
                f"release {title_of(self.body)}, id {self.id}, {now}",
                remedy="make the plan again and review it",
            )
        return NoFacts()

    def apply(self, facts: NoFacts, world: World) -> NoFacts:
        """Delete it.

        Raises:
            ReleaseInUseError: a cluster uses it by now.
        """
        world.control.delete_release(self.id)
        return facts

    def revert(self, facts: NoFacts, world: World) -> None:
        """Post it again, unless it is registered: under its old id, or by an earlier try.

        Its deployment tasks are part of the body; if Nailgun ignored them there, they are put.
        """
        control = world.control
        release = find_registered(control, self.body) or control.create_release(self.body)
        tasks = self.body.get(FIELD)
        if tasks and not control.deployment_tasks(release.id):
            control.put_deployment_tasks(release.id, tasks)


@dataclass(frozen=True, slots=True)
class ReregisterFacts:
    """``before`` is the previous orchestrator data of the release."""

    before: _Data | None


@dataclass(frozen=True, slots=True)
class Reregister(Step[ReregisterFacts]):
    """Give the release ``id`` the orchestrator data ``data``."""

    kind: ClassVar[str] = "reregister"
    facts_type: ClassVar[type[Any]] = ReregisterFacts
    needs_backups: ClassVar[bool] = False
    changes_nailgun: ClassVar[bool] = True

    id: int
    data: _Data

    def inspect(self, world: World) -> ReregisterFacts:
        """Return the present data."""
        return ReregisterFacts(self._read(world))

    def apply(self, facts: ReregisterFacts, world: World) -> ReregisterFacts:
        """Put the new data.

        Raises:
            OutsideError: the repos do not come back in their order.
        """
        world.control.set_repos(self.id, self.data)
        keep_order(world.control, self.id, self.data, world.control.release_body(self.id))
        return facts

    def revert(self, facts: ReregisterFacts, world: World) -> None:
        """Put the old data back if the present data is that of this step.

        Raises:
            OutsideError: somebody else changed it since.
        """
        present = _json(self._read(world))
        if present == _json(facts.before):
            return
        if present != _json(self.data) or facts.before is None:
            raise OutsideError(
                f"release {self.id}: its repos are neither the previous ones nor those of this"
                " change",
                remedy="look at it with fuel-upgrade releases, and correct its repos",
            )
        world.control.set_repos(self.id, facts.before)

    def _read(self, world: World) -> OrchestratorData | None:
        return world.control.release(self.id).orchestrator


def _json(data: OrchestratorData | None) -> Json | None:
    """Return a form to compare by: Nailgun may return the repos in another order."""
    return data.to_json() if data else None
