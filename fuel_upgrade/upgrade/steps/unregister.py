"""The steps that change what Nailgun has: a release goes, or names other repos."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from fuel_upgrade.errors import OutsideError, PreflightError
from fuel_upgrade.release.model import OrchestratorData
from fuel_upgrade.upgrade.steps.step import Facts, World


@dataclass(frozen=True, slots=True)
class Unregister:
    """Delete the release ``id``; ``body`` is what undoing posts again, under a new id."""

    id: int
    body: Mapping[str, Any]
    world: World

    @classmethod
    def from_params(cls, params: Facts, world: World) -> Self:
        """Build the step from what the plan, or the journal, says."""
        return cls(params["id"], params["body"], world)

    def inspect(self) -> Facts:
        """Make sure that the release is there, under its id.

        Raises:
            PreflightError: it is gone, or registered anew.
        """
        found = self.world.registered(self.body)
        if found is None or found.id != self.id:
            now = f"has id {found.id}" if found else "is gone"
            raise PreflightError(
                f"release {self.body['name']} ({self.body['version']}), id {self.id}, {now}",
                remedy="make the plan again, and look at it",
            )
        return {}

    def apply(self, facts: Facts) -> Facts:
        """Delete it.

        Raises:
            ReleaseInUseError: a cluster uses it by now.
        """
        self.world.control.delete_release(self.id)
        return facts

    def revert(self, facts: Facts) -> None:
        """Post it again, unless it is there: under its old id, or by an earlier try."""
        del facts
        if self.world.registered(self.body) is None:
            self.world.control.create_release(self.body)


@dataclass(frozen=True, slots=True)
class Reregister:
    """Give the release ``id`` the orchestrator data ``data``."""

    id: int
    data: OrchestratorData
    world: World

    @classmethod
    def from_params(cls, params: Facts, world: World) -> Self:
        """Build the step from what the plan, or the journal, says."""
        return cls(params["id"], OrchestratorData.from_json(params["data"]), world)

    def inspect(self) -> Facts:
        """Note what it has now."""
        now = self._now()
        return {"before": now.to_json() if now else None}

    def apply(self, facts: Facts) -> Facts:
        """Put the new data."""
        self.world.control.set_repos(self.id, self.data)
        return facts

    def revert(self, facts: Facts) -> None:
        """Put the old data back, if what is there is what this step put.

        Raises:
            OutsideError: somebody else changed it since.
        """
        now = self._now()
        there = now.to_json() if now else None
        if there == facts["before"]:
            return
        if there != self.data.to_json():
            raise OutsideError(
                f"release {self.id}: its repos are neither those of before nor those of after",
                remedy="look at it with fuel-upgrade releases, and correct its repos",
            )
        self.world.control.set_repos(self.id, OrchestratorData.from_json(facts["before"]))

    def _now(self) -> OrchestratorData | None:
        return self.world.control.release(self.id).orchestrator


def unregister_params(release_id: int, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of :class:`Unregister` as the plan holds them."""
    return {"id": release_id, "body": body}


def reregister_params(release_id: int, data: OrchestratorData) -> dict[str, Any]:
    """Return the parameters of :class:`Reregister` as the plan holds them."""
    return {"id": release_id, "data": data.to_json()}
