"""The steps that tell Nailgun: a release, and the notification of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from fuel_upgrade.errors import OutsideError, PreflightError
from fuel_upgrade.release.model import RegisteredRelease
from fuel_upgrade.release.nailgun_repos import read_release
from fuel_upgrade.release.readback import differences, is_rendered_from
from fuel_upgrade.upgrade.steps.reconcile import until_known
from fuel_upgrade.upgrade.steps.step import Facts, World

_SHOWN = 5


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
        found = self.world.registered(self.body)
        if found is not None and found.id != self.adopt:
            raise PreflightError(
                f"release {found.name} ({found.version}) was registered by somebody else, id"
                f" {found.id}, since this install was planned",
                remedy="look at it with fuel-upgrade releases, then install again",
            )
        return {"id": self.adopt}

    def apply(self, facts: Facts) -> Facts:
        """Post the release and read it back, unless an equal one was adopted.

        Where no answer says what became of a post, the release is looked for before it is posted
        again: it is never registered twice.

        Raises:
            ControlPlaneError: Nailgun refuses, or does not answer in all of the tries.
            OutsideError: what it registered is not what was posted; it was deleted again.
        """
        if self.adopt is not None:
            return facts
        made = until_known(self._post, self._ours)
        found = differences(self.body, self.world.control.release_body(made))
        if found:
            # Only here its id tells that it is this step's own, whatever it looks like.
            self.world.control.delete_release(made)
            raise OutsideError(
                f"Nailgun registered release {self.body['name']} ({self.body['version']}) in"
                f" another way than it was posted: {_first(found)}",
                remedy="see whether nailgun.dialect is the one of this Nailgun, and its log",
            )
        return {"id": made}

    def _post(self) -> int:
        return self.world.control.create_release(self.body).id

    def _ours(self) -> int | None:
        """Return the id of what an unanswered post of this step registered; None if nothing.

        Raises:
            OutsideError: somebody else registered another in the meantime.
        """
        found = self.world.registered(self.body)
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
            found = self.world.registered(self.body)
            created = found.id if found and self._is_posted(found) else None
        if created is not None:
            self.world.control.delete_release(created)

    def _is_posted(self, found: RegisteredRelease) -> bool:
        posted = read_release({**self.body, "id": 0}).orchestrator
        return posted is not None and is_rendered_from(posted, found)


def _first(found: tuple[str, ...]) -> str:
    more = f", and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return "; ".join(found[:_SHOWN]) + more


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
