"""The steps that tell Nailgun: a release, and the notification of it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from fuel_upgrade.errors import OutsideError, PreflightError
from fuel_upgrade.release.model import OrchestratorData, RegisteredRelease
from fuel_upgrade.upgrade.steps.reconcile import until_known
from fuel_upgrade.upgrade.steps.step import Facts, World


@dataclass(frozen=True, slots=True)
class Register:
    """Register a release. ``body`` is what is posted; ``adopt`` the id of an equal one, or None.

    An adopted release is left as it is, by this step and by its undo.
    """

    body: Mapping[str, Any]
    adopt: int | None
    world: World

    @classmethod
    def from_params(cls, params: Facts, world: World) -> Self:
        """Build the step from what the plan, or the journal, says."""
        return cls(params["body"], params["adopt"], world)

    def inspect(self) -> Facts:
        """Make sure that a release found later under this name is this step's own.

        Raises:
            PreflightError: one appeared since the plan was made.
        """
        found = self._registered()
        if found is not None and found.id != self.adopt:
            raise PreflightError(
                f"release {found.name} ({found.version}) was registered by somebody else, id"
                f" {found.id}, since this install was planned",
                remedy="look at it with fuel-upgrade releases, then install again",
            )
        return {"id": self.adopt}

    def apply(self, facts: Facts) -> Facts:
        """Post the release, unless an equal one was adopted.

        Where no answer says what became of a post, the release is looked for before it is posted
        again: it is never registered twice.

        Raises:
            ControlPlaneError: Nailgun refuses, or does not answer in all of the tries.
        """
        if self.adopt is not None:
            return facts
        return {"id": until_known(self._post, self._ours)}

    def _post(self) -> int:
        return self.world.control.create_release(self.body).id

    def _ours(self) -> int | None:
        """Return the id of what an unanswered post of this step registered; None if nothing.

        Raises:
            OutsideError: somebody else registered another in the meantime.
        """
        found = self._registered()
        if found is None:
            return None
        if not self._is_posted(found):
            raise OutsideError(
                f"release {found.name} ({found.version}), id {found.id}, is not the one that was"
                " posted",
                remedy="look at it with fuel-upgrade releases, then install again",
            )
        return found.id

    def revert(self, facts: Facts) -> None:
        """Delete the release if this step made it, also if the answer to the post was lost.

        One of its name that has other repos is somebody else's, and stays.

        Raises:
            ControlPlaneError: Nailgun refuses, for example because a cluster uses it.
        """
        if self.adopt is not None:
            return
        created = facts["id"]
        if created is None:
            found = self._registered()
            created = found.id if found and self._is_posted(found) else None
        if created is not None:
            self.world.control.delete_release(created)

    def _is_posted(self, found: RegisteredRelease) -> bool:
        posted = OrchestratorData.from_wire(self.body["orchestrator_data"])
        return is_rendered_from(posted, found)

    def _registered(self) -> RegisteredRelease | None:
        key = (self.body["name"], self.body["version"], self.body["operating_system"])
        releases = self.world.control.releases()
        return next((r for r in releases if (r.name, r.version, r.operating_system) == key), None)


def is_rendered_from(posted: OrchestratorData, found: RegisteredRelease) -> bool:
    """Tell whether a release has the data that was posted, with Nailgun's macros filled in."""
    data = found.orchestrator
    if data is None:
        return False
    wanted, there = _texts(posted), _texts(data)
    return len(wanted) == len(there) and all(
        re.fullmatch(_as_pattern(text, found.version), other)
        for text, other in zip(wanted, there, strict=True)
    )


def _texts(data: OrchestratorData) -> tuple[str, ...]:
    repos = sorted(data.repos, key=lambda repo: repo.name)
    sources = (data.puppet_manifests_source, data.puppet_modules_source)
    return (*sources, *(f"{repo.name} {repo.location}" for repo in repos))


def _as_pattern(text: str, version: str) -> str:
    """Leave open which of its addresses Nailgun takes for the master's."""
    filled = re.escape(text.replace("{OPENSTACK_VERSION}", version))
    return filled.replace(re.escape("{MASTER_IP}"), r"[^/\s]+")


@dataclass(frozen=True, slots=True)
class Notify:
    """Post a notification."""

    message: str
    world: World

    @classmethod
    def from_params(cls, params: Facts, world: World) -> Self:
        """Build the step from what the plan, or the journal, says."""
        return cls(params["message"], world)

    def inspect(self) -> Facts:
        """Note the notifications of the same text that are there already."""
        return {"before": sorted(self._equal())}

    def apply(self, facts: Facts) -> Facts:
        """Post it, once: see :meth:`Register.apply`."""
        before = set(facts["before"])
        until_known(
            lambda: self.world.control.notify(self.message),
            lambda: next(iter(self._equal() - before), None),
        )
        for late in sorted(self._equal() - before)[1:]:  # an unanswered post that came after all
            self.world.control.delete_notification(late)
        return facts

    def revert(self, facts: Facts) -> None:
        """Delete those of this text that were not there before."""
        for notification in self._equal() - set(facts["before"]):
            self.world.control.delete_notification(notification)

    def _equal(self) -> set[int]:
        notifications = self.world.control.notifications()
        return {n.id for n in notifications if n.message == self.message}
